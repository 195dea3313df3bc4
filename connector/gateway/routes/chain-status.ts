import * as z from 'zod';
import { NATIVE_SYMBOL } from '../../market/asset.ts';
import { CHAIN, chainNetworkOf } from '../context.ts';
import { defineRoute } from '../route.ts';

/** State of the ledger as we believe it. */
export const chainStatus = defineRoute({
  method: 'get',
  path: `/chains/${CHAIN}/status`,
  summary: 'The last ledger',
  query: z.strictObject({ network: z.string().optional() }),
  result: z.strictObject({
    chain: z.string(),
    network: z.string(),
    rpcUrl: z.string(),
    rpcProvider: z.string(),
    currentBlockNumber: z.int(),
    nativeCurrency: z.string(),
    swapProvider: z.string(),
  }),
  handle: async (_input, context, signal) => {
    const { sequence } = await context.ledger.head(signal);
    return {
      chain: CHAIN,
      network: context.network,
      rpcUrl: context.file.horizon.endpoints[0]?.url,
      rpcProvider: 'horizon',
      currentBlockNumber: sequence,
      nativeCurrency: NATIVE_SYMBOL,
      swapProvider: context.preferences.get(chainNetworkOf(context), 'swapProvider'),
    };
  },
});
