import * as z from 'zod';
import { NATIVE_SYMBOL } from '../../market/asset.ts';
import { CHAIN, CONNECTOR, requireNetwork } from '../context.ts';
import { defineRoute } from '../route.ts';

/** State of the ledger as Horizon knows it. */
export const chainStatus = defineRoute({
  method: 'get',
  path: `/chains/${CHAIN}/status`,
  query: z.strictObject({ network: z.string().optional() }),
  handle: async ({ query }, context, signal) => {
    requireNetwork(query.network, context);
    const { sequence } = await context.checkLedger(signal);
    return {
      chain: CHAIN,
      network: context.network,
      rpcUrl: context.horizon.url,
      rpcProvider: 'horizon',
      currentBlockNumber: sequence,
      nativeCurrency: NATIVE_SYMBOL,
      swapProvider: `${CONNECTOR}/router`,
    };
  },
});
