import { signerError } from '../errors.ts';
import type { SavedState, Spend } from './entry.ts';

/** Seconds after maxTime for which a sequence stays taken: the ledger's clock may be behind ours. */
export const GRACE_SECONDS = 60n;
const PRUNE_INTERVAL_MS = 1_000;
/** 140,000 years: far from what a line can hold, also when it is postponed. */
const NEVER_MS = 2 ** 52;

/** Which transaction has a sequence number. */
export interface LiveSequence {
  /** G… of the transaction's source. */
  source: string;
  sequence: bigint;
  /** Of the transaction, the inner one where it was bumped. Hexadecimal. */
  hash: string;
  /** Unix seconds. */
  maxTime: bigint;
  /** The largest fee counted for it and its bumps, in stroops. */
  fee: bigint;
}

interface Record_ extends LiveSequence {
  /** Until then by the monotonic clock (milliseconds): a wall clock that jumps ahead ends nothing early. */
  endsMs: number;
  /** Signatures being made for it. */
  pending: number;
  /** A signature for it may have left: only time ends it then. */
  released: boolean;
  unwritten: readonly Spend[];
}

export interface Sequences {
  /** The transaction of this hash, if a signature for it may have left and it can still apply. */
  signed(hash: string): LiveSequence | undefined;
  /**
   * Takes the sequence for a transaction; the same one may take it again, with a fee that is only ever raised.
   * @returns `settle`, to be called once with whether a signature may have left
   * @throws SignerError `sequence-live` when another hash has it
   */
  take(transaction: LiveSequence): (released: boolean) => void;
  /**
   * Adds to what was counted for the transaction of this hash and stands in no line yet: an earlier signature may have
   * failed after it was counted.
   * @returns all of it, for the next line
   */
  owe(hash: string, spends: readonly Spend[]): readonly Spend[];
  /** What was owed stands in a line on the disk. */
  written(hash: string): void;
  /** Forgets what is over. */
  prune(): void;
  /** What may have left and can still apply. */
  save(): SavedState['live'];
  /** Takes up what was released, in place of what has its sequence, whatever the time is. */
  load(saved: SavedState['live']): void;
  /** Moves all ends so many milliseconds away. */
  postpone(ms: number): void;
}

/** By the monotonic clock: a minute after maxTime, which is so far away at `wall` (Unix seconds). */
export const endOf = (maxTime: bigint, wall: bigint, monotonicMs: number): number =>
  Math.min(monotonicMs + Math.max(0, Number(maxTime + GRACE_SECONDS - wall)) * 1000, NEVER_MS);

/**
 * Which transaction was signed for a sequence number that can still be used: while one can still apply, no other may
 * be signed for it. A record ends when a minute has passed after its maxTime by both clocks, the wall clock and the
 * monotonic one. `now` gives Unix seconds, `monotonicMs` milliseconds, and goes on over a restart (`Clock.windowMs`).
 */
export function createSequences(now: () => bigint, monotonicMs: () => number): Sequences {
  const live = new Map<string, Record_>();
  const byHash = new Map<string, Record_>();
  const keyOf = ({ source, sequence }: Pick<LiveSequence, 'source' | 'sequence'>): string =>
    `${source} ${sequence}`;

  const forget = (record: Record_): void => {
    live.delete(keyOf(record));
    byHash.delete(record.hash);
  };

  const isOver = ({ pending, maxTime, endsMs }: Record_): boolean =>
    pending === 0 && now() > maxTime + GRACE_SECONDS && monotonicMs() > endsMs;

  /** The record if it is not over. */
  const current = (record: Record_ | undefined): Record_ | undefined => {
    if (record === undefined || !isOver(record)) return record;
    forget(record);
    return undefined;
  };

  let pruneAtMs = 0;
  const prune = (): void => {
    for (const record of live.values()) current(record);
    pruneAtMs = monotonicMs() + PRUNE_INTERVAL_MS;
  };

  const add = (transaction: LiveSequence & { endsMs: number }, released: boolean): Record_ => {
    const before = live.get(keyOf(transaction));
    if (before !== undefined) forget(before);
    const { source, sequence, hash, maxTime, fee, endsMs } = transaction;
    const record = { source, sequence, hash, maxTime, fee, endsMs, pending: 0, released, unwritten: [] };
    live.set(keyOf(record), record);
    byHash.set(record.hash, record);
    return record;
  };

  return {
    signed(hash) {
      const record = current(byHash.get(hash));
      return record?.released === true ? record : undefined;
    },
    take(transaction) {
      if (monotonicMs() >= pruneAtMs) prune();
      const endsMs = endOf(transaction.maxTime, now(), monotonicMs());
      const record = current(live.get(keyOf(transaction))) ?? add({ ...transaction, endsMs }, false);
      if (record.hash !== transaction.hash)
        throw signerError(
          'sequence-live',
          `sequence ${record.sequence} is taken by transaction ${record.hash} until ${record.maxTime + GRACE_SECONDS}`,
          { field: 'sequence' },
        );
      record.pending++;
      if (transaction.fee > record.fee) record.fee = transaction.fee;
      return (released) => {
        record.pending--;
        record.released ||= released;
        if (record.pending === 0 && !record.released) forget(record);
      };
    },
    owe(hash, spends) {
      const record = byHash.get(hash);
      if (record === undefined) return spends;
      record.unwritten = [...record.unwritten, ...spends];
      return record.unwritten;
    },
    written(hash) {
      const record = byHash.get(hash);
      if (record !== undefined) record.unwritten = [];
    },
    save() {
      return [...live.values()]
        .filter((record) => record.released && !isOver(record))
        .map(({ source, sequence, hash, maxTime, fee, endsMs }) => ({
          source,
          sequence: sequence.toString(),
          hash,
          maxTime: maxTime.toString(),
          fee: fee.toString(),
          endsMs,
        }));
    },
    prune,
    load(saved) {
      for (const { sequence, maxTime, fee, ...one } of saved)
        add({ ...one, sequence: BigInt(sequence), maxTime: BigInt(maxTime), fee: BigInt(fee) }, true);
    },
    postpone(ms) {
      for (const record of live.values()) record.endsMs += ms;
    },
  };
}
