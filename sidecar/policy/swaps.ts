import type { Spend } from '../journal/entry.ts';
import type { PathPayment } from '../transaction.ts';
import type { Context, Refusal } from './check.ts';
import { exceeds } from './limits.ts';
import { isWithin } from './price.ts';
import type { PolicySpec, SwapRule } from './schema.ts';

/**
 * A path payment that pays its own source is a swap. It is judged at its worst case: the most that may leave for the
 * least that may arrive. `field` names the operation.
 */
export function judgeSwap(
  operation: PathPayment,
  field: string,
  spec: PolicySpec,
  context: Context,
): Refusal | undefined {
  if (operation.destination !== context.account)
    return {
      code: 'operation-not-allowed',
      message: 'a path payment to another account is a payment, and payments are not allowed',
      field: `${field}.destination`,
    };
  // With hops it would trade all the same: a drain through an asset of someone's own.
  if (operation.sendAsset === operation.destAsset)
    return {
      code: 'pair-not-allowed',
      message: 'the same asset on both ends is never allowed',
      field: `${field}.destAsset`,
    };
  const rule = findRule(spec.swaps, operation);
  if (rule === undefined)
    return {
      code: 'pair-not-allowed',
      message: `no rule lists ${operation.sendAsset} with ${operation.destAsset}`,
      field: `${field}.destAsset`,
    };
  return (
    judgePath(operation, field, spec) ??
    judgePrice(operation, field, rule) ??
    judgeAmount(operation, field, rule)
  );
}

/** What a swap counts as in the windows: the most that leaves. */
export const swapSpend = (operation: PathPayment): Spend => ({
  kind: 'swap',
  asset: operation.sendAsset,
  pair: [operation.sendAsset, operation.destAsset].sort().join(' '),
  amount: operation.sendMax.toString(),
});

function findRule(rules: readonly SwapRule[], { sendAsset, destAsset }: PathPayment): SwapRule | undefined {
  return rules.find(
    ({ pair: [base, quote] }) =>
      (base === sendAsset && quote === destAsset) || (base === destAsset && quote === sendAsset),
  );
}

function judgePath({ path }: PathPayment, field: string, { swaps }: PolicySpec): Refusal | undefined {
  const index = path.findIndex((asset) => !swaps.some(({ pair }) => (pair as string[]).includes(asset)));
  return index < 0
    ? undefined
    : {
        code: 'pair-not-allowed',
        message: `${path[index]} is no asset of a listed pair`,
        field: `${field}.path[${index}]`,
      };
}

/** Quote per base, exactly; of the other side the inverse is compared, so no division is ever rounded. */
function judgePrice(operation: PathPayment, field: string, { pair, price }: SwapRule): Refusal | undefined {
  const { sendMax, destMin } = operation;
  const isPositive = sendMax > 0n && destMin > 0n;
  const limit = pair[0] === operation.sendAsset ? { n: destMin, d: sendMax } : { n: sendMax, d: destMin };
  return isPositive && isWithin(limit, price)
    ? undefined
    : {
        code: 'price-out-of-collar',
        message: `${limit.n}/${limit.d} ${pair[1]} per ${pair[0]} is outside the collar`,
        field,
      };
}

function judgeAmount(operation: PathPayment, field: string, { maxAmount }: SwapRule): Refusal | undefined {
  const limit = maxAmount[operation.sendAsset as keyof typeof maxAmount] ?? 0n;
  return operation.sendMax > limit
    ? {
        code: 'amount-too-large',
        message: `${operation.sendMax} stroops of ${operation.sendAsset}, at most ${limit}`,
        field,
      }
    : undefined;
}

/** `spends` are those of the whole transaction. */
export function judgeWindow(
  operation: PathPayment,
  field: string,
  { swaps }: PolicySpec,
  context: Context,
  spends: readonly Spend[],
): Refusal | undefined {
  const rule = findRule(swaps, operation);
  const window = rule?.window?.[operation.sendAsset as keyof typeof rule.window];
  return window === undefined
    ? undefined
    : exceeds(swapSpend(operation), window.amount, window.seconds, context, spends, field);
}
