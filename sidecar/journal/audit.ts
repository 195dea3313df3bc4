import { createVerifier } from '../keystore/ed25519.ts';

/** What the audit key signs for a checkpoint. */
export interface CheckpointSignature {
  /** Raw public key and signature, hexadecimal. */
  key: string;
  signature: string;
}

/** Signs a message with the audit key. */
export type SignCheckpoint = (message: Buffer) => Promise<CheckpointSignature>;

const DOMAIN = Buffer.from('stellar-signer checkpoint v1\0');

/** The message for a checkpoint whose line has this SHA-256. It is longer than a hash: it can be no transaction's. */
export const checkpointMessage = (hash: string): Buffer => Buffer.concat([DOMAIN, Buffer.from(hash, 'hex')]);

/** Whether the signature is of `key` over the checkpoint whose line has the hash. */
export const isCheckpointSigned = (hash: string, { key, signature }: CheckpointSignature): boolean =>
  createVerifier(Buffer.from(key, 'hex'))(checkpointMessage(hash), Buffer.from(signature, 'hex'));
