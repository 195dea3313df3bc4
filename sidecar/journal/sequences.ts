import { signerError } from '../errors.ts';

/** Seconds after maxTime for which a sequence stays taken: the ledger's clock may be behind ours. */
export const GRACE_SECONDS = 60n;

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
  /** What may have left and can still apply. */
  save(): LiveSequence[];
  /** Takes up what an earlier process released. */
  load(saved: readonly LiveSequence[]): void;
}

/**
 * Which transaction was signed for a sequence number that can still be used: while one can still apply, no other may
 * be signed for it. A record ends when a minute has passed after its maxTime by both clocks, the wall clock and the
 * monotonic one. `now` gives Unix seconds, `monotonicMs` milliseconds.
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

  const prune = (): void => {
    const [wall, monotonic] = [now(), monotonicMs()];
    for (const record of live.values())
      if (record.pending === 0 && wall > record.maxTime + GRACE_SECONDS && monotonic > record.endsMs)
        forget(record);
  };

  const add = (transaction: LiveSequence, released: boolean): Record_ => {
    const left = transaction.maxTime + GRACE_SECONDS - now();
    const record = {
      ...transaction,
      endsMs: monotonicMs() + Number(left > 0n ? left : 0n) * 1000,
      pending: 0,
      released,
    };
    live.set(keyOf(record), record);
    byHash.set(record.hash, record);
    return record;
  };

  return {
    signed(hash) {
      prune();
      const record = byHash.get(hash);
      return record?.released === true ? record : undefined;
    },
    take(transaction) {
      prune();
      const record = live.get(keyOf(transaction)) ?? add(transaction, false);
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
    save() {
      prune();
      return [...live.values()]
        .filter(({ released }) => released)
        .map(({ source, sequence, hash, maxTime, fee }) => ({ source, sequence, hash, maxTime, fee }));
    },
    load(saved) {
      for (const transaction of saved)
        if (now() <= transaction.maxTime + GRACE_SECONDS) add(transaction, true);
    },
  };
}
