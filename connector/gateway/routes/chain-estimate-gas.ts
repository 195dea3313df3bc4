import * as z from 'zod';
import { formatFee } from '../../market/amount.ts';
import { NATIVE_SYMBOL } from '../../market/asset.ts';
import { bid } from '../../transactions/swap.ts';
import { CHAIN, requireNetwork } from '../context.ts';
import { defineRoute } from '../route.ts';

/** What a swap would bid now: one operation at the rate of the fee statistics. */
export const chainEstimateGas = defineRoute({
  method: 'get',
  path: `/chains/${CHAIN}/estimate-gas`,
  query: z.strictObject({ network: z.string().optional() }),
  handle: async ({ query }, context, signal) => {
    requireNetwork(query.network, context);
    const [stats] = await Promise.all([context.horizon.feeStats(signal), context.checkLedger(signal)]);
    const fee = bid(stats);
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
