import * as z from 'zod';
import { formatFee } from '../../market/amount.ts';
import { bidFor } from '../../transactions/fees.ts';
import { text } from '../fields.ts';
import { defineApi } from '../route.ts';

/** What the network takes now, what would be bid, and how far bids may go. Lumens as decimal text. */
export const fees = defineApi({
  method: 'get',
  path: '/v1/fees',
  summary: 'Network fees: current bid, caps, window',
  result: z.strictObject({
    ...{ baseFee: text, bid: text, percentile: z.int(), capacityUsage: z.number() },
    caps: z.strictObject({ perOperation: text, perTransaction: text }),
    /** What the policies let the account spend on fees; null where they say nothing. */
    window: z.strictObject({ amount: text, seconds: z.int() }).nullable(),
  }),
  async handle(_input, context, signal) {
    const statistics = await context.ledger.feeStatistics(signal);
    const { baseFee, capacityUsage } = statistics;
    const { perOperation, perTransaction, percentile, window } = context.limits;
    const now = context.now();
    // Before what is left of the window is shared out.
    const history = { spent: 0n, oldest: undefined, operations: 0, countedSince: now };
    const limits = { perOperation, perTransaction, percentile };
    const bid = bidFor(statistics, limits, history, { operations: 1, deletions: false, now });
    return {
      ...{ baseFee: formatFee(baseFee), bid: formatFee(bid) },
      ...{ percentile, capacityUsage },
      caps: { perOperation: formatFee(perOperation), perTransaction: formatFee(perTransaction) },
      window: window === undefined ? null : { amount: formatFee(window.amount), seconds: window.seconds },
    };
  },
});
