import * as z from 'zod';
import { formatAmount } from '../../market/amount.ts';
import { formatPrice, priceImpactPct, quotePrice } from '../../market/quote.ts';
import { ammSwapFields, readAmmSwap } from '../amm-swap.ts';
import { defineRoute } from '../route.ts';
import { routeText } from '../swap-request.ts';

const text = z.string();

/** What the ledger would give for the swap: by the pool, or better. Nothing is held by it. */
export const ammQuoteSwap = defineRoute({
  method: 'get',
  path: '/trading/amm/quote-swap',
  summary: 'A quote for a swap of the assets of a liquidity pool',
  query: z.strictObject({ ...ammSwapFields, walletAddress: z.string().max(80).optional() }),
  result: z.strictObject({
    ...{ poolAddress: text, tokenIn: text, tokenOut: text, amountIn: text, amountOut: text, price: text },
    ...{ minAmountOut: text, maxAmountIn: text, slippagePct: text, routePath: text },
    priceImpactPct: text,
  }),
  async handle({ query }, context, signal) {
    const { request, poolAddress, slippagePct, spot } = await readAmmSwap(query, context, signal);
    const { quote } = await context.market.quote(request, signal);
    return {
      poolAddress,
      ...{ tokenIn: quote.tokenIn, tokenOut: quote.tokenOut },
      ...{ amountIn: formatAmount(quote.amountIn), amountOut: formatAmount(quote.amountOut) },
      price: formatPrice(quotePrice(quote)),
      priceImpactPct: priceImpactPct(quote, spot),
      ...{ minAmountOut: formatAmount(quote.minAmountOut), maxAmountIn: formatAmount(quote.maxAmountIn) },
      ...{ slippagePct, routePath: routeText(quote, context) },
    };
  },
});
