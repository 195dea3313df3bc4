import { randomBytes } from 'node:crypto';
import { withDeadline } from '../../common/shutdown.ts';
import type { Keystore } from './keystore.ts';

const DOMAIN = Buffer.from('stellar-signer probe v1\0');

/**
 * A message for a real signature that proves that the key works and can be used for nothing else. Everything that
 * Stellar verifies (transactions, Soroban authorizations) is signed as a 32-byte hash; this is the domain and 32 random
 * bytes, 56 in all and unhashed. Ed25519 signs the message with its length, so no probe can ever be the signature of
 * such a hash, whatever the random bytes are: nothing rests on SHA-256 here.
 */
export const probeMessage = (): Buffer => Buffer.concat([DOMAIN, randomBytes(32)]);

/**
 * A check for readiness probes: at most one real signature each `maxAgeMs`, shared by all who ask meanwhile, so that
 * nobody can hammer the token through `/readyz`. A failure is remembered as long as a success.
 */
export function createProbe(
  keystore: Pick<Keystore, 'sign'>,
  options: { maxAgeMs: number; deadlineMs: number; now: () => number },
): () => Promise<void> {
  let last: { at: number; outcome: Promise<void> } | undefined;
  return () => {
    if (last === undefined || options.now() - last.at >= options.maxAgeMs) {
      const outcome = withDeadline(options.deadlineMs, async (signal) => {
        await keystore.sign(probeMessage(), signal);
      });
      outcome.catch(() => undefined);
      last = { at: options.now(), outcome };
    }
    return last.outcome;
  };
}
