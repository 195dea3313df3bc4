import { signerError } from '../errors.ts';
import type { JournalEvent } from './entry.ts';

/** Seconds after maxTime for which a sequence stays taken: the ledger's clock may be behind ours. */
const GRACE_SECONDS = 60n;

interface Live {
  hash: string;
  maxTime: bigint;
  /** Signatures being made for it. */
  pending: number;
  /** A signature for it may have left: only time ends it then. */
  released: boolean;
}

export interface Sequences {
  /** Whether a signature for just this may have left, and it can still apply. */
  isSigned(source: string, sequence: bigint, hash: string): boolean;
  /**
   * Takes the sequence for `hash`; the same hash may take it again.
   * @returns `settle`, to be called once with whether a signature may have left
   * @throws SignerError `sequence-live` when another hash has it
   */
  take(source: string, sequence: bigint, hash: string, maxTime: bigint): (released: boolean) => void;
  /** Rebuilds the state from a journal's line. */
  replay(event: JournalEvent): void;
}

/**
 * Which transaction was signed for a sequence number that can still be used: while one can still apply, no other may
 * be signed for it. A record ends a minute after its maxTime by our clock. `now` gives Unix seconds.
 */
export function createSequences(now: () => bigint): Sequences {
  const live = new Map<string, Live>();
  const keyOf = (source: string, sequence: bigint | string): string => `${source} ${sequence}`;

  const prune = (): void => {
    const time = now();
    for (const [key, { maxTime, pending }] of live)
      if (pending === 0 && time > maxTime + GRACE_SECONDS) live.delete(key);
  };

  return {
    isSigned(source, sequence, hash) {
      prune();
      const record = live.get(keyOf(source, sequence));
      return record?.released === true && record.hash === hash;
    },
    take(source, sequence, hash, maxTime) {
      prune();
      const key = keyOf(source, sequence);
      const record = live.get(key) ?? { hash, maxTime, pending: 0, released: false };
      if (record.hash !== hash)
        throw signerError(
          'sequence-live',
          `sequence ${sequence} is taken by transaction ${record.hash} until ${record.maxTime + GRACE_SECONDS}`,
          { field: 'sequence' },
        );
      record.pending++;
      live.set(key, record);
      return (released) => {
        record.pending--;
        record.released ||= released;
        if (record.pending === 0 && !record.released) live.delete(key);
      };
    },
    replay(event) {
      if (event.type !== 'signed') return;
      const maxTime = BigInt(event.maxTime);
      if (now() > maxTime + GRACE_SECONDS) return;
      live.set(keyOf(event.source, event.sequence), {
        hash: event.hash,
        maxTime,
        pending: 0,
        released: true,
      });
    },
  };
}
