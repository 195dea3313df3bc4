import * as z from 'zod';
import { formatAmount, formatFee } from '../../market/amount.ts';
import { onPosition, positionAt, reserveOf } from '../clmm.ts';
import { decimal } from '../context.ts';
import { changed } from '../fields.ts';
import { defineRoute } from '../route.ts';

const text = z.string();

/** Cancels what rests of a ladder and reports all that was in it. Held until a ledger has it. */
export const clmmClose = defineRoute({
  method: 'post',
  path: '/trading/clmm/close',
  summary: 'Cancels a ladder of offers',
  body: z.strictObject({ ...onPosition, slippagePct: decimal.optional() }),
  result: changed({
    ...{ positionRentRefunded: text, baseTokenAmountRemoved: text, quoteTokenAmountRemoved: text },
    ...{ baseFeeAmountCollected: text, quoteFeeAmountCollected: text },
  }),
  async handle({ body }, context, signal, caller) {
    positionAt(body.positionAddress, context);
    caller.note({ position: body.positionAddress });
    const change = await context.orders.closePosition(body.positionAddress, signal);
    const { hash, fee, base, quote } = change;
    caller.note({ hash, amount: `${formatAmount(base)} + ${formatAmount(quote)}` });
    return {
      ...{ signature: hash, status: 1 },
      data: {
        ...{ fee: formatFee(fee), positionRentRefunded: formatFee(await reserveOf(change, context, signal)) },
        ...{ baseTokenAmountRemoved: formatAmount(base), quoteTokenAmountRemoved: formatAmount(quote) },
        ...{ baseFeeAmountCollected: formatAmount(0n), quoteFeeAmountCollected: formatAmount(0n) },
      },
    };
  },
});
