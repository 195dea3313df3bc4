import type { Spend } from '../journal/entry.ts';
import { isDeletion } from '../transaction.ts';
import type { Check, Context, Judged, Refusal } from './check.ts';
import { deletionBudget, killSwitch, rate, spendsOf, windows } from './limits.ts';
import { operationSources, operations, sorobanData } from './operations.ts';
import type { Policy } from './schema.ts';
import {
  fee,
  innerTransaction,
  memo,
  operationCount,
  otherPreconditions,
  sources,
  timeBounds,
} from './transaction.ts';

/** What is wrong at any time, whatever room there is. */
export const RULES: Readonly<Record<string, Check>> = {
  sources,
  operationSources,
  sorobanData,
  operationCount,
  otherPreconditions,
  innerTransaction,
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
  const [policy] = policies;
  if (policy === undefined)
    return refuse({ code: 'policy-missing', message: `no valid signing policy names ${context.account}` });
  const wrong = firstOf(RULES, judged, policies, context);
  if (wrong !== undefined) return refuse(wrong);
  const spends = (feeKind: 'fee' | 'deletion-fee'): Spend[] =>
    context.isRepeated ? [] : spendsOf(judged, policy.spec, context, feeKind);
  const limit = firstOf(LIMITS, judged, policies, context);
  if (limit === undefined) return { allowed: true, budget: 'ordinary', spends: spends('fee') };
  if (!judged.transaction.operations.every(isDeletion)) return refuse(limit);
  const spent = firstOf(
    { deletionBudget: (_judged, spec) => deletionBudget(spec, context, spends('deletion-fee')) },
    judged,
    policies,
    context,
  );
  return spent === undefined
    ? { allowed: true, budget: 'deletions', spends: spends('deletion-fee') }
    : refuse(spent);
}

const refuse = (refusal: Refusal): Decision => ({ allowed: false, refusal });

function firstOf(
  checks: Readonly<Record<string, Check>>,
  judged: Judged,
  policies: readonly Policy[],
  context: Context,
): Refusal | undefined {
  for (const policy of policies)
    for (const check of Object.values(checks)) {
      const refusal = check(judged, policy.spec, context);
      if (refusal !== undefined)
        return { ...refusal, policy: policy.name, message: `policy ${policy.name}: ${refusal.message}` };
    }
  return undefined;
}
