import * as z from 'zod';
import { formatFee } from '../../market/amount.ts';
import { NATIVE_SYMBOL } from '../../market/asset.ts';
import { CHAIN } from '../context.ts';
import { defineRoute } from '../route.ts';

/** What one operation would be bid now: the configured percentile of recent bids, within base fee and cap. */
export const chainEstimateGas = defineRoute({
  method: 'get',
  path: `/chains/${CHAIN}/estimate-gas`,
  summary: 'What a swap would bid now',
  query: z.strictObject({ network: z.string().optional() }),
  result: z.strictObject({
    feePerComputeUnit: z.string(),
    denomination: z.string(),
    computeUnits: z.int(),
    feeAsset: z.string(),
    fee: z.string(),
    timestamp: z.int(),
  }),
  handle: async (_input, context, signal) => {
    const { percentile, perOperation } = context.limits;
    const [{ baseFee, bids }] = await Promise.all([
      context.ledger.feeStatistics(signal),
      context.ledger.head(signal),
    ]);
    let fee = bids[percentile] ?? baseFee;
    if (fee < baseFee) fee = baseFee;
    if (fee > perOperation) fee = perOperation;
    return {
      feePerComputeUnit: fee.toString(),
      denomination: 'stroops',
      computeUnits: 1,
      feeAsset: NATIVE_SYMBOL,
      fee: formatFee(fee),
      timestamp: context.now(),
    };
  },
});
