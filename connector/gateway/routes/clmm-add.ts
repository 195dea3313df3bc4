import * as z from 'zod';
import { formatAmount, formatFee } from '../../market/amount.ts';
import { clmmFields, parseOptional, positionAddress, positionAt } from '../clmm.ts';
import { decimal } from '../context.ts';
import { changed, walletAddress } from '../fields.ts';
import { defineRoute } from '../route.ts';

const text = z.string();

/** Adds to a ladder: offers that rest grow in proportion, a side without any gets new levels. */
export const clmmAdd = defineRoute({
  method: 'post',
  path: '/trading/clmm/add',
  summary: 'Adds to a ladder of offers',
  body: z.strictObject({
    ...{ ...clmmFields, positionAddress, walletAddress },
    baseTokenAmount: decimal.optional(),
    quoteTokenAmount: decimal.optional(),
    slippagePct: decimal.optional(),
  }),
  result: changed({ baseTokenAmountAdded: text, quoteTokenAmountAdded: text }),
  async handle({ body }, context, signal, caller) {
    positionAt(body.positionAddress, context);
    const amounts = {
      base: parseOptional(body.baseTokenAmount, 'baseTokenAmount'),
      quote: parseOptional(body.quoteTokenAmount, 'quoteTokenAmount'),
    };
    caller.note({
      position: body.positionAddress,
      amount: `${formatAmount(amounts.base)} + ${formatAmount(amounts.quote)}`,
    });
    const { hash, fee, base, quote } = await context.orders.addToPosition(
      body.positionAddress,
      amounts,
      signal,
    );
    caller.note({ hash });
    return {
      ...{ signature: hash, status: 1 },
      data: {
        fee: formatFee(fee),
        baseTokenAmountAdded: formatAmount(base),
        quoteTokenAmountAdded: formatAmount(quote),
      },
    };
  },
});
