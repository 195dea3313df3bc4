import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** PEM text, each ending with a line end so that files can be joined. */
export interface KeyAndCertificate {
  cert: string;
  key: string;
}

export interface LeafRequest {
  /** Subject common name; at most 64 characters. */
  commonName: string;
  /** DNS names. */
  names: readonly string[];
  usage: 'server' | 'client';
}

/** A certification authority whose key exists only in this object: drop it and nothing more can be signed. */
export interface ThrowAwayAuthority {
  /** Its certificate, PEM. */
  root: string;
  issue(leaf: LeafRequest): Promise<KeyAndCertificate>;
}

export interface Validity {
  notBefore: Date;
  notAfter: Date;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

x509.cryptoProvider.set(webcrypto);

/**
 * Makes a CA for one issuance. All profiles are what strict verifiers ask for (RFC 5280; Python 3.13 and Go): key
 * identifiers, critical basic constraints and key usage, one extended key usage, names only as alternative names.
 */
export async function createAuthority(commonName: string, validity: Validity): Promise<ThrowAwayAuthority> {
  const keys = await newKeys();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: subject(commonName),
    ...validity,
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    root: `${root.toString('pem')}\n`,
    async issue({ commonName: leafName, names, usage }) {
      const leaf = await newKeys();
      const cert = await x509.X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        subject: subject(leafName),
        issuer: root.subject,
        ...validity,
        signingAlgorithm: ALGORITHM,
        publicKey: leaf.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([
            usage === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth,
          ]),
          new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value }))),
          await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
          await x509.SubjectKeyIdentifierExtension.create(leaf.publicKey),
        ],
      });
      return { cert: `${cert.toString('pem')}\n`, key: await pemOf(leaf.privateKey) };
    },
  };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

/** 127 random bits; the clear top bit keeps the DER integer positive. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x01;
  return bytes.toString('hex');
}

function subject(commonName: string): x509.JsonName {
  return [{ CN: [commonName] }];
}
