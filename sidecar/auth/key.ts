import { randomBytes } from 'node:crypto';
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type * as z from 'zod';
import type { HmacKey } from '../../common/http-signatures-hmac.ts';
import { Secret } from '../../common/secret.ts';
import { REQUEST_KEY_FILE, type requestKey } from '../protocol.ts';

const MODE = 0o440;

/** The key of this start; its id tells clients that the signer was restarted. */
export function createRequestKey(): HmacKey {
  return { id: randomBytes(16).toString('base64url'), secret: new Secret(randomBytes(32)) };
}

/** Puts the key beside the socket, whole or not at all, for owner and group of the folder. */
export function writeRequestKey(socketPath: string, { id, secret }: HmacKey): void {
  const path = join(dirname(socketPath), REQUEST_KEY_FILE);
  const temporary = `${path}.new`;
  const content: z.infer<typeof requestKey> = { keyid: id, key: secret.reveal().toString('base64') };
  rmSync(temporary, { force: true });
  writeFileSync(temporary, JSON.stringify(content), { flag: 'wx', mode: MODE });
  // The umask may have taken the group's right away.
  chmodSync(temporary, MODE);
  renameSync(temporary, path);
}
