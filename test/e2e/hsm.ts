import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Token } from '../sidecar/token.ts';

/** The group of the pod's volumes (fsGroup). */
const VOLUME_GROUP = 10000;

/**
 * The token as a module volume: library, its configuration and the token's objects in one folder, which the pod mounts
 * read-only. The kubelet changes the owner of writable volumes only, so that is done here. A folder that is there stays:
 * a pod may have it mounted.
 */
export function moduleVolume(token: Token, tokens: string, folder: string): void {
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true });
  cpSync(tokens, join(folder, 'tokens'), { recursive: true });
  copyFileSync(realpathSync(token.module), join(folder, 'libsofthsm2.so'));
  const configuration =
    'directories.tokendir = /opt/pkcs11/tokens\nobjectstore.backend = file\nlog.level = ERROR\n';
  writeFileSync(join(folder, 'softhsm2.conf'), configuration);
  for (const entry of ['.', ...(readdirSync(folder, { recursive: true }) as string[])]) {
    const path = join(folder, entry);
    chownSync(path, 0, VOLUME_GROUP);
    chmodSync(path, statSync(path).isDirectory() ? 0o750 : 0o640);
  }
}

/** The PIN, as it goes into a Secret. */
export const pinOf = (token: Token): string => readFileSync(token.pinFile, 'utf8').trim();
