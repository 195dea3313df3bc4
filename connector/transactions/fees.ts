import type { FeeStatistics } from '../ledger/types.ts';
import { ceilDiv, least } from '../market/amount.ts';

/** What bounds a bid; `Limits` of the policies with the percentile of the configuration. Stroops. */
export interface FeeLimits {
  perOperation: bigint;
  perTransaction: bigint;
  percentile: number;
  /** Of all fees that are signed for within it. */
  window?: { amount: bigint; seconds: number } | undefined;
}

/** Fees signed for in the window so far; times in milliseconds. */
export interface FeeHistory {
  spent: bigint;
  /** When the oldest of them was counted; undefined when there are none. */
  oldest: number | undefined;
  /** Operations signed for in the last hour, and since when they were counted. */
  operations: number;
  countedSince: number;
}

/** Above this share of capacity in use the percentile counts, below it the base fee is enough. */
const CAPACITY_TRIGGER = 0.8;

/** What core asks of a replacement: ten times the rate of what is queued (stellar-core, `FEE_MULTIPLIER`). */
const REPLACEMENT_MULTIPLE = 10n;

/** What the network wants of one operation now, before any cap. */
export function wanted({ baseFee, capacityUsage, bids }: FeeStatistics, percentile: number): bigint {
  const recent = bids[percentile] ?? baseFee;
  return capacityUsage >= CAPACITY_TRIGGER && recent > baseFee ? recent : baseFee;
}

/**
 * The bid for each of `operations`, stroops. Capped by the policies' limits and, but for deletions, by what is left of
 * the window of fees over the operations that are expected in its rest: the rate of the last hour, held on until the
 * oldest counted fee leaves the window. So a busy market cannot spend a day's fees in an hour and leave the maker
 * unable to requote. Never below the base fee: with less the ledger takes nothing, and the signer has the last word.
 */
export function bidFor(
  statistics: FeeStatistics,
  limits: FeeLimits,
  history: FeeHistory,
  { operations, deletions, now }: { operations: number; deletions: boolean; now: number },
): bigint {
  const caps = [limits.perOperation, limits.perTransaction / BigInt(operations)];
  if (!deletions && limits.window !== undefined) caps.push(shareOf(limits.window, history, operations, now));
  const bid = caps.reduce(least, wanted(statistics, limits.percentile));
  return bid > statistics.baseFee ? bid : statistics.baseFee;
}

function shareOf(
  window: { amount: bigint; seconds: number },
  { spent, oldest, operations: recent, countedSince }: FeeHistory,
  operations: number,
  now: number,
): bigint {
  const left = window.amount > spent ? window.amount - spent : 0n;
  const restMs = oldest === undefined ? window.seconds * 1_000 : oldest + window.seconds * 1_000 - now;
  const countedMs = Math.max(now - countedSince, 60_000);
  const expected = Math.ceil((recent / countedMs) * Math.max(restMs, 0));
  return left / BigInt(Math.max(expected, operations));
}

/**
 * The fee of a bump (stroops in all; CAP-0015 counts the inner's operations and one more), or why there is none. Core
 * replaces what it has queued for ten times its rate only; what it refused as too low it takes for `needed`, which is of
 * `neededFor` operations. `not-needed`: it may be queued, and the market bids no more than it does. `forbidden`: the caps
 * do not allow so much, and the transaction is left to apply or to expire.
 */
export function bumpFee(
  statistics: FeeStatistics,
  limits: Pick<FeeLimits, 'perOperation' | 'perTransaction' | 'percentile'>,
  bid: { fee: bigint; units: number; operations: number },
  needed: { fee: bigint; units: number } | undefined,
): bigint | 'not-needed' | 'forbidden' {
  const units = BigInt(bid.operations + 1);
  const market = wanted({ ...statistics, capacityUsage: 1 }, limits.percentile) * units;
  const own = ceilDiv(bid.fee * units, BigInt(bid.units));
  if (needed === undefined && market <= own) return 'not-needed';
  const floor =
    needed === undefined ? own * REPLACEMENT_MULTIPLE : ceilDiv(needed.fee * units, BigInt(needed.units));
  const fee = [market, own + 1n].reduce(most, floor);
  return fee <= limits.perOperation * units && fee <= limits.perTransaction ? fee : 'forbidden';
}

const most = (a: bigint, b: bigint): bigint => (b > a ? b : a);
