import { createHash, type X509Certificate } from 'node:crypto';

/** The pin of a certificate's public key: `sha256/<base64 of the SHA-256 of its SubjectPublicKeyInfo>` (RFC 7469). */
export function spkiPin(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`;
}

/**
 * The chain of a TLS peer from its leaf up, each step proved by signature: the peer chooses which certificates it
 * sends, and one that vouches for nothing in the chain must not satisfy a pin.
 */
export function verifiedChain(leaf: X509Certificate): X509Certificate[] {
  const chain = [leaf];
  for (let child = leaf; ; ) {
    const issuer = child.issuerCertificate;
    if (issuer === undefined || issuer.fingerprint256 === child.fingerprint256) return chain;
    if (!issuer.ca || !child.checkIssued(issuer) || !child.verify(issuer.publicKey)) return chain;
    chain.push(issuer);
    child = issuer;
  }
}

/** True when any certificate of the verified chain has one of the pins. No pins: nothing is demanded. */
export function pinsMatch(leaf: X509Certificate, pins: readonly string[] | undefined): boolean {
  return pins === undefined || verifiedChain(leaf).some((certificate) => pins.includes(spkiPin(certificate)));
}
