import { type AppliedTransaction, type ClosedLedger, closeLedger } from './ledger/close.ts';
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
  idPool: bigint;
  /** Milliseconds since the epoch. */
  clock: () => number;
  closeMs: number;
  /** How many ledgers are kept, with their transactions. */
  retain: number;
}

export interface Network {
  readonly passphrase: string;
  readonly state: LedgerState;
  readonly latest: ClosedLedger;
  readonly paused: boolean;
  /** Kept ledgers, oldest first. */
  readonly ledgers: readonly ClosedLedger[];
  transaction(hash: string): AppliedTransaction | undefined;
  /** @throws MalformedEnvelope, Refused */
  submit(envelopeXdr: string): Submission;
  pendingCount(): number;
  /** Closes a ledger now, also while paused. */
  close(): ClosedLedger;
  pause(): void;
  resume(): void;
  /** Called after each close; returns how to stop being called. */
  onClose(listener: () => void): () => void;
  /** Stops the timer for good. */
  stop(): void;
}

/** One node that is a network of its own: queue, timer and recent history around the pure ledger. */
export function startNetwork({ state, passphrase, idPool, clock, closeMs, retain }: NetworkOptions): Network {
  const queue = new Map<string, DecodedTransaction>();
  const banned = new Map<string, number>();
  const byHash = new Map<string, AppliedTransaction>();
  const listeners = new Set<() => void>();
  const ledgers: ClosedLedger[] = [closeLedger(state, '0'.repeat(64), [], state.close, idPool)];
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
    const result = validate(state, transaction, { phase: 'submit', closeAhead: closeAhead() });
    if (result) return { status: 'ERROR', transaction, result };
    queue.set(transaction.hash, transaction);
    return { status: 'PENDING', transaction };
  }

  /** What the next ledger takes: all that is still valid, in the order of the hashes. The rest is dropped for good. */
  function takeQueue(time: number): DecodedTransaction[] {
    const ahead = BigInt(time - latest().closeTime);
    const taken = [...queue.values()]
      .filter((transaction) => !validate(state, transaction, { phase: 'submit', closeAhead: ahead }))
      .sort((a, b) => (a.hash < b.hash ? -1 : 1));
    for (const hash of queue.keys()) banned.set(hash, latest().sequence + 1 + BANNED_LEDGERS);
    queue.clear();
    return taken;
  }

  function close(): ClosedLedger {
    const time = Math.max(now(), latest().closeTime);
    const next = { ledger: latest().sequence + 1, time };
    const closed = closeLedger(state, latest().hash, takeQueue(time), next, idPool);
    ledgers.push(closed);
    for (const applied of closed.transactions) byHash.set(applied.transaction.hash, applied);
    for (const dropped of ledgers.splice(0, Math.max(0, ledgers.length - retain))) {
      for (const { transaction } of dropped.transactions) byHash.delete(transaction.hash);
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
