import type * as xdr from '@stellar/stellar-sdk/xdr';
import { isCoded } from '../../common/errors.ts';
import { connectorError } from '../errors.ts';
import { NATIVE } from '../market/asset.ts';
import { dryRunText, type Share } from './endings.ts';
import { buildTransaction, isDeletion, type Unsigned } from './envelope.ts';
import { bidFor, type FeeHistory } from './fees.ts';
import { first } from './follow.ts';
import type { DecodedResult } from './result.ts';
import type { Slot } from './sequences.ts';
import type { BuildState, EngineModules, EngineOptions, Plan } from './types.ts';
import type { Entry } from './waiting.ts';

/** How far ahead maxTime is set, seconds: short, so that a lost transaction is soon provably dead. */
export const TIME_BOUND_SECONDS = 30;

/** How long one order may take to be planned, milliseconds: the others wait for it. */
const PLAN_MS = 10_000;

export interface Planned {
  entry: Entry;
  plan: Plan;
  share: Share;
}

/** Operations for one transaction, planned on an account that was read anew; not built yet. */
export interface Batch {
  planned: readonly Planned[];
  /** The number that the transaction takes. */
  sequence: bigint;
  /** Ledger that it was planned on. */
  plannedAt: number;
  /** The bid for so many operations, each, stroops. */
  bid(operations: number, deletions: boolean): bigint;
}

/** A transaction that the signer is asked for. */
export interface Prepared {
  asked: Unsigned;
  planned: readonly Planned[];
  operations: number;
  deletions: boolean;
  sequence: bigint;
  fee: bigint;
  plannedAt: number;
  /** Seconds since 1970. */
  maxTime: number;
  /** What it takes out of the account at most, its fee too if the account pays it. */
  spends: ReadonlyMap<string, bigint>;
}

/**
 * Plans the entries on an account read anew, each knowing what those before it and those in flight take. One whose plan
 * fails is told so and left out; those without room come back. `short`: what is in flight leaves no funds for them; a
 * ledger may have it already, so that the account read and the reserve both count it.
 * @throws the ledger's errors, `insufficient-balance` when an account is not in the ledger; a channel by its field
 */
export async function planBatch(
  slot: Slot,
  entries: readonly Entry[],
  inFlight: readonly ReadonlyMap<string, bigint>[],
  { account, fees, history }: Pick<EngineOptions, 'account' | 'fees'> & { history: () => FeeHistory },
  { ledger, now, sleep }: Pick<EngineModules, 'ledger' | 'now' | 'sleep'>,
  signal: AbortSignal,
): Promise<{ batch: Batch | undefined; back: Entry[]; short: Entry[] }> {
  const [head, state, told, source] = await Promise.all([
    ledger.head(signal),
    ledger.account(account, signal),
    // Without it the base fee is bid: cancelling must not depend on a statistic.
    ledger.feeStatistics(signal).catch(() => undefined),
    slot.sequence === undefined && slot.account !== account
      ? ledger.account(slot.account, signal)
      : undefined,
  ]);
  signal.throwIfAborted();
  if (state === undefined) throw missing(account);
  const statistics = told ?? { baseFee: head.baseFee, capacityUsage: 0, bids: {} };
  const read = slot.sequence ?? (slot.account === account ? state : source)?.sequence;
  if (read === undefined) throw missing(slot.account, 'channelAccounts');

  const bid = (operations: number, deletions: boolean): bigint =>
    bidFor(statistics, fees, history(), { operations, deletions, now: now() });
  const deletions = entries.every(({ intent }) => intent.lane === 'delete');
  const planned: Planned[] = [];
  const back: Entry[] = [];
  const short: Entry[] = [];
  let used = 0;
  for (const entry of entries) {
    if (back.length > 0) {
      back.push(entry);
      continue;
    }
    try {
      const reserved = sum([...inFlight, ...planned.map(({ plan }) => plan.spends)]);
      const plan = await planOne(
        entry,
        { head, account: state, bid: bid(1, deletions), reserved },
        fees.maxOperations,
        (either) => sleep(PLAN_MS, either),
        signal,
      );
      const { length: count } = plan.operations;
      if (used + count > fees.maxOperations) back.push(entry);
      else {
        planned.push({ entry, plan, share: { first: used, count } });
        used += count;
      }
    } catch (error) {
      if (inFlight.length === 0 || entry.short || !isCoded(error, 'insufficient-balance'))
        refuse(entry, error);
      else {
        entry.short = true;
        short.push(entry);
      }
    }
  }
  let last = read;
  if (slot.least > last) last = slot.least;
  return {
    batch: planned.length === 0 ? undefined : { planned, sequence: last + 1n, plannedAt: head.sequence, bid },
    back,
    short,
  };
}

const missing = (account: string, field?: string) =>
  connectorError('insufficient-balance', `the account ${account} is not in the ledger`, {
    ...(field !== undefined && { field }),
  });

async function planOne(
  { intent, signal }: Entry,
  state: BuildState,
  most: number,
  patience: (signal: AbortSignal) => Promise<void>,
  cut: AbortSignal,
): Promise<Plan> {
  const plan = await first(AbortSignal.any([signal, cut]), (either) => [
    intent.plan(state, either),
    patience(either).then(() => {
      throw connectorError('ledger-unreachable', 'what the order needs to know was not read in time');
    }),
  ]);
  signal.throwIfAborted();
  const { length } = plan.operations;
  if (length === 0 || length > most) {
    const why = `it takes ${length} operations, a transaction has 1 to ${most}`;
    throw connectorError('invalid-params', why);
  }
  if (intent.lane === 'delete' && !plan.operations.every(isDeletion)) {
    throw connectorError('internal', 'an intent of the lane for deletions does more than delete offers');
  }
  return plan;
}

/** Builds what was planned, with a time bound from now. */
export function prepare(
  slot: Slot,
  { planned, sequence, plannedAt, bid }: Batch,
  { account, networkPassphrase, fees }: Pick<EngineOptions, 'account' | 'networkPassphrase' | 'fees'>,
  now: number,
): Prepared {
  const operations: xdr.OperationBody[] = planned.flatMap(({ plan }) => plan.operations);
  const deletions = planned.every(({ entry }) => entry.intent.lane === 'delete');
  const fee = bid(operations.length, deletions) * BigInt(operations.length);
  const maxTime = Math.floor(now / 1_000) + Math.min(TIME_BOUND_SECONDS, fees.maxTimeBoundSeconds);
  const parts = { account, source: slot.account, networkPassphrase, sequence, fee, maxTime, operations };
  const own = slot.account === account ? [new Map([[NATIVE, fee]])] : [];
  return {
    asked: buildTransaction(parts),
    ...{ planned, operations: operations.length, deletions, sequence, fee, maxTime, plannedAt },
    spends: sum([...planned.map(({ plan }) => plan.spends), ...own]),
  };
}

/** The batch without some of it, where the signer refuses them. */
export function without({ planned, ...rest }: Batch, out: readonly Planned[]): Batch {
  let first = 0;
  return {
    ...rest,
    planned: planned
      .filter((one) => !out.includes(one))
      .map(({ entry, plan, share: { count } }) => {
        const share = { first, count };
        first += count;
        return { entry, plan, share };
      }),
  };
}

/** Whether a successful result may be of these orders: as many operations, and each owner finds its own in order. */
export function isPlausible(
  { successful, operations: results }: DecodedResult,
  operations: number,
  planned: readonly Planned[],
): boolean {
  if (!successful) return true;
  if (results.length !== operations) return false;
  return planned.every(
    ({ entry: { intent }, share: { first, count } }) =>
      intent.plausible?.(results.slice(first, first + count)) ?? true,
  );
}

export const dryRun = ({ planned, fee }: Prepared) =>
  connectorError(
    'dry-run',
    dryRunText(
      planned.flatMap(({ plan }) => plan.operations),
      fee,
    ),
  );

export function refuse(entry: Entry, error: unknown): void {
  entry.answered = true;
  entry.reject(error);
}

export function sum(maps: readonly ReadonlyMap<string, bigint>[]): Map<string, bigint> {
  const total = new Map<string, bigint>();
  for (const map of maps) {
    for (const [asset, amount] of map) total.set(asset, (total.get(asset) ?? 0n) + amount);
  }
  return total;
}
