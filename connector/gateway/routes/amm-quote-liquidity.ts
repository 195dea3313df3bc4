import * as z from 'zod';
import { parseSlippage } from '../../market/quote.ts';
import { mostTaken, sizeDeposit } from '../../orders/pool-shares.ts';
import { ammFields, amounts, formatPair, readOffer, viewPool } from '../amm.ts';
import { POOLS_CONNECTOR } from '../context.ts';
import { defineRoute } from '../route.ts';
import { slippagePctOf } from '../swap-request.ts';

/** What a deposit would take now, and at most while the price stays within `slippagePct`. */
export const ammQuoteLiquidity = defineRoute({
  method: 'get',
  path: '/trading/amm/quote-liquidity',
  summary: 'What a deposit into a liquidity pool would take',
  query: z.strictObject({ ...ammFields, ...amounts }),
  result: z.strictObject({
    poolAddress: z.string(),
    baseLimited: z.boolean(),
    baseTokenAmount: z.string(),
    quoteTokenAmount: z.string(),
    baseTokenAmountMax: z.string(),
    quoteTokenAmountMax: z.string(),
  }),
  async handle({ query }, context, signal) {
    const offer = readOffer(query);
    const slippage = parseSlippage(slippagePctOf(query, context, POOLS_CONNECTOR));
    const pool = await context.pools.pool(query.poolAddress, signal);
    const view = viewPool(pool, context);
    const offered = view.turn(offer);
    const sized = sizeDeposit(pool, offered);
    const [baseTokenAmount, quoteTokenAmount] = formatPair(view.turn(sized.amounts));
    const [baseTokenAmountMax, quoteTokenAmountMax] = formatPair(
      view.turn(mostTaken(sized, offered, slippage)),
    );
    return {
      poolAddress: pool.id,
      baseLimited: pool.assets[sized.limiting] === view.base,
      ...{ baseTokenAmount, quoteTokenAmount, baseTokenAmountMax, quoteTokenAmountMax },
    };
  },
});
