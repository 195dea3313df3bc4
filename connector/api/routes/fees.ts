import * as z from 'zod';
import { formatFee } from '../../market/amount.ts';
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
  async handle(_input, { ledger, file }, signal) {
    const { baseFee, capacityUsage, bids } = await ledger.feeStatistics(signal);
    const { perOperation, perTransaction, percentile, window } = file.fees;
    let bid = bids[percentile] ?? baseFee;
    if (bid < baseFee) bid = baseFee;
    if (bid > perOperation) bid = perOperation;
    return {
      ...{ baseFee: formatFee(baseFee), bid: formatFee(bid) },
      ...{ percentile, capacityUsage },
      caps: { perOperation: formatFee(perOperation), perTransaction: formatFee(perTransaction) },
      window: window === undefined ? null : { amount: formatFee(window.amount), seconds: window.seconds },
    };
  },
});
