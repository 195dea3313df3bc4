import { childNames } from '../desired/names.ts';
import { createAuthority, type KeyAndCertificate } from './authority.ts';

/**
 * How long a set of certificates is valid. A set is replaced whole, with a new root, when a third of this is left;
 * who connected with the old client certificate must then read the new one.
 */
export const LIFE_MS = 365 * 86_400_000;
/** Clocks of clients may be behind ours by this much. */
const SKEW_MS = 300_000;

/** What one issuance gives: the public root, and the contents of three Secrets. */
export interface CertificateSet {
  /** PEM, of the authority that signed all three leaves and whose key is gone. */
  root: string;
  notAfter: Date;
  secrets: readonly TlsSecret[];
}

export interface TlsSecret {
  name: string;
  type: 'kubernetes.io/tls' | 'Opaque';
  /** File name to text. */
  data: Readonly<Record<string, string>>;
}

/** Names of the Secrets of the connector `name`: what the gateway, its clients and the signer's TLS port show. */
export function secretNames(name: string): { server: string; client: string; signer: string } {
  const { serverTls, clientTls, signerTls } = childNames(name);
  return { server: serverTls, client: clientTls, signer: signerTls };
}

/** Issues a whole set for the connector `name` in `namespace`. */
export async function mint(name: string, namespace: string, now: Date): Promise<CertificateSet> {
  const notAfter = new Date(Math.floor((now.getTime() + LIFE_MS) / 1000) * 1000);
  const notBefore = new Date(now.getTime() - SKEW_MS);
  // Each issuance has another authority name: a client that holds two roots must not have to guess by subject.
  const authority = await createAuthority(`${name} ${now.toISOString().slice(0, 19)}`.slice(-64), {
    notBefore,
    notAfter,
  });
  const names = secretNames(name);
  const server = await authority.issue({
    commonName: name,
    // `gateway` is what a bot calls the host in the tutorials of Hummingbot; `localhost` serves port-forward.
    names: [...serviceNames(name, namespace), 'localhost', 'gateway'],
    usage: 'server',
  });
  const client = await authority.issue({
    commonName: `${name}-client`,
    names: [`${name}-client`],
    usage: 'client',
  });
  const signer = await authority.issue({
    commonName: `${name}-signer`,
    names: signerNames(name, namespace),
    usage: 'server',
  });
  return {
    root: authority.root,
    notAfter,
    secrets: [
      { name: names.server, type: 'kubernetes.io/tls', data: tlsData(server) },
      {
        name: names.client,
        type: 'Opaque',
        // The three files that a Hummingbot client reads.
        data: { 'ca_cert.pem': authority.root, 'client_cert.pem': client.cert, 'client_key.pem': client.key },
      },
      { name: names.signer, type: 'kubernetes.io/tls', data: tlsData(signer) },
    ],
  };
}

/** True when a set that ends at `notAfter` must be replaced now. */
export function isDue(notAfter: Date, now: Date): boolean {
  return notAfter.getTime() - now.getTime() < LIFE_MS / 3;
}

/** Names on the certificate of the signer's TLS port; it has no Service, the operator asks for the first by address. */
export function signerNames(name: string, namespace: string): string[] {
  return serviceNames(`${name}-signer`, namespace);
}

function serviceNames(name: string, namespace: string): string[] {
  const short = `${name}.${namespace}`;
  return [`${short}.svc`, `${short}.svc.cluster.local`, short, name];
}

function tlsData({ cert, key }: KeyAndCertificate): Record<string, string> {
  return { 'tls.crt': cert, 'tls.key': key };
}
