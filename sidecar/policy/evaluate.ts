import type { Spend } from '../journal/entry.ts';
import { isDeletion } from '../transaction.ts';
import {
  type Budget,
  type Check,
  type Context,
  first,
  isRefusal,
  type Judged,
  type LimitCheck,
  type Refusal,
  type Taken,
} from './check.ts';
import { countOf, deletionBudget, deletionRate, killSwitch, rate, windows } from './limits.ts';
import { operationSources, sorobanData, takeOperations } from './operations.ts';
import type { Policy } from './schema.ts';
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
  const { transaction } = judged;
  const allowing: (Policy & { taken: Taken })[] = [];
  for (const policy of policies) {
    const wrong = first(RULES, (check) => check(judged, policy.spec, context));
    const taken = wrong ?? takeOperations(judged, policy.spec, context.account);
    if (isRefusal(taken)) return refuse(by(policy, taken));
    allowing.push({ ...policy, taken });
  }
  const [one] = allowing;
  if (one === undefined)
    return refuse({ code: 'policy-missing', message: `no valid signing policy names ${context.account}` });
  const exceeded = (checks: readonly LimitCheck[], spends: readonly Spend[]): Refusal | undefined =>
    first(allowing, (policy) => {
      const { spec, taken } = policy;
      const refusal = first(checks, (check) => check(spec, context, { spends, limits: taken.limits }));
      return refusal && by(policy, refusal);
    });
  const spends = countOf(judged, one.taken.spends, context, 'fee');
  const limit = exceeded(LIMITS, spends);
  if (limit === undefined) return { allowed: true, budget: 'ordinary', spends };
  if (!transaction.operations.every(isDeletion)) return refuse(limit);
  const fee = countOf(judged, one.taken.spends, context, 'deletion-fee');
  const spent = exceeded(DELETION_LIMITS, fee);
  return spent === undefined ? { allowed: true, budget: 'deletions', spends: fee } : refuse(spent);
}

const refuse = (refusal: Refusal): Decision => ({ allowed: false, refusal });

/** Named after the policy that refuses. */
const by = ({ name }: Policy, refusal: Refusal): Refusal => ({
  ...refusal,
  policy: name,
  message: `policy ${name}: ${refusal.message}`,
});
