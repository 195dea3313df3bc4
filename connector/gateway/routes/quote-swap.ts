import * as z from 'zod';
import { decimal } from '../context.ts';
import { booksConnector, swapFields, walletAddress } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { quoteFields, showQuote } from '../swap-answer.ts';
import { bestPrice, readSwap } from '../swap-request.ts';

/** A quote for a path payment. It is held for a while, for its client. */
export const quoteSwap = defineRoute({
  method: 'get',
  path: '/trading/router/quote-swap',
  summary: 'A quote for a swap by path payment',
  query: z.strictObject({
    ...swapFields,
    connector: booksConnector.optional(),
    walletAddress: walletAddress.optional(),
    // Every quote is exact on the side asked, and no price of the client's is needed for it.
    approximateIfNoExactOut: z.enum(['true', 'false']).optional(),
    indicativePrice: decimal.optional(),
  }),
  result: z.strictObject({ quoteId: z.string(), ...quoteFields }),
  async handle({ query }, context, signal, { client }) {
    const swap = readSwap(query, context);
    const { quoteId, quote } = await context.swaps.quote(swap.request, client, signal);
    return { quoteId, ...showQuote(quote, bestPrice(swap.request, context), swap, context) };
  },
});
