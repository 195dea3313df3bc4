import * as z from 'zod';
import { matches } from '../fields.ts';
import { poolSchema } from '../lists/pools.ts';
import { poolFilter, typeOf } from '../pool-fields.ts';
import { defineRoute } from '../route.ts';

/** Pools of the listed markets and the saved ones. */
export const pools = defineRoute({
  method: 'get',
  path: '/pools',
  summary: 'Pools of the list',
  query: z.strictObject({
    ...poolFilter,
    search: z.string().max(80).optional(),
  }),
  result: z.array(poolSchema),
  async handle({ query }, context, signal) {
    const found = await context.poolList.find({ type: typeOf(query) }, signal);
    return found.filter(({ baseSymbol, quoteSymbol, baseTokenAddress, quoteTokenAddress, address }) =>
      matches(query.search, [`${baseSymbol}-${quoteSymbol}`, baseTokenAddress, quoteTokenAddress, address]),
    );
  },
});
