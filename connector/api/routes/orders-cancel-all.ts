import * as z from 'zod';
import { marketName, nameMarket, optionalMarket, text } from '../fields.ts';
import { defineApi } from '../route.ts';

/** Cancels every offer of the account, of one market or all, also those that this connector did not place. */
export const ordersCancelAll = defineApi({
  method: 'delete',
  path: '/v1/orders',
  summary: 'Cancels all orders',
  query: z.strictObject({ market: marketName.optional() }),
  result: z.strictObject({
    cancelled: z.array(text),
    /** What is still in the book. */
    left: z.array(z.strictObject({ offerId: text, market: text.nullable(), reason: text })),
  }),
  async handle({ query }, context, signal, { note }) {
    const market = optionalMarket(query.market, context);
    note({ market: query.market ?? 'all' });
    const { cancelled, left } = await context.orders.cancelAll(market, signal);
    return {
      cancelled,
      left: left.map(({ offerId, market: of, reason }) => ({
        ...{ offerId, reason },
        market: of === undefined ? null : nameMarket(of, context.tokens),
      })),
    };
  },
});
