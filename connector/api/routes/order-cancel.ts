import * as z from 'zod';
import { clientOrderId } from '../fields.ts';
import { defineApi } from '../route.ts';
import { orderSchema, showOrder } from '../view.ts';

/** Cancels an order; one that has ended is answered as it ended. */
export const orderCancel = defineApi({
  method: 'delete',
  path: '/v1/orders/:clientOrderId',
  summary: 'Cancels an order',
  params: z.strictObject({ clientOrderId }),
  result: z.strictObject({ order: orderSchema }),
  handle: async ({ params }, { orders, tokens }, signal) => ({
    order: showOrder(await orders.cancel(params.clientOrderId, signal), tokens),
  }),
});
