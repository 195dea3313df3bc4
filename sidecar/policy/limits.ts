import type { Spend } from '../journal/entry.ts';
import type { Budget, Context, Judged, Limit, LimitCheck, Refusal } from './check.ts';
import { first } from './check.ts';

/*
 * The states in which a signer refuses what it would sign at another time. A transaction that only deletes own offers
 * passes in all of them, so that a refusing signer does not trap the maker on the book; its fees have a budget of their own.
 */

export const killSwitch: LimitCheck = (spec) =>
  spec.killSwitch
    ? { code: 'kill-switch', message: 'the kill switch is on', rule: ['killSwitch'] }
    : undefined;

const rateOf =
  (budget: Budget): LimitCheck =>
  ({ signaturesPerSecond }, { hasRate }) =>
    hasRate(budget, signaturesPerSecond)
      ? undefined
      : {
          code: 'rate-exceeded',
          message: `more than ${signaturesPerSecond} signatures a second`,
          rule: ['signaturesPerSecond'],
        };

export const rate = rateOf('ordinary');
/** Of its own, so that nothing else keeps deletions waiting; without one, repeats and raised bids of nothing would have no end. */
export const deletionRate = rateOf('deletions');

/** Whether all windows of a policy have room for the whole transaction. Each is asked once, however many operations it is of. */
export const windows: LimitCheck = ({ fees }, context, { spends, limits }) => {
  const byRule = new Map<string, Limit>();
  for (const limit of [{ key: FEE, ...fees.window, rule: ['fees', 'window'], field: 'fee' }, ...limits]) {
    const name = limit.rule.join(' ');
    if (!byRule.has(name)) byRule.set(name, limit);
  }
  return first([...byRule.values()], (limit) => exceeds(limit, context, spends));
};

const FEE = { kind: 'fee', asset: 'XLM' } as const;

/** How many times `fees.perTransaction` deletions may cost in an hour while the ordinary room refuses them. */
export const DELETION_BUDGET = 10n;
const DELETION_SECONDS = 3_600;

export const deletionBudget: LimitCheck = ({ fees }, context, { spends }) =>
  exceeds(
    {
      key: { kind: 'deletion-fee', asset: 'XLM' },
      amount: DELETION_BUDGET * fees.perTransaction,
      seconds: DELETION_SECONDS,
      rule: ['fees', 'perTransaction'],
      field: 'fee',
    },
    context,
    spends,
  );

/** A window's refusal, or undefined while there is room. A repeated hash is in its windows already. */
function exceeds(
  { key, amount, seconds, ...place }: Limit,
  { total, isRepeated }: Context,
  spends: readonly Spend[],
): Refusal | undefined {
  if (isRepeated) return undefined;
  const sum = total(key, seconds, spends);
  return sum > amount
    ? {
        code: 'window-exhausted',
        message: `${sum} stroops of ${key.asset} (${key.kind}) in ${seconds} s, at most ${amount}`,
        ...place,
      }
    : undefined;
}

/** What a transaction counts as in the windows: its fee beyond what is counted of it, and what its operations spend. */
export function countOf(
  { transaction, feeBump }: Judged,
  spends: readonly Spend[],
  { countedFee = 0n, isRepeated }: Pick<Context, 'countedFee' | 'isRepeated'>,
  kind: 'fee' | 'deletion-fee',
): Spend[] {
  if (isRepeated) return [];
  const fee = feeBump === undefined ? transaction.fee : feeBump.fee;
  const more = fee > countedFee ? fee - countedFee : 0n;
  const changed = new Set<string>();
  return [
    { kind, asset: 'XLM', amount: more.toString() },
    ...spends.map((spend) => countAgain(spend, changed)),
  ];
}

/**
 * A second change of an offer in one transaction counts like a new one. Whoever fills the first but for a stroop has the
 * second filled too, with all of them in one ledger.
 */
function countAgain({ offer, ...spend }: Spend, changed: Set<string>): Spend {
  if (offer === undefined || changed.has(offer)) return spend;
  changed.add(offer);
  return { ...spend, offer };
}
