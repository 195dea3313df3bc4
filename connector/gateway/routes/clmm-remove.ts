import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import { formatAmount, formatFee } from '../../market/amount.ts';
import { parseSlippage } from '../../market/quote.ts';
import { clmmFields, positionAddress, positionAt } from '../clmm.ts';
import { decimal } from '../context.ts';
import { changed, walletAddress } from '../fields.ts';
import { defineRoute } from '../route.ts';

const text = z.string();

/** Takes a share out of a ladder: offers that rest shrink by it, and it is taken of what fills brought. */
export const clmmRemove = defineRoute({
  method: 'post',
  path: '/trading/clmm/remove',
  summary: 'Takes a share out of a ladder of offers',
  body: z.strictObject({
    ...{ ...clmmFields, positionAddress, walletAddress },
    percentageToRemove: decimal,
    slippagePct: decimal.optional(),
  }),
  result: changed({ baseTokenAmountRemoved: text, quoteTokenAmountRemoved: text }),
  async handle({ body }, context, signal, caller) {
    positionAt(body.positionAddress, context);
    const field = 'percentageToRemove';
    const share = parseSlippage(body.percentageToRemove, field);
    if (share.numerator === 0n) throw connectorError('invalid-params', `${field} must be above 0`, { field });
    caller.note({ position: body.positionAddress });
    const { hash, fee, base, quote } = await context.orders.removeFromPosition(
      body.positionAddress,
      share,
      signal,
    );
    caller.note({ hash, amount: `${formatAmount(base)} + ${formatAmount(quote)}` });
    return {
      ...{ signature: hash, status: 1 },
      data: {
        fee: formatFee(fee),
        baseTokenAmountRemoved: formatAmount(base),
        quoteTokenAmountRemoved: formatAmount(quote),
      },
    };
  },
});
