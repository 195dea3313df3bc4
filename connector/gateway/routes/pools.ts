import * as z from 'zod';
import { chainNetwork } from '../fields.ts';
import { poolSchema } from '../lists/pools.ts';
import { poolConnector, poolType, typeOf } from '../pool-fields.ts';
import { defineRoute } from '../route.ts';

/** Pools of the listed markets and the saved ones. */
export const pools = defineRoute({
  method: 'get',
  path: '/pools',
  summary: 'Pools of the list',
  query: z.strictObject({
    chainNetwork,
    connector: poolConnector.optional(),
    type: poolType.optional(),
    search: z.string().max(80).optional(),
  }),
  result: z.array(poolSchema),
  async handle({ query }, context, signal) {
    const found = await context.poolList.find({ type: typeOf(query) }, signal);
    const wanted = (query.search ?? '').toLowerCase();
    return found.filter(({ baseSymbol, quoteSymbol, baseTokenAddress, quoteTokenAddress, address }) =>
      [`${baseSymbol}-${quoteSymbol}`, baseTokenAddress, quoteTokenAddress, address].some((text) =>
        text.toLowerCase().includes(wanted),
      ),
    );
  },
});
