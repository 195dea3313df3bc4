import type { PathPayment } from '../transaction.ts';
import { isRefusal, NOTHING, type OperationRule, type Refusal, takeAll } from './check.ts';
import { findPair, judgeCollar, pairMissing, takeAmount } from './pairs.ts';
import { takePayment } from './payments.ts';
import type { PolicySpec } from './schema.ts';

/**
 * A path payment that pays its own source is a swap. One that pays another is both: it trades, so collar, amount and
 * window of the pair hold it, and it is a payment of the most that may leave. Judged at its worst case: the most that
 * may leave for the least that may arrive.
 */
export const pathPayments: OperationRule<PathPayment> = (operation, field, spec, account) => {
  const { destination, sendAsset, destAsset, sendMax, destMin } = operation;
  // With hops it would trade all the same: a drain through an asset of someone's own.
  if (sendAsset === destAsset)
    return {
      code: 'pair-not-allowed',
      message: 'the same asset on both ends is never allowed',
      field: `${field}.destAsset`,
    };
  // A muxed form of the account is another address: what arrives there may be booked as somebody else's.
  const paid =
    destination === account
      ? NOTHING
      : takePayment({ destination, asset: sendAsset, amount: sendMax }, field, 'sendAsset', spec);
  if (isRefusal(paid)) return paid;
  const found = findPair('swaps', spec.swaps, sendAsset, destAsset);
  if (found === undefined) return pairMissing(sendAsset, destAsset, `${field}.destAsset`, 'swaps');
  const swapped =
    judgePath(operation, field, spec) ??
    judgeCollar(found, sendAsset, { n: destMin, d: sendMax }, field) ??
    takeAmount('swap', found, sendAsset, sendMax, field);
  return takeAll([swapped, paid], (taken) => taken);
};

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
