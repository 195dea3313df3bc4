import * as z from 'zod';
import { formatFee } from '../../market/amount.ts';
import { formatPair } from '../amm.ts';
import { onPosition, positionAt, readSides } from '../clmm.ts';
import { decimal } from '../context.ts';
import { changed } from '../fields.ts';
import { defineRoute } from '../route.ts';

const text = z.string();

/** Adds to a ladder: offers that rest grow in proportion, a side without any gets new levels. */
export const clmmAdd = defineRoute({
  method: 'post',
  path: '/trading/clmm/add',
  summary: 'Adds to a ladder of offers',
  body: z.strictObject({
    ...onPosition,
    baseTokenAmount: decimal.optional(),
    quoteTokenAmount: decimal.optional(),
    slippagePct: decimal.optional(),
  }),
  result: changed({ baseTokenAmountAdded: text, quoteTokenAmountAdded: text }),
  async handle({ body }, context, signal, caller) {
    positionAt(body.positionAddress, context);
    const sides = readSides(body);
    caller.note({
      position: body.positionAddress,
      amount: formatPair([sides.base, sides.quote]).join(' + '),
    });
    const { hash, fee, base, quote } = await context.orders.addToPosition(
      body.positionAddress,
      sides,
      signal,
    );
    caller.note({ hash });
    const [baseTokenAmountAdded, quoteTokenAmountAdded] = formatPair([base, quote]);
    return {
      ...{ signature: hash, status: 1 },
      data: {
        fee: formatFee(fee),
        ...{ baseTokenAmountAdded, quoteTokenAmountAdded },
      },
    };
  },
});
