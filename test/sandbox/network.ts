import { xdr } from '@stellar/stellar-sdk/base';
import { raiseBaseReserve } from './ledger/base_reserve.ts';
import { type AppliedTransaction, applyLedger, type ClosedLedger, sealLedger } from './ledger/close.ts';
import { decodeEnvelope, sha256 } from './ledger/envelope.ts';
import { Refused } from './ledger/errors.ts';
import { transactionSetXdr } from './ledger/header.ts';
import type { Header, LedgerState } from './ledger/state.ts';
import { createQueue, orderOfApplication, type Queue, type SavedQueue, type Submission } from './queue.ts';

export type { Submission } from './queue.ts';

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
  /** Told of transactions that were dropped because the ledger does not do what they led to. */
  report?: (error: unknown) => void;
  /** Calls `run` again and again after `ms` milliseconds until its result is called; the runtime's timer by default. */
  every?: (ms: number, run: () => void) => () => void;
  /** Where a network stopped, to go on from there. */
  from?: { latest: ClosedLedger; queue: SavedQueue };
}

/** Header fields that a network can agree to change. Stroops, but for `maxTxSetSize`, which counts operations. */
export type Upgrade = Partial<Pick<Header, 'baseFee' | 'baseReserve' | 'maxTxSetSize'>>;

const everyInterval: NonNullable<NetworkOptions['every']> = (ms, run) => {
  const timer = setInterval(run, ms);
  return () => clearInterval(timer);
};

/** LedgerUpgrade, hex. */
function upgradesXdr({ baseFee, maxTxSetSize, baseReserve }: Upgrade): string[] {
  const all: unknown[] = [];
  if (baseFee !== undefined) all.push({ base_fee: Number(baseFee) });
  if (maxTxSetSize !== undefined) all.push({ max_tx_set_size: maxTxSetSize });
  if (baseReserve !== undefined) all.push({ base_reserve: Number(baseReserve) });
  return all.map((json) => Buffer.from(xdr.LedgerUpgrade.fromJson(json as never).toXdr()).toString('hex'));
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

export interface Network extends View {
  readonly paused: boolean;
  /** @throws MalformedEnvelope, Refused */
  submit(envelopeXdr: string): Submission;
  readonly queue: Pick<Queue, 'pending' | 'save'>;
  /** Changes the header at the end of the next ledger. */
  upgrade(change: Upgrade): void;
  /** Closes a ledger now, also while paused. */
  close(): ClosedLedger;
  pause(): void;
  resume(): void;
  /** Stops the timer for good. */
  stop(): void;
}

const hashesOf = ({ transaction }: AppliedTransaction): string[] => [transaction.hash, transaction.innerHash];

function firstLedger(state: LedgerState): ClosedLedger {
  const none = '0'.repeat(64);
  return sealLedger(state, none, transactionSetXdr(none, [], state.header.baseFee), []);
}

/** One node that is a network of its own: queue, timer and recent history around the pure ledger. */
export function startNetwork(options: NetworkOptions): Network {
  const { state, passphrase, clock, closeMs, retain, every = everyInterval, from } = options;
  const queue = createQueue(passphrase, from?.queue);
  const byHash = new Map<string, AppliedTransaction>();
  const listeners = new Set<() => void>();
  const ledgers: ClosedLedger[] = [from?.latest ?? firstLedger(state)];
  let agreed: Upgrade = {};
  let stopTimer: (() => void) | undefined;

  const latest = (): ClosedLedger => ledgers.at(-1)!;
  const now = (): number => Math.floor(clock() / 1000);
  const closeAhead = (): bigint => {
    const drift = Math.max(0, now() - latest().closeTime);
    return BigInt(Math.ceil(closeMs / 1000) * CLOSE_INTERVALS_AHEAD + drift);
  };

  /** Applies what fits. A transaction that the ledger does not know how to apply is dropped, as if it never came. */
  function applyNext(time: number): ClosedLedger {
    const { hash: previousHash, closeTime } = latest();
    for (;;) {
      const { transactions, baseFee } = queue.take(state, BigInt(time - closeTime));
      const envelopes = transactions.map(({ envelopeXdr }) => envelopeXdr);
      const set = transactionSetXdr(previousHash, envelopes, baseFee);
      const charged = orderOfApplication(transactions, sha256(set)).map((transaction) => ({
        transaction,
        baseFee,
      }));
      const start = state.savepoint();
      try {
        const applied = applyLedger(state, charged, time);
        const { baseReserve } = state.header;
        state.setHeader({ ...state.header, ...agreed });
        if (state.header.baseReserve > baseReserve) raiseBaseReserve(state);
        state.commit();
        return sealLedger(state, previousHash, set, applied, upgradesXdr(agreed));
      } catch (error) {
        state.rollback(start);
        if (!(error instanceof Refused) || error.transaction === undefined) throw error;
        queue.drop(error.transaction);
        options.report?.(error);
      }
    }
  }

  function close(): ClosedLedger {
    const closed = applyNext(Math.max(now(), latest().closeTime));
    agreed = {};
    ledgers.push(closed);
    queue.settle(
      state,
      closed.transactions.map(({ transaction }) => transaction),
      closeAhead(),
    );
    for (const applied of closed.transactions)
      for (const hash of hashesOf(applied)) byHash.set(hash, applied);
    for (const dropped of ledgers.splice(0, Math.max(0, ledgers.length - retain))) {
      for (const applied of dropped.transactions) for (const hash of hashesOf(applied)) byHash.delete(hash);
    }
    for (const listener of listeners) listener();
    return closed;
  }

  function resume(): void {
    stopTimer ??= every(closeMs, close);
  }

  function pause(): void {
    stopTimer?.();
    stopTimer = undefined;
  }

  resume();
  return {
    passphrase,
    state,
    get latest() {
      return latest();
    },
    get paused() {
      return stopTimer === undefined;
    },
    ledgers,
    transaction: (hash) => byHash.get(hash),
    submit: (envelopeXdr) => queue.submit(state, decodeEnvelope(envelopeXdr, passphrase), closeAhead()),
    queue,
    close,
    upgrade(change) {
      agreed = { ...agreed, ...change };
    },
    pause,
    resume,
    onClose(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: pause,
  };
}
