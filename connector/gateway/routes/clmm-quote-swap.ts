import * as z from 'zod';
import { clmmSwapFields, readClmmSwap } from '../clmm.ts';
import { walletAddress } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { poolQuote, showQuote } from '../swap-answer.ts';
import { bestPrice } from '../swap-request.ts';

/** The same swap as that of the router: the ledger gives it the best of books and pools. Nothing is held by it. */
export const clmmQuoteSwap = defineRoute({
  method: 'get',
  path: '/trading/clmm/quote-swap',
  summary: 'A quote for a swap of the assets of a market',
  query: z.strictObject({ ...clmmSwapFields, walletAddress: walletAddress.optional() }),
  result: poolQuote,
  async handle({ query }, context, signal) {
    const swap = readClmmSwap(query, context);
    const { quote } = await context.market.quote(swap.request, signal);
    return {
      poolAddress: swap.poolAddress,
      ...showQuote(quote, bestPrice(swap.request, context), swap, context),
    };
  },
});
