import type { Spend } from '../journal/entry.ts';
import { isDeletion } from '../transaction.ts';
import {
  type Budget,
  type Check,
  type Context,
  first,
  type Judged,
  type LimitCheck,
  type Refusal,
} from './check.ts';
import { deletionBudget, deletionRate, killSwitch, rate, spendsOf, windows } from './limits.ts';
import { operationSources, operations, sorobanData } from './operations.ts';
import type { Policy, PolicySpec } from './schema.ts';
import {
  fee,
  innerTransaction,
  memo,
  operationCount,
  otherPreconditions,
  signatures,
  sources,
  timeBounds,
} from './transaction.ts';

/** What is wrong at any time, whatever room there is. */
const RULES: readonly Check[] = [
  signatures,
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
];

/** What is refused now and could be signed at another time. */
const LIMITS: readonly LimitCheck[] = [killSwitch, windows, rate];
/** The same of deletions of own offers, where those refuse. */
const DELETION_LIMITS: readonly LimitCheck[] = [deletionBudget, deletionRate];

export type Decision =
  | { allowed: true; budget: Budget; spends: Spend[] }
  | { allowed: false; refusal: Refusal };

/**
 * Whether all policies allow it; each must, and with none nothing is allowed. Pure.
 * @returns what to count when it is signed, or the first refusal
 */
export function evaluate(judged: Judged, policies: readonly Policy[], context: Context): Decision {
  const [policy] = policies;
  if (policy === undefined)
    return refuse({ code: 'policy-missing', message: `no valid signing policy names ${context.account}` });
  const wrong = firstOf(policies, (spec) => first(RULES, (check) => check(judged, spec, context)));
  if (wrong !== undefined) return refuse(wrong);
  const within = (limits: readonly LimitCheck[], spends: readonly Spend[]) =>
    firstOf(policies, (spec) => first(limits, (check) => check(judged, spec, context, spends)));
  const spends = spendsOf(judged, policy.spec, context, 'fee');
  const limit = within(LIMITS, spends);
  if (limit === undefined) return { allowed: true, budget: 'ordinary', spends };
  if (!judged.transaction.operations.every(isDeletion)) return refuse(limit);
  const fee = spendsOf(judged, policy.spec, context, 'deletion-fee');
  const spent = within(DELETION_LIMITS, fee);
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
