import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { formatAmount } from '../../market/amount.ts';
import { formatPrice, priceImpactPct, quotePrice } from '../../market/quote.ts';
import { DEFAULT_SLIPPAGE_PCT, decimal } from '../context.ts';
import { defineRoute } from '../route.ts';
import { readSwap, routeText } from '../swap-request.ts';

/** A quote for a path payment; `price` is quote per base on both sides. Not held: the swap quotes anew. */
export const quoteSwap = defineRoute({
  method: 'get',
  path: '/trading/router/quote-swap',
  query: z.strictObject({
    chainNetwork: z.string(),
    connector: z.string().optional(),
    baseToken: z.string().max(80),
    quoteToken: z.string().max(80),
    amount: decimal,
    side: z.enum(['BUY', 'SELL']),
    slippagePct: decimal.optional(),
    walletAddress: z.string().optional(),
    // Every quote is exact on the side asked, and no price of the client's is needed for it.
    approximateIfNoExactOut: z.enum(['true', 'false']).optional(),
    indicativePrice: decimal.optional(),
  }),
  handle: async ({ query }, context, signal) => {
    const request = readSwap(query, context);
    const [quote, best] = await Promise.all([
      context.quoter.quote(request, signal),
      context.quoter.bestPrice(request, signal),
      context.checkLedger(signal),
    ]);
    return {
      quoteId: randomUUID(),
      tokenIn: quote.tokenIn,
      tokenOut: quote.tokenOut,
      amountIn: formatAmount(quote.amountIn),
      amountOut: formatAmount(quote.amountOut),
      price: formatPrice(quotePrice(quote)),
      priceImpactPct: priceImpactPct(quote, best),
      minAmountOut: formatAmount(quote.minAmountOut),
      maxAmountIn: formatAmount(quote.maxAmountIn),
      slippagePct: String(query.slippagePct ?? DEFAULT_SLIPPAGE_PCT),
      routePath: routeText(quote, context),
    };
  },
});
