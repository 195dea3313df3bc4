import * as z from 'zod';
import { ammSwapFields, readAmmSwap } from '../amm-swap.ts';
import { walletAddress } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { poolQuote, showQuote } from '../swap-answer.ts';

/** What the ledger would give for the swap: by the pool, or better. Nothing is held by it. */
export const ammQuoteSwap = defineRoute({
  method: 'get',
  path: '/trading/amm/quote-swap',
  summary: 'A quote for a swap of the assets of a liquidity pool',
  query: z.strictObject({ ...ammSwapFields, walletAddress: walletAddress.optional() }),
  result: poolQuote,
  async handle({ query }, context, signal) {
    const swap = await readAmmSwap(query, context, signal);
    const { quote } = await context.market.quote(swap.request, signal);
    return { poolAddress: swap.poolAddress, ...showQuote(quote, swap.spot, swap, context) };
  },
});
