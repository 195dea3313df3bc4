import { createHash, X509Certificate } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, type Pem } from '../certificates.ts';

export interface ServerIdentity extends Pem {
  /** PEM of the authority that signed `cert`; its key is forgotten. */
  ca: string;
  caFile: string;
  /** `sha256/<base64>` of the public keys of the leaf and of the authority. */
  spkiPins: [leaf: string, authority: string];
}

const DAYS = 25;

const pin = (pem: string): string => {
  const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`;
};

function usable(pem: Pem, host: string, now: number): boolean {
  const leaf = new X509Certificate(pem.cert);
  return leaf.checkHost(host) !== undefined && leaf.validToDate.getTime() > now + 86_400_000;
}

async function readStored(dir: string): Promise<(Pem & { ca: string }) | undefined> {
  try {
    const read = (name: string): Promise<string> => readFile(join(dir, name), 'utf8');
    const [ca, cert, key] = await Promise.all([read('ca.pem'), read('tls.crt'), read('tls.key')]);
    return { ca, cert, key };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}

/**
 * Certificate and key of the Horizon server, kept in `dir` so that pins stay the same over restarts; made anew where
 * they do not name `host` or are about to expire.
 * @param now milliseconds since the epoch
 */
export async function serverIdentity(dir: string, host: string, now: number): Promise<ServerIdentity> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  let stored = await readStored(dir);
  if (!stored || !usable(stored, host, now)) {
    const authority = await createAuthority('sandbox network');
    const names = [...new Set([host, 'localhost', '127.0.0.1'])];
    const leaf = await authority.issue({ names, usage: 'server', days: DAYS });
    stored = { ca: authority.cert, ...leaf };
    await writeFile(join(dir, 'ca.pem'), stored.ca);
    await writeFile(join(dir, 'tls.crt'), stored.cert);
    await writeFile(join(dir, 'tls.key'), stored.key, { mode: 0o600 });
  }
  return { ...stored, caFile: join(dir, 'ca.pem'), spkiPins: [pin(stored.cert), pin(stored.ca)] };
}
