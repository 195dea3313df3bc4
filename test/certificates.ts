import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

x509.cryptoProvider.set(webcrypto);

export interface Pem {
  cert: string;
  key: string;
}

/** A certification authority for tests; `issue` signs leaves. Validity in days from now may be negative (expired). */
export interface TestAuthority extends Pem {
  issue(options: {
    names: string[];
    usage: 'server' | 'client';
    days?: number;
    /** The distinguished name, where it is not just the first of `names`. */
    subject?: string;
  }): Promise<Pem>;
}

const pemKey = async (key: webcrypto.CryptoKey): Promise<string> =>
  x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');

const keyPair = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;

const subjectAlternative = (names: string[]): x509.SubjectAlternativeNameExtension =>
  new x509.SubjectAlternativeNameExtension(
    names.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? 'ip' : 'dns', value })),
  );

export async function createAuthority(name = 'test CA'): Promise<TestAuthority> {
  const keys = await keyPair();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    notBefore: new Date(Date.now() - 2 * DAY_MS),
    notAfter: new Date(Date.now() + 30 * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    cert: ca.toString('pem'),
    key: await pemKey(keys.privateKey),
    async issue({ names, usage, days = 10, subject = `CN=${names[0]}` }) {
      const leaf = await keyPair();
      const cert = await x509.X509CertificateGenerator.create({
        subject,
        issuer: ca.subject,
        notBefore: new Date(Date.now() - DAY_MS),
        notAfter: new Date(Date.now() + days * DAY_MS),
        signingAlgorithm: ALGORITHM,
        publicKey: leaf.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([
            usage === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth,
          ]),
          ...(names.length === 0 ? [] : [subjectAlternative(names)]),
          await x509.AuthorityKeyIdentifierExtension.create(ca.publicKey),
          await x509.SubjectKeyIdentifierExtension.create(leaf.publicKey),
        ],
      });
      return { cert: cert.toString('pem'), key: await pemKey(leaf.privateKey) };
    },
  };
}

/** One server certificate that nobody signed for, for ports whose certificate the test does not check. */
export async function selfSigned(name: string): Promise<Pem> {
  return (await createAuthority()).issue({ names: [name], usage: 'server' });
}
