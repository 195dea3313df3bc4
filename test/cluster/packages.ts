import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Report } from './cache.ts';
import { run } from './run.ts';

/** What each Debian package is needed for: a command on the PATH or a file. */
const PACKAGES: Record<string, readonly string[]> = {
  'util-linux': ['unshare', 'nsenter', 'flock'],
  iproute2: ['ip'],
  runc: ['runc'],
  'containernetworking-plugins': ['/usr/lib/cni/bridge', '/usr/lib/cni/host-local', '/usr/lib/cni/loopback'],
  conntrack: ['conntrack'],
  iptables: ['iptables'],
  nftables: ['nft'],
  buildah: ['buildah'],
  'busybox-static': ['/bin/busybox'],
  softhsm2: ['/usr/lib/softhsm/libsofthsm2.so', 'softhsm2-util'],
  opensc: ['pkcs11-tool'],
};

/** What the control plane alone needs. */
export const CONTROL_PLANE_PACKAGES = ['util-linux', 'iproute2'] as const;

const searchPath = (): string[] => [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];

const present = (need: string): boolean =>
  need.startsWith('/') ? existsSync(need) : searchPath().some((folder) => existsSync(join(folder, need)));

/** The packages, of the given ones, of which something is missing on this machine. */
export function missingPackages(names: readonly string[] = Object.keys(PACKAGES)): string[] {
  return names.filter((name) => !(PACKAGES[name] ?? []).every(present));
}

/** Installs what is missing; throws a sentence that says what to do when that needs root and we are not. */
export async function ensurePackages(
  names: readonly string[] | undefined,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const missing = missingPackages(names);
  if (missing.length === 0) return;
  const install = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0) {
    throw new Error(`These Debian packages are missing: ${missing.join(', ')}. Run as root: ${install}`);
  }
  report(`packages: installing ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-q'], { env, signal });
  await run('apt-get', install.split(' ').slice(1), { env, signal });
  const still = missingPackages(names);
  if (still.length > 0)
    throw new Error(`After installing them these are still incomplete: ${still.join(', ')}`);
}
