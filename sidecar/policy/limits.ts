import type { Spend } from '../journal/entry.ts';
import {
  type Budget,
  type Context,
  first,
  type Judged,
  type Limit,
  type LimitCheck,
  type Refusal,
} from './check.ts';
import { ruleFor } from './operations.ts';
import type { PolicySpec } from './schema.ts';

/*
 * The states in which a signer refuses what it would sign at another time. A transaction that only deletes own offers
 * passes in all of them, so that a refusing signer does not trap the maker on the book; its fees have a budget of their own.
 */

export const killSwitch: LimitCheck = (_judged, spec) =>
  spec.killSwitch
    ? { code: 'kill-switch', message: 'the kill switch is on', rule: ['killSwitch'] }
    : undefined;

const rateOf =
  (budget: Budget): LimitCheck =>
  (_judged, { signaturesPerSecond }, { hasRate }) =>
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
export const windows: LimitCheck = (judged, spec, context, spends) => {
  const fee: Limit = {
    key: { kind: 'fee', asset: 'XLM' },
    ...spec.fees.window,
    rule: ['fees', 'window'],
  };
  const byRule = new Map<string, { limit: Limit; field: string }>([['', { limit: fee, field: 'fee' }]]);
  // The operations of a bump have counted with the transaction inside.
  const operations = judged.feeBump === undefined ? judged.transaction.operations : [];
  for (const [index, operation] of operations.entries()) {
    const rule = ruleFor(operation);
    if (typeof rule === 'string') continue;
    for (const limit of rule.limits(operation, spec, context.account)) {
      const name = limit.rule.join(' ');
      if (!byRule.has(name)) byRule.set(name, { limit, field: `operations[${index}]` });
    }
  }
  return first([...byRule.values()], ({ limit, field }) => exceeds(limit, context, spends, field));
};

/** How many times `fees.perTransaction` deletions may cost in an hour while the ordinary room refuses them. */
export const DELETION_BUDGET = 10n;
const DELETION_SECONDS = 3_600;

export const deletionBudget: LimitCheck = (_judged, { fees }, context, spends) =>
  exceeds(
    {
      key: { kind: 'deletion-fee', asset: 'XLM' },
      amount: DELETION_BUDGET * fees.perTransaction,
      seconds: DELETION_SECONDS,
      rule: ['fees', 'perTransaction'],
    },
    context,
    spends,
    'fee',
  );

/** A window's refusal, or undefined while there is room. A repeated hash is in its windows already. */
function exceeds(
  { key, amount, seconds, rule }: Limit,
  { total, isRepeated }: Context,
  spends: readonly Spend[],
  field: string,
): Refusal | undefined {
  if (isRepeated) return undefined;
  const sum = total(key, seconds, spends);
  return sum > amount
    ? {
        code: 'window-exhausted',
        message: `${sum} stroops of ${key.asset} (${key.kind}) in ${seconds} s, at most ${amount}`,
        field,
        rule,
      }
    : undefined;
}

/**
 * What a transaction counts as in the windows: its fee beyond what is counted of it, and the most that leaves. Stroops.
 * `spec` is of any policy whose rules let it pass.
 */
export function spendsOf(
  { transaction, feeBump }: Judged,
  spec: PolicySpec,
  { account, countedFee = 0n, isRepeated }: Pick<Context, 'account' | 'countedFee' | 'isRepeated'>,
  feeKind: 'fee' | 'deletion-fee',
): Spend[] {
  if (isRepeated) return [];
  const fee = feeBump === undefined ? transaction.fee : feeBump.fee;
  const more = fee > countedFee ? fee - countedFee : 0n;
  const own: Spend = { kind: feeKind, asset: 'XLM', amount: more.toString() };
  // The inner transaction of a bump has counted already.
  if (feeBump !== undefined) return [own];
  const changed = new Set<string>();
  return [
    own,
    ...transaction.operations.flatMap((operation) => {
      const rule = ruleFor(operation);
      const spends = typeof rule === 'string' ? [] : rule.spends(operation, spec, account);
      return spends.map((spend) => countAgain(spend, changed));
    }),
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
