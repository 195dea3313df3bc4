import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import { clientOrderId } from '../fields.ts';
import { defineApi } from '../route.ts';
import { fillSchema, orderSchema, showFill, showOrder } from '../view.ts';

/** One order with its fills as a maker. */
export const order = defineApi({
  method: 'get',
  path: '/v1/orders/:clientOrderId',
  summary: 'One order and its fills',
  params: z.strictObject({ clientOrderId }),
  result: z.strictObject({ order: orderSchema, fills: z.array(fillSchema) }),
  handle({ params }, { orders, market, tokens }) {
    const found = orders.get(params.clientOrderId);
    if (found === undefined) throw connectorError('not-found', 'no such order', { field: 'clientOrderId' });
    const fills = found.offerId === undefined ? [] : market.fillsOf(found.offerId);
    return { order: showOrder(found, tokens), fills: fills.map((fill) => showFill(fill, tokens)) };
  },
});
