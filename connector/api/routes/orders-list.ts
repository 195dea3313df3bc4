import * as z from 'zod';
import { limit, marketName, optionalMarket } from '../fields.ts';
import { defineApi } from '../route.ts';
import { orderSchema, showOrder } from '../view.ts';

/** Our orders, newest first. */
export const ordersList = defineApi({
  method: 'get',
  path: '/v1/orders',
  summary: 'Orders of this account',
  query: z.strictObject({
    market: marketName.optional(),
    state: z.enum(['pending', 'open', 'filled', 'cancelled', 'failed', 'unknown']).optional(),
    limit: limit(1000, 100),
  }),
  result: z.strictObject({ orders: z.array(orderSchema) }),
  handle: ({ query }, context) => ({
    orders: context.orders
      .list({ market: optionalMarket(query.market, context), state: query.state, limit: query.limit })
      .map((order) => showOrder(order, context.tokens)),
  }),
});
