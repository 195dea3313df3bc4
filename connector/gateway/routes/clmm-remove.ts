import * as z from 'zod';
import { formatFee } from '../../market/amount.ts';
import { formatPair } from '../amm.ts';
import { onPosition, positionAt } from '../clmm.ts';
import { decimal } from '../context.ts';
import { changed, readShare } from '../fields.ts';
import { defineRoute } from '../route.ts';

const text = z.string();

/** Takes a share out of a ladder: offers that rest shrink by it, and it is taken of what fills brought. */
export const clmmRemove = defineRoute({
  method: 'post',
  path: '/trading/clmm/remove',
  summary: 'Takes a share out of a ladder of offers',
  body: z.strictObject({
    ...onPosition,
    percentageToRemove: decimal,
    slippagePct: decimal.optional(),
  }),
  result: changed({ baseTokenAmountRemoved: text, quoteTokenAmountRemoved: text }),
  async handle({ body }, context, signal, caller) {
    positionAt(body.positionAddress, context);
    const share = readShare(body.percentageToRemove);
    caller.note({ position: body.positionAddress });
    const { hash, fee, base, quote } = await context.orders.removeFromPosition(
      body.positionAddress,
      share,
      signal,
    );
    const [baseTokenAmountRemoved, quoteTokenAmountRemoved] = formatPair([base, quote]);
    caller.note({ hash, amount: `${baseTokenAmountRemoved} + ${quoteTokenAmountRemoved}` });
    return {
      ...{ signature: hash, status: 1 },
      data: { fee: formatFee(fee), baseTokenAmountRemoved, quoteTokenAmountRemoved },
    };
  },
});
