import * as z from 'zod';
import { ammFields, formatPair, poolPrice, viewPool } from '../amm.ts';
import { defineRoute } from '../route.ts';

/** A pool of the ledger, or the empty one of a listed market. */
export const ammPoolInfo = defineRoute({
  method: 'get',
  path: '/trading/amm/pool-info',
  summary: 'Price and reserves of a liquidity pool',
  query: z.strictObject(ammFields),
  result: z.strictObject({
    address: z.string(),
    baseTokenAddress: z.string(),
    quoteTokenAddress: z.string(),
    feePct: z.string(),
    price: z.string(),
    baseTokenAmount: z.string(),
    quoteTokenAmount: z.string(),
  }),
  async handle({ query }, context, signal) {
    const pool = await context.pools.pool(query.poolAddress, signal);
    const view = viewPool(pool, context);
    const [baseTokenAmount, quoteTokenAmount] = formatPair(view.turn(pool.reserves));
    return {
      ...{ address: pool.id, baseTokenAddress: view.base, quoteTokenAddress: view.quote },
      feePct: String(pool.feeBps / 100),
      price: poolPrice(pool, view),
      ...{ baseTokenAmount, quoteTokenAmount },
    };
  },
});
