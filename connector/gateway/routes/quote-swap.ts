import * as z from 'zod';
import { formatAmount } from '../../market/amount.ts';
import { formatPrice, type Price, priceImpactPct, quotePrice, type SwapRequest } from '../../market/quote.ts';
import { type Context, decimal } from '../context.ts';
import { assetName, chainNetwork } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { readSwap, routeText, slippagePctOf } from '../swap-request.ts';

const amount = z.string();

/** A quote for a path payment; `price` is quote per base on both sides. It is held for a while, for its client. */
export const quoteSwap = defineRoute({
  method: 'get',
  path: '/trading/router/quote-swap',
  summary: 'A quote for a swap by path payment',
  query: z.strictObject({
    chainNetwork,
    connector: z.string().max(64).optional(),
    baseToken: assetName,
    quoteToken: assetName,
    amount: decimal,
    side: z.enum(['BUY', 'SELL']),
    slippagePct: decimal.optional(),
    walletAddress: z.string().max(80).optional(),
    // Every quote is exact on the side asked, and no price of the client's is needed for it.
    approximateIfNoExactOut: z.enum(['true', 'false']).optional(),
    indicativePrice: decimal.optional(),
  }),
  result: z.strictObject({
    ...{
      quoteId: z.string(),
      tokenIn: z.string(),
      tokenOut: z.string(),
      amountIn: amount,
      amountOut: amount,
    },
    ...{ price: amount, priceImpactPct: amount, minAmountOut: amount, maxAmountIn: amount },
    ...{ slippagePct: amount, routePath: z.string() },
  }),
  handle: async ({ query }, context, signal, { client }) => {
    const request = readSwap(query, context);
    const { quoteId, quote } = await context.swaps.quote(request, client, signal);
    return {
      quoteId,
      tokenIn: quote.tokenIn,
      tokenOut: quote.tokenOut,
      amountIn: formatAmount(quote.amountIn),
      amountOut: formatAmount(quote.amountOut),
      price: formatPrice(quotePrice(quote)),
      priceImpactPct: priceImpactPct(quote, bestPrice(request, context)),
      minAmountOut: formatAmount(quote.minAmountOut),
      maxAmountIn: formatAmount(quote.maxAmountIn),
      slippagePct: slippagePctOf(query, context),
      routePath: routeText(quote, context),
    };
  },
});

/** The best price of the pair's book for that side, quote per base; undefined without a book or an offer. */
function bestPrice({ side, base, quote }: SwapRequest, { market }: Context): Price | undefined {
  const listed = market.markets.find(
    (one) => (one.base === base && one.quote === quote) || (one.base === quote && one.quote === base),
  );
  const book = listed && market.book(listed);
  if (book === undefined) return undefined;
  const straight = listed?.base === base;
  const best = ((side === 'SELL') === straight ? book.bids : book.asks)[0]?.price;
  if (best === undefined || straight) return best;
  return { numerator: best.denominator, denominator: best.numerator };
}
