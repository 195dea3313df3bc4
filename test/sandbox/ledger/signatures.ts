import { createPublicKey, verify } from 'node:crypto';
import { StrKey } from '@stellar/stellar-sdk/base';
import type { DecodedTransaction } from './envelope.ts';

const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');

function verifies(
  account: string,
  hash: Buffer,
  { hint, signature }: DecodedTransaction['signatures'][0],
): boolean {
  const key = StrKey.decodeEd25519PublicKey(account);
  if (Buffer.compare(key.subarray(28), hint) !== 0 || signature.length !== 64) return false;
  const spki = Buffer.concat([SPKI_ED25519, key]);
  return verify(null, hash, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature);
}

export interface SignatureCheck {
  /** Every account of the sandbox has its master key of weight 1 and all thresholds 0: one good signature is enough. */
  signedBy(account: string): boolean;
  /** After all questions: whether each signature was needed. */
  allUsed(): boolean;
}

export function checkSignatures(transaction: DecodedTransaction): SignatureCheck {
  const hash = Buffer.from(transaction.hash, 'hex');
  const used = new Set<number>();
  return {
    signedBy(account) {
      const index = transaction.signatures.findIndex((signature) => verifies(account, hash, signature));
      if (index < 0) return false;
      used.add(index);
      return true;
    },
    allUsed: () => used.size === transaction.signatures.length,
  };
}
