import * as z from 'zod';
import { formatAmount } from '../../market/amount.ts';
import { formatPrice, priceImpactPct, quotePrice } from '../../market/quote.ts';
import { clmmSwapFields, readClmmSwap } from '../clmm.ts';
import { defineRoute } from '../route.ts';
import { routeText } from '../swap-request.ts';

const text = z.string();

/** The same swap as that of the router: the ledger gives it the best of books and pools. Nothing is held by it. */
export const clmmQuoteSwap = defineRoute({
  method: 'get',
  path: '/trading/clmm/quote-swap',
  summary: 'A quote for a swap of the assets of a market',
  query: z.strictObject({ ...clmmSwapFields, walletAddress: z.string().max(80).optional() }),
  result: z.strictObject({
    ...{ poolAddress: text, tokenIn: text, tokenOut: text, amountIn: text, amountOut: text, price: text },
    ...{ minAmountOut: text, maxAmountIn: text, slippagePct: text, routePath: text },
    priceImpactPct: text,
  }),
  async handle({ query }, context, signal) {
    const { request, poolAddress, slippagePct, best } = readClmmSwap(query, context);
    const { quote } = await context.market.quote(request, signal);
    return {
      poolAddress,
      ...{ tokenIn: quote.tokenIn, tokenOut: quote.tokenOut },
      ...{ amountIn: formatAmount(quote.amountIn), amountOut: formatAmount(quote.amountOut) },
      price: formatPrice(quotePrice(quote)),
      priceImpactPct: priceImpactPct(quote, best),
      ...{ minAmountOut: formatAmount(quote.minAmountOut), maxAmountIn: formatAmount(quote.maxAmountIn) },
      ...{ slippagePct, routePath: routeText(quote, context) },
    };
  },
});
