import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import { amountText, clientOrderId, priceField, readAmount, readPrice } from '../fields.ts';
import { defineApi } from '../route.ts';
import { orderSchema, showOrder } from '../view.ts';

/** Changes price or amount of an open order in one operation: it is never absent from the book in between. */
export const orderAmend = defineApi({
  method: 'post',
  path: '/v1/orders/:clientOrderId/amend',
  summary: 'Changes price or amount of an open order',
  params: z.strictObject({ clientOrderId }),
  body: z.strictObject({ price: priceField.optional(), amount: amountText.optional() }),
  result: z.strictObject({ order: orderSchema }),
  async handle({ params, body, key }, { orders, tokens }, signal, { note }) {
    if (key === undefined) {
      throw connectorError('invalid-params', 'give the header Idempotency-Key', { field: 'Idempotency-Key' });
    }
    const price = body.price === undefined ? undefined : readPrice(body.price, 'price');
    const amount = body.amount === undefined ? undefined : readAmount(body.amount, 'amount');
    if (price === undefined && amount === undefined) {
      throw connectorError('invalid-params', 'price or amount must be given', { field: 'price' });
    }
    note(body.amount === undefined ? {} : { amount: body.amount });
    const order = await orders.amend(params.clientOrderId, { price, amount }, signal);
    return { order: showOrder(order, tokens) };
  },
});
