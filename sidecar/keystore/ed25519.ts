import { createPublicKey, verify } from 'node:crypto';

/** DER of SubjectPublicKeyInfo for Ed25519 up to the key itself (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export type Verifier = (message: Buffer, signature: Buffer) => boolean;

/** Verifies under one raw public key (32 bytes), with node:crypto: about 0.2 ms. */
export function createVerifier(publicKey: Buffer): Verifier {
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
  return (message, signature) => signature.length === 64 && verify(null, message, key, signature);
}
