import type { Transaction } from '../envelope.ts';
import type { Check, Context, Refusal } from './check.ts';
import { operationSources, operations, sorobanData } from './operations.ts';
import type { Policy } from './schema.ts';
import {
  fee,
  feeWindow,
  killSwitch,
  memo,
  operationCount,
  otherPreconditions,
  sourceAccount,
  timeBounds,
} from './transaction.ts';

/** The chain, in this order: what is wrong whatever the limits say comes before the limits. */
export const CHECKS: Readonly<Record<string, Check>> = {
  killSwitch,
  sourceAccount,
  operationSources,
  sorobanData,
  operationCount,
  otherPreconditions,
  timeBounds,
  memo,
  fee,
  operations,
  feeWindow,
};

/**
 * Whether all policies allow the transaction; each must, and with none nothing is allowed. Pure.
 * @returns undefined when allowed, else the first refusal
 */
export function evaluate(
  transaction: Transaction,
  policies: readonly Policy[],
  context: Context,
): Refusal | undefined {
  if (policies.length === 0)
    return { code: 'policy-missing', message: `no valid signing policy names ${context.account}` };
  for (const { name, spec } of policies)
    for (const check of Object.values(CHECKS)) {
      const refusal = check(transaction, spec, context);
      if (refusal !== undefined) return { ...refusal, message: `policy ${name}: ${refusal.message}` };
    }
  return undefined;
}
