import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { StrKey } from '@stellar/stellar-sdk/base';
import type { Account, Signer } from './entries.ts';
import { type Signature, sha256 } from './envelope.ts';

const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');
/** Core counts a larger weight as this one. */
const MAX_WEIGHT = 255;

const keys = new Map<string, { bytes: Buffer; key: KeyObject }>();

function publicKey(address: string): { bytes: Buffer; key: KeyObject } {
  let known = keys.get(address);
  if (!known) {
    const bytes = Buffer.from(StrKey.decodeEd25519PublicKey(address));
    const der = Buffer.concat([SPKI_ED25519, bytes]);
    known = { bytes, key: createPublicKey({ key: der, format: 'der', type: 'spki' }) };
    keys.set(address, known);
  }
  return known;
}

const sameHint = (hint: Uint8Array, last: Uint8Array): boolean => Buffer.compare(hint, last) === 0;

/** A transaction is judged several times: what a signature was found to sign does not change. */
const verified = new WeakMap<Signature, Map<string, boolean>>();

function signs(signature: Signature, address: string, message: Uint8Array): boolean {
  if (signature.signature.length !== 64) return false;
  const known = verified.get(signature) ?? new Map<string, boolean>();
  verified.set(signature, known);
  const name = `${address} ${Buffer.from(message).toString('hex')}`;
  let result = known.get(name);
  if (result === undefined) {
    result = verify(null, message, publicKey(address).key, signature.signature);
    known.set(name, result);
  }
  return result;
}

/** Each kind of signer with what its signature has to be (SEP-23 names them by the first letter). */
const KINDS: Record<string, (signature: Signature, key: string, hash: Buffer) => boolean> = {
  X: ({ hint, signature }, key) => {
    const expected = StrKey.decodeSha256Hash(key);
    return sameHint(hint, expected.subarray(28)) && sha256(signature).equals(expected);
  },
  G: (signature, key, hash) =>
    sameHint(signature.hint, publicKey(key).bytes.subarray(28)) && signs(signature, key, hash),
  P: (signature, key) => {
    const bytes = Buffer.from(StrKey.decodeSignedPayload(key));
    const address = StrKey.encodeEd25519PublicKey(bytes.subarray(0, 32));
    const payload = bytes.subarray(36, 36 + bytes.readUInt32BE(32));
    // CAP-0040: the hint is that of the key, XORed with the end of the payload.
    const tail = Buffer.concat([payload.subarray(-4), Buffer.alloc(4)]).subarray(0, 4);
    const hint = Buffer.from(bytes.subarray(28, 32)).map((byte, index) => byte ^ tail[index]!);
    return sameHint(signature.hint, hint) && signs(signature, address, payload);
  },
};

export interface SignatureChecker {
  /** Whether the signatures reach `needed` for these signers; at least one has to be theirs. */
  reaches(signers: readonly Signer[], needed: number): boolean;
  /** After all questions: whether each signature was needed. */
  allUsed(): boolean;
}

/** Core's count: pre-authorized hashes first, then each kind in turn, and no more than is needed. */
export function createSignatureChecker(hashHex: string, signatures: readonly Signature[]): SignatureChecker {
  const hash = Buffer.from(hashHex, 'hex');
  const preAuthorized = StrKey.encodePreAuthTx(hash);
  const used = new Set<number>();

  return {
    reaches(signers, needed) {
      let total = 0;
      for (const { key, weight } of signers) {
        if (key !== preAuthorized) continue;
        total += Math.min(weight, MAX_WEIGHT);
        if (total >= needed) return true;
      }
      for (const [kind, isBy] of Object.entries(KINDS)) {
        const left = signers.filter(({ key }) => key.startsWith(kind));
        for (const [index, signature] of signatures.entries()) {
          const found = left.findIndex(({ key }) => isBy(signature, key, hash));
          if (found < 0) continue;
          used.add(index);
          total += Math.min(left[found]!.weight, MAX_WEIGHT);
          if (total >= needed) return true;
          left.splice(found, 1);
        }
      }
      return false;
    },
    allUsed: () => used.size === signatures.length,
  };
}

/** Who may sign for an account: its master key, unless it has no weight, and its signers. */
export const signersOf = ({ address, thresholds, signers }: Account): readonly Signer[] =>
  thresholds.master > 0 ? [{ key: address, weight: thresholds.master }, ...signers] : signers;
