import * as z from 'zod';
import { chainNetwork } from '../fields.ts';
import { poolSchema } from '../lists/pools.ts';
import { poolAddress } from '../pool-fields.ts';
import { defineRoute } from '../route.ts';

/** What saving that address would put into the list. */
export const poolFind = defineRoute({
  method: 'get',
  path: '/pools/find/:address',
  summary: 'Describes a pool by its address, saved or not',
  params: z.strictObject({ address: poolAddress }),
  query: z.strictObject({ chainNetwork }),
  result: poolSchema,
  handle({ params }, context, signal) {
    return context.poolList.get(params.address, signal);
  },
});
