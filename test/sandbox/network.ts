import { type AppliedTransaction, type ClosedLedger, closeLedger, sealLedger } from './ledger/close.ts';
import { type DecodedTransaction, decodeEnvelope } from './ledger/envelope.ts';
import type { TransactionResult } from './ledger/result.ts';
import type { LedgerState } from './ledger/state.ts';
import { validate } from './ledger/validate.ts';

/** Core's answers to a submission. */
export type Submission =
  | { status: 'PENDING' | 'DUPLICATE' | 'TRY_AGAIN_LATER'; transaction: DecodedTransaction }
  | { status: 'ERROR'; transaction: DecodedTransaction; result: TransactionResult };

/** Core remembers what it applied or dropped for some ledgers and does not take it again meanwhile. */
const BANNED_LEDGERS = 10;
/** Core reckons with a close this many of its intervals ahead when it judges an upper time bound. */
const CLOSE_INTERVALS_AHEAD = 2;

export interface NetworkOptions {
  state: LedgerState;
  passphrase: string;
  /** Milliseconds since the epoch. */
  clock: () => number;
  closeMs: number;
  /** How many ledgers are kept, with their transactions. */
  retain: number;
}

/** What a server has seen of the network. */
export interface View {
  readonly passphrase: string;
  readonly state: LedgerState;
  readonly latest: ClosedLedger;
  /** Kept ledgers, oldest first. */
  readonly ledgers: readonly ClosedLedger[];
  /** By its own hash, or by that of the inner transaction of a fee bump. */
  transaction(hash: string): AppliedTransaction | undefined;
  /** Called after each close; returns how to stop being called. */
  onClose(listener: () => void): () => void;
}

/** When a ledger closed, in Unix seconds; of one that is no longer kept, when the oldest that is did. */
export const closeTimeOf = ({ ledgers }: View, sequence: number): number => {
  const first = ledgers[0]!;
  return (ledgers[Math.max(0, sequence - first.sequence)] ?? first).closeTime;
};

export interface Network extends View {
  readonly paused: boolean;
  /** @throws MalformedEnvelope, Refused */
  submit(envelopeXdr: string): Submission;
  pendingCount(): number;
  /** Closes a ledger now, also while paused. */
  close(): ClosedLedger;
  pause(): void;
  resume(): void;
  /** Stops the timer for good. */
  stop(): void;
}

const hashesOf = ({ transaction }: AppliedTransaction): string[] => [transaction.hash, transaction.innerHash];

/** One node that is a network of its own: queue, timer and recent history around the pure ledger. */
export function startNetwork({ state, passphrase, clock, closeMs, retain }: NetworkOptions): Network {
  const queue = new Map<string, DecodedTransaction>();
  const banned = new Map<string, number>();
  const byHash = new Map<string, AppliedTransaction>();
  const listeners = new Set<() => void>();
  const ledgers: ClosedLedger[] = [
    sealLedger(state, '0'.repeat(64), [], Number(state.header.closeTime), state.header.baseFee),
  ];
  let paused = false;
  let timer: NodeJS.Timeout | undefined;

  const latest = (): ClosedLedger => ledgers.at(-1)!;
  const now = (): number => Math.floor(clock() / 1000);
  const closeAhead = (): bigint => {
    const drift = Math.max(0, now() - latest().closeTime);
    return BigInt(Math.ceil(closeMs / 1000) * CLOSE_INTERVALS_AHEAD + drift);
  };

  function submit(envelopeXdr: string): Submission {
    const transaction = decodeEnvelope(envelopeXdr, passphrase);
    if (queue.has(transaction.hash)) return { status: 'DUPLICATE', transaction };
    const busy = [...queue.values()].some(({ source }) => source === transaction.source);
    if (busy || banned.has(transaction.hash)) return { status: 'TRY_AGAIN_LATER', transaction };
    const result = validate(state, transaction, closeAhead());
    if (result) return { status: 'ERROR', transaction, result };
    queue.set(transaction.hash, transaction);
    return { status: 'PENDING', transaction };
  }

  /** What the next ledger takes: all that is still valid, in the order of the hashes. The rest is dropped for good. */
  function takeQueue(time: number): DecodedTransaction[] {
    const ahead = BigInt(time - latest().closeTime);
    const taken = [...queue.values()]
      .filter((transaction) => !validate(state, transaction, ahead))
      .sort((a, b) => (a.hash < b.hash ? -1 : 1));
    for (const hash of queue.keys()) banned.set(hash, latest().sequence + 1 + BANNED_LEDGERS);
    queue.clear();
    return taken;
  }

  function close(): ClosedLedger {
    const time = Math.max(now(), latest().closeTime);
    const closed = closeLedger(state, latest().hash, takeQueue(time), time, state.header.baseFee);
    ledgers.push(closed);
    for (const applied of closed.transactions)
      for (const hash of hashesOf(applied)) byHash.set(hash, applied);
    for (const dropped of ledgers.splice(0, Math.max(0, ledgers.length - retain))) {
      for (const applied of dropped.transactions) for (const hash of hashesOf(applied)) byHash.delete(hash);
    }
    for (const [hash, until] of banned) if (until <= closed.sequence) banned.delete(hash);
    for (const listener of listeners) listener();
    return closed;
  }

  function resume(): void {
    paused = false;
    timer ??= setInterval(close, closeMs);
  }

  function pause(): void {
    paused = true;
    clearInterval(timer);
    timer = undefined;
  }

  resume();
  return {
    passphrase,
    state,
    get latest() {
      return latest();
    },
    get paused() {
      return paused;
    },
    ledgers,
    transaction: (hash) => byHash.get(hash),
    submit,
    pendingCount: () => queue.size,
    close,
    pause,
    resume,
    onClose(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: pause,
  };
}
