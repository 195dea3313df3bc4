import { createHash } from 'node:crypto';
import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import {
  amountText,
  clientOrderId,
  marketName,
  nameMarket,
  priceField,
  readAmount,
  readMarket,
  readPrice,
  side,
} from '../fields.ts';
import { defineApi } from '../route.ts';
import { orderSchema, showOrder } from '../view.ts';
import { MAX_BATCH } from './rules.ts';

const order = z.strictObject({
  clientOrderId: clientOrderId.optional(),
  market: marketName,
  side,
  type: z.enum(['limit', 'maker-only', 'market']).default('limit'),
  /** Quote per base; for `market` the worst that is taken. */
  price: priceField,
  amount: amountText,
});

/**
 * Places one order or a batch. Answers when each is open, filled or failed, with the reason: one that failed is no error of
 * the request.
 */
export const ordersPlace = defineApi({
  method: 'post',
  path: '/v1/orders',
  summary: 'Places one order or a batch',
  body: z.union([order, z.strictObject({ orders: z.array(order).min(1).max(MAX_BATCH) })]),
  result: z.strictObject({ orders: z.array(orderSchema) }),
  async handle({ body, key }, context, signal, { client, note }) {
    const wanted = 'orders' in body ? body.orders : [body];
    const at = (i: number, field: string): string => ('orders' in body ? `orders.${i}.${field}` : field);
    const requests = wanted.map((one, i) => {
      const market = readMarket(one.market, context);
      return {
        // One name of its own for each order of a key, the same when the request comes again.
        clientOrderId: one.clientOrderId ?? nameOf(client, key, i, at(i, 'clientOrderId')),
        ...{ market, side: one.side, type: one.type, client },
        price: readPrice(one.price, at(i, 'price')),
        amount: readAmount(one.amount, at(i, 'amount')),
      };
    });
    const ids = requests.map((request) => request.clientOrderId);
    const twice = ids.findIndex((id, i) => ids.indexOf(id) < i);
    if (twice >= 0) {
      throw connectorError('invalid-params', 'clientOrderId stands twice in this batch', {
        field: at(twice, 'clientOrderId'),
      });
    }
    const [first] = requests;
    note({
      market: nameMarket(first!.market, context.tokens),
      ...(requests.length === 1 ? { side: first!.side, amount: wanted[0]!.amount } : {}),
      idempotencyKey: key ?? ids.join(',').slice(0, 200),
    });
    const placed = await context.orders.place(requests, signal);
    if (placed.length === 1 && placed[0]?.hash !== undefined) note({ hash: placed[0].hash });
    return { orders: placed.map((one) => showOrder(one, context.tokens)) };
  },
});

/** Clients share the names of orders, so the name holds whose key it is. */
function nameOf(client: string, key: string | undefined, index: number, field: string): string {
  if (key === undefined) {
    throw connectorError('invalid-params', 'give clientOrderId, or the header Idempotency-Key', { field });
  }
  const hash = createHash('sha256').update(`${client}\n${key}`).digest('hex');
  return `key-${hash.slice(0, 40)}-${index}`;
}
