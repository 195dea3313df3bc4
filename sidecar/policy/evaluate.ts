import type { Spend } from '../journal/entry.ts';
import { isDeletion } from '../transaction.ts';
import { type Check, type Context, first, type Judged, type LimitCheck, type Refusal } from './check.ts';
import { deletionBudget, killSwitch, rate, spendsOf, windows } from './limits.ts';
import { operationSources, operations, sorobanData } from './operations.ts';
import type { Policy, PolicySpec } from './schema.ts';
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
export const LIMITS: Readonly<Record<string, LimitCheck>> = { killSwitch, windows, rate };

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
  const wrong = firstOf(policies, (spec) =>
    first(Object.values(RULES), (check) => check(judged, spec, context)),
  );
  if (wrong !== undefined) return refuse(wrong);
  const spendsAs = (feeKind: 'fee' | 'deletion-fee'): Spend[] =>
    context.isRepeated ? [] : spendsOf(judged, policy.spec, context, feeKind);
  const spends = spendsAs('fee');
  const limit = firstOf(policies, (spec) =>
    first(Object.values(LIMITS), (check) => check(judged, spec, context, spends)),
  );
  if (limit === undefined) return { allowed: true, budget: 'ordinary', spends };
  if (!judged.transaction.operations.every(isDeletion)) return refuse(limit);
  const fee = spendsAs('deletion-fee');
  const spent = firstOf(policies, (spec) => deletionBudget(judged, spec, context, fee));
  return spent === undefined ? { allowed: true, budget: 'deletions', spends: fee } : refuse(spent);
}

const refuse = (refusal: Refusal): Decision => ({ allowed: false, refusal });

function firstOf(
  policies: readonly Policy[],
  judge: (spec: PolicySpec) => Refusal | undefined,
): Refusal | undefined {
  return first(policies, ({ name, spec }) => {
    const refusal = judge(spec);
    return refusal && { ...refusal, policy: name, message: `policy ${name}: ${refusal.message}` };
  });
}
