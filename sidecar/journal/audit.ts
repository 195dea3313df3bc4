import { createPublicKey, verify } from 'node:crypto';

/** What the audit key signs for a checkpoint. */
export interface CheckpointSignature {
  /** Raw public key and signature, hexadecimal. */
  key: string;
  signature: string;
}

/** Signs a message with the audit key. */
export type SignCheckpoint = (message: Buffer) => Promise<CheckpointSignature>;

const DOMAIN = Buffer.from('stellar-signer checkpoint v1\0');
/** DER of an Ed25519 SubjectPublicKeyInfo (RFC 8410) up to the key. */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** The message for a checkpoint whose line has this SHA-256. It is longer than a hash: it can be no transaction's. */
export const checkpointMessage = (hash: string): Buffer => Buffer.concat([DOMAIN, Buffer.from(hash, 'hex')]);

/** Whether the signature is of `key` over the checkpoint whose line has the hash. */
export function isCheckpointSigned(hash: string, { key, signature }: CheckpointSignature): boolean {
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI, Buffer.from(key, 'hex')]),
    format: 'der',
    type: 'spki',
  });
  return verify(null, checkpointMessage(hash), publicKey, Buffer.from(signature, 'hex'));
}
