import type { Spend } from '../journal/entry.ts';
import { isDeletion } from '../transaction.ts';
import type { Check, Context, Judged, Refusal } from './check.ts';
import { deletionBudget, killSwitch, rate } from './limits.ts';
import { operationSources, operations, sorobanData, spendsOf, windows } from './operations.ts';
import type { Policy } from './schema.ts';
import { fee, memo, operationCount, otherPreconditions, sourceAccount, timeBounds } from './transaction.ts';

/** What is wrong at any time, whatever room there is. */
export const RULES: Readonly<Record<string, Check>> = {
  sourceAccount,
  operationSources,
  sorobanData,
  operationCount,
  otherPreconditions,
  timeBounds,
  memo,
  fee,
  operations,
};

/** What is refused now and could be signed at another time; deletions of own offers pass. */
export const LIMITS: Readonly<Record<string, Check>> = { killSwitch, windows, rate };

export type Decision =
  | { allowed: true; budget: 'ordinary' | 'deletions'; spends: Spend[] }
  | { allowed: false; refusal: Refusal };

/**
 * Whether all policies allow it; each must, and with none nothing is allowed. Pure.
 * @returns what to count when it is signed, or the first refusal
 */
export function evaluate(judged: Judged, policies: readonly Policy[], context: Context): Decision {
  if (policies.length === 0)
    return refuse({ code: 'policy-missing', message: `no valid signing policy names ${context.account}` });
  const wrong = firstOf(RULES, judged, policies, context);
  if (wrong !== undefined) return refuse(wrong);
  const limit = firstOf(LIMITS, judged, policies, context);
  if (limit === undefined)
    return { allowed: true, budget: 'ordinary', spends: count(judged, context, 'fee') };
  if (!judged.transaction.operations.every(isDeletion)) return refuse(limit);
  const spends = count(judged, context, 'deletion-fee');
  for (const policy of policies) {
    const spent = deletionBudget(policy, context, spends);
    if (spent !== undefined) return refuse(named(policy, spent));
  }
  return { allowed: true, budget: 'deletions', spends };
}

const refuse = (refusal: Refusal): Decision => ({ allowed: false, refusal });

const named = ({ name }: Policy, refusal: Refusal): Refusal => ({
  ...refusal,
  message: `policy ${name}: ${refusal.message}`,
});

const count = (judged: Judged, context: Context, feeKind: 'fee' | 'deletion-fee'): Spend[] =>
  context.isRepeated ? [] : spendsOf(judged, context, feeKind);

function firstOf(
  checks: Readonly<Record<string, Check>>,
  judged: Judged,
  policies: readonly Policy[],
  context: Context,
): Refusal | undefined {
  for (const policy of policies)
    for (const check of Object.values(checks)) {
      const refusal = check(judged, policy.spec, context);
      if (refusal !== undefined) return named(policy, refusal);
    }
  return undefined;
}
