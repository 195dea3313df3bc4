import 'reflect-metadata';
import { createHash, webcrypto, X509Certificate } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { createAuthority, type Pem } from '../certificates.ts';

/** What a server shows: the right certificate, and wrong ones, all but one under the same authority. */
export interface Leaves {
  host: string;
  right: Pem;
  expired: Pem;
  wrong_host: Pem;
  changed_key: Pem;
  self_signed: Pem;
}

export interface Identities {
  /** PEM of the authority that signed all of them; its key is forgotten. */
  ca: string;
  /** By endpoint. */
  leaves: Record<string, Leaves>;
}

const DAYS = 25;

/** `sha256/<base64>` of a certificate's public key. */
export const pinOf = (pem: string): string => {
  const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`;
};

function usable(leaves: Leaves | undefined, host: string, now: number): boolean {
  if (leaves?.host !== host) return false;
  return new X509Certificate(leaves.right.cert).validToDate.getTime() > now + 86_400_000;
}

/** A certificate that vouches for itself. */
async function selfSigned(host: string): Promise<Pem> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${host}`,
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }])],
  });
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { cert: certificate.toString('pem'), key: x509.PemConverter.encode(key, 'PRIVATE KEY') };
}

async function create(hosts: Record<string, string>): Promise<Identities> {
  const authority = await createAuthority('sandbox network');
  const leaf = (host: string, days = DAYS): Promise<Pem> =>
    authority.issue({ names: [...new Set([host, 'localhost', '127.0.0.1'])], usage: 'server', days });
  const all = Object.entries(hosts).map(async ([name, host]): Promise<[string, Leaves]> => {
    const wrong = authority.issue({ names: ['elsewhere.invalid'], usage: 'server', days: DAYS });
    const [right, expired, wrong_host, changed_key, self_signed] = await Promise.all([
      leaf(host),
      leaf(host, -0.5),
      wrong,
      leaf(host),
      selfSigned(host),
    ]);
    return [name, { host, right, expired, wrong_host, changed_key, self_signed }];
  });
  return { ca: authority.cert, leaves: Object.fromEntries(await Promise.all(all)) };
}

async function readStored(path: string): Promise<Identities | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Identities;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}

/**
 * Certificates and keys of the endpoints, kept in `dir` so that pins stay the same over restarts; made anew where they
 * do not name the `hosts` (by endpoint) or are about to expire. `ca.pem` is there for clients.
 * @param now milliseconds since the epoch
 */
export async function identities(
  dir: string,
  hosts: Record<string, string>,
  now: number,
): Promise<Identities & { caFile: string }> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const [path, caFile] = [join(dir, 'tls.json'), join(dir, 'ca.pem')];
  let stored = await readStored(path);
  if (!Object.entries(hosts).every(([name, host]) => usable(stored?.leaves[name], host, now))) {
    stored = await create(hosts);
    await writeFile(path, JSON.stringify(stored), { mode: 0o600 });
  }
  await writeFile(caFile, stored!.ca);
  return { ...stored!, caFile };
}
