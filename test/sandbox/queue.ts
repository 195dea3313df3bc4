import { isDeepStrictEqual } from 'node:util';
import { spendable } from './ledger/balances.ts';
import {
  bidOf,
  type DecodedTransaction,
  decodeEnvelope,
  feeSourceOf,
  sha256,
  sizeOf,
} from './ledger/envelope.ts';
import { divideUp } from './ledger/exchange.ts';
import { failure, type TransactionResult } from './ledger/result.ts';
import type { Header, LedgerState } from './ledger/state.ts';
import { validate } from './ledger/validate.ts';

/**
 * What a node takes in and what of it makes the next ledger. Sources: stellar-core's herder (TransactionQueue.cpp,
 * TxQueueLimiter.cpp, SurgePricingUtils.cpp, TxSetFrame.cpp, TxSetUtils.cpp), checked against recorded ledgers.
 */

/** Core's answers to a submission. */
export type Submission =
  | { status: 'PENDING' | 'DUPLICATE' | 'TRY_AGAIN_LATER'; transaction: DecodedTransaction }
  | { status: 'ERROR'; transaction: DecodedTransaction; result: TransactionResult };

/** How many ledgers a transaction may wait for, and how long one that was applied, dropped or refused is not taken again. */
const PENDING_LEDGERS = 4;
const BANNED_LEDGERS = 10;
/** The queue holds this many ledgers' worth of operations. */
const QUEUE_LEDGERS = 2;
/** A fee bump takes the place of a pending transaction if its rate is this many times as high. */
const REPLACE_FACTOR = 10n;

interface Bid {
  /** Stroops. */
  bid: bigint;
  /** Operations. */
  size: number;
}

const bidFor = (transaction: DecodedTransaction): Bid => ({
  bid: bidOf(transaction),
  size: sizeOf(transaction),
});

function compareRates(a: Bid, b: Bid): number {
  const [left, right] = [a.bid * BigInt(b.size), b.bid * BigInt(a.size)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The least that `size` operations have to bid for a rate above that of a rival. */
const feeToBeat = (rival: Bid, size: number): bigint => (rival.bid * BigInt(size)) / BigInt(rival.size) + 1n;

/** Hex of the hash of the whole envelope, signatures too: by it core remembers and orders transactions. */
const fullHashOf = ({ envelopeXdr }: DecodedTransaction): string =>
  sha256(Buffer.from(envelopeXdr, 'base64')).toString('hex');

/** Whether a fee bump carries a transaction with these very signatures: one signed anew is another to core. */
const carries = ({ feeBump, innerHash, signatures }: DecodedTransaction, one: DecodedTransaction): boolean =>
  feeBump !== undefined &&
  one.feeBump === undefined &&
  innerHash === one.hash &&
  isDeepStrictEqual(signatures, one.signatures);

/** Cheapest first; equal rates by hash, where core throws dice. */
const byRate = (a: DecodedTransaction, b: DecodedTransaction): number =>
  compareRates(bidFor(a), bidFor(b)) || (a.hash < b.hash ? -1 : 1);

export interface TransactionSet {
  transactions: DecodedTransaction[];
  /** Stroops an operation that everyone pays at most. */
  baseFee: bigint;
}

/**
 * Surge pricing: the highest rates that fit. What does not fit is passed over for a smaller one behind it. If
 * something had to stay out, all pay the lowest rate that got in.
 */
export function chooseSet(candidates: readonly DecodedTransaction[], header: Header): TransactionSet {
  let room = header.maxTxSetSize;
  const transactions = candidates
    .toSorted((a, b) => byRate(b, a))
    .filter((transaction) => {
      const fits = sizeOf(transaction) <= room;
      if (fits) room -= sizeOf(transaction);
      return fits;
    });
  const lowest = transactions.at(-1);
  const isFull = lowest && transactions.length < candidates.length;
  return { transactions, baseFee: isFull ? bidOf(lowest) / BigInt(sizeOf(lowest)) : header.baseFee };
}

/** The order in which a ledger applies a set: by the hashes of the envelopes, each XORed with that of the set. */
export function orderOfApplication(
  transactions: readonly DecodedTransaction[],
  setHash: Uint8Array,
): DecodedTransaction[] {
  const keyed = transactions.map((transaction) => {
    const key = sha256(Buffer.from(transaction.envelopeXdr, 'base64')).map((byte, i) => byte ^ setHash[i]!);
    return { key, transaction };
  });
  return keyed.sort((a, b) => Buffer.compare(a.key, b.key)).map(({ transaction }) => transaction);
}

interface Pending {
  transaction: DecodedTransaction;
  fullHash: string;
  /** Ledgers that closed since its account's first transaction came in. */
  age: number;
}

/** A queue as JSON. */
export interface SavedQueue {
  pending: { envelopeXdr: string; age: number }[];
  banned: string[][];
  evicted: { bid: string; size: number } | undefined;
}

export interface Queue {
  pending(): DecodedTransaction[];
  /** @param closeAhead seconds that the next close may be ahead of the last one */
  submit(state: LedgerState, transaction: DecodedTransaction, closeAhead: bigint): Submission;
  /** What the next ledger takes; it stays in the queue until `settle`. What has become invalid is dropped. */
  take(state: LedgerState, closeAhead: bigint): TransactionSet;
  /** Drops a transaction, not to be taken again soon. */
  drop(hash: string): void;
  /** Goes on to the next ledger after one that applied these. */
  settle(state: LedgerState, applied: readonly DecodedTransaction[], closeAhead: bigint): void;
  save(): SavedQueue;
}

/** One transaction per source account, of a bounded number of operations together. */
export function createQueue(passphrase: string, saved?: SavedQueue): Queue {
  const bySource = new Map<string, Pending>();
  /** Hashes, those of the current ledger first. */
  const banned = saved?.banned.map((hashes) => new Set(hashes)) ?? [];
  while (banned.length < BANNED_LEDGERS) banned.push(new Set());
  /** The last bid that was evicted since the last close: until the next one, newcomers have to beat it. */
  let evicted: Bid | undefined = saved?.evicted && { ...saved.evicted, bid: BigInt(saved.evicted.bid) };

  for (const { envelopeXdr, age } of saved?.pending ?? []) {
    const transaction = decodeEnvelope(envelopeXdr, passphrase);
    bySource.set(transaction.source, { transaction, fullHash: fullHashOf(transaction), age });
  }

  const pending = (): DecodedTransaction[] => [...bySource.values()].map(({ transaction }) => transaction);

  function ban({ transaction, fullHash }: Pick<Pending, 'transaction' | 'fullHash'>): void {
    banned[0]!.add(fullHash);
    if (bySource.get(transaction.source)?.fullHash === fullHash) bySource.delete(transaction.source);
  }

  /** All that is pending of those who pay fees. */
  function promisedFees(): Map<string, bigint> {
    const sums = new Map<string, bigint>();
    for (const transaction of pending()) {
      const payer = feeSourceOf(transaction);
      sums.set(payer, (sums.get(payer) ?? 0n) + bidOf(transaction));
    }
    return sums;
  }

  function dropInvalid(state: LedgerState, closeAhead: bigint): void {
    for (const one of bySource.values()) if (validate(state, one.transaction, closeAhead)) ban(one);
    for (const [payer, promised] of promisedFees()) {
      const account = state.account(payer);
      if (account && spendable(state.header, account) >= promised) continue;
      for (const one of bySource.values()) if (feeSourceOf(one.transaction) === payer) ban(one);
    }
  }

  /** Who has to go for a newcomer; or what it would have to bid, nothing where no bid helps. */
  function makeRoom(
    newcomer: DecodedTransaction,
    current: Pending | undefined,
    limit: number,
  ): { going: DecodedTransaction[] } | { needed: bigint | undefined } {
    const own = bidFor(newcomer);
    if (evicted && compareRates(evicted, own) >= 0) return { needed: feeToBeat(evicted, own.size) };
    const growth = Math.max(0, own.size - (current ? sizeOf(current.transaction) : 0));
    if (growth > limit) return { needed: undefined };
    const queued = pending();
    let excess = queued.reduce((sum, transaction) => sum + sizeOf(transaction), growth) - limit;
    const going: DecodedTransaction[] = [];
    for (const rival of excess > 0 ? queued.sort(byRate) : []) {
      const bid = bidFor(rival);
      if (compareRates(bid, own) >= 0) return { needed: feeToBeat(bid, own.size) };
      if (rival === current?.transaction) return { needed: undefined };
      going.push(rival);
      excess -= bid.size;
      if (excess <= 0) break;
    }
    return { going };
  }

  function submit(state: LedgerState, transaction: DecodedTransaction, closeAhead: bigint): Submission {
    const { header } = state;
    const answer = (status: 'PENDING' | 'DUPLICATE' | 'TRY_AGAIN_LATER'): Submission => ({
      status,
      transaction,
    });
    const refuse = (result: TransactionResult): Submission => ({ status: 'ERROR', transaction, result });
    const { bid, size } = bidFor(transaction);
    const fullHash = fullHashOf(transaction);
    const payer = feeSourceOf(transaction);

    if (bid < 0n) return refuse(failure('tx_malformed', 0n));
    if (banned.some((hashes) => hashes.has(fullHash))) return answer('TRY_AGAIN_LATER');
    const current = bySource.get(transaction.source);
    if (current) {
      const { transaction: rival } = current;
      if (current.fullHash === fullHash || carries(rival, transaction)) return answer('DUPLICATE');
      if (transaction.sequence < rival.sequence) return refuse(failure('tx_bad_seq', 0n));
      if (!transaction.feeBump || transaction.sequence !== rival.sequence) return answer('TRY_AGAIN_LATER');
      const needed = divideUp(REPLACE_FACTOR * bidOf(rival) * BigInt(size), BigInt(sizeOf(rival)));
      if (bid < needed) return refuse(failure('tx_insufficient_fee', needed));
    }
    const room = makeRoom(transaction, current, header.maxTxSetSize * QUEUE_LEDGERS);
    if ('needed' in room) {
      ban({ transaction, fullHash });
      return room.needed === undefined
        ? answer('TRY_AGAIN_LATER')
        : refuse(failure('tx_insufficient_fee', room.needed));
    }
    const invalid = validate(state, transaction, closeAhead);
    if (invalid) return refuse(invalid);
    const replaced = current && feeSourceOf(current.transaction) === payer ? bidOf(current.transaction) : 0n;
    const promised = (promisedFees().get(payer) ?? 0n) - replaced;
    if (spendable(header, state.account(payer)!) < promised + bid)
      return refuse(failure('tx_insufficient_balance', 0n));

    for (const rival of room.going) {
      evicted = bidFor(rival);
      ban({ transaction: rival, fullHash: fullHashOf(rival) });
    }
    bySource.set(transaction.source, { transaction, fullHash, age: current?.age ?? 0 });
    return answer('PENDING');
  }

  return {
    pending,
    submit,
    take(state, closeAhead) {
      dropInvalid(state, closeAhead);
      return chooseSet(pending(), state.header);
    },
    drop(hash) {
      for (const one of bySource.values()) if (one.transaction.hash === hash) ban(one);
    },
    settle(state, applied, closeAhead) {
      for (const transaction of applied) {
        const current = bySource.get(transaction.source);
        if (current && current.transaction.sequence <= transaction.sequence)
          bySource.delete(transaction.source);
        banned[0]!.add(fullHashOf(transaction));
      }
      banned.pop();
      banned.unshift(new Set());
      evicted = undefined;
      for (const one of bySource.values()) {
        one.age += 1;
        if (one.age === PENDING_LEDGERS) ban(one);
      }
      dropInvalid(state, closeAhead);
    },
    save: () => ({
      pending: [...bySource.values()].map(({ transaction: { envelopeXdr }, age }) => ({ envelopeXdr, age })),
      banned: banned.map((hashes) => [...hashes]),
      evicted: evicted && { bid: String(evicted.bid), size: evicted.size },
    }),
  };
}
