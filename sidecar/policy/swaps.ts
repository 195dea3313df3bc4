import type { PathPayment } from '../transaction.ts';
import type { OperationRule, Refusal } from './check.ts';
import { findPair, judgeAmount, judgeCollar, marketOf, pairLimit, pairMissing } from './pairs.ts';
import { judgePayment, paymentLimits, paymentSpend } from './payments.ts';
import type { PolicySpec } from './schema.ts';

/**
 * A path payment that pays its own source is a swap. One that pays another is both: it trades, so collar, amount and
 * window of the pair hold it, and it is a payment of the most that may leave. Judged at its worst case: the most that
 * may leave for the least that may arrive.
 */
export const pathPayments: OperationRule<PathPayment> = {
  judge(operation, field, spec, account) {
    const { sendAsset, destAsset, sendMax, destMin } = operation;
    // With hops it would trade all the same: a drain through an asset of someone's own.
    if (sendAsset === destAsset)
      return {
        code: 'pair-not-allowed',
        message: 'the same asset on both ends is never allowed',
        field: `${field}.destAsset`,
      };
    const unpaid = isSwap(operation, account)
      ? undefined
      : judgePayment(asPayment(operation), field, 'sendAsset', spec);
    if (unpaid !== undefined) return unpaid;
    const found = findPair('swaps', spec.swaps, sendAsset, destAsset);
    if (found === undefined) return pairMissing(sendAsset, destAsset, `${field}.destAsset`, 'swaps');
    return (
      judgePath(operation, field, spec) ??
      judgeCollar(found, sendAsset, { n: destMin, d: sendMax }, field) ??
      judgeAmount(found, sendAsset, sendMax, field)
    );
  },
  spends(operation, _spec, account) {
    const { sendAsset, destAsset, sendMax } = operation;
    const pair = marketOf(sendAsset, destAsset);
    const swap = { kind: 'swap' as const, asset: sendAsset, pair, amount: sendMax.toString() };
    return isSwap(operation, account) ? [swap] : [swap, paymentSpend(asPayment(operation))];
  },
  limits(operation, spec, account) {
    const found = findPair('swaps', spec.swaps, operation.sendAsset, operation.destAsset);
    return [
      ...(found === undefined
        ? []
        : pairLimit('swap', found, 'window', found.rule.window, operation.sendAsset)),
      ...(isSwap(operation, account) ? [] : paymentLimits(asPayment(operation), spec)),
    ];
  },
};

/** A muxed form of the account is another address: what arrives there may be booked as somebody else's. */
const isSwap = ({ destination }: PathPayment, account: string): boolean => destination === account;

const asPayment = ({ destination, sendAsset, sendMax }: PathPayment) => ({
  destination,
  asset: sendAsset,
  amount: sendMax,
});

function judgePath({ path }: PathPayment, field: string, { swaps }: PolicySpec): Refusal | undefined {
  const index = path.findIndex((asset) => !swaps.some(({ pair }) => (pair as string[]).includes(asset)));
  return index < 0
    ? undefined
    : {
        code: 'pair-not-allowed',
        message: `${path[index]} is no asset of a pair of swaps`,
        field: `${field}.path[${index}]`,
        rule: ['swaps'],
      };
}
