import * as z from 'zod';
import { formatAmount, formatFee } from '../../market/amount.ts';
import { onPosition, positionAt } from '../clmm.ts';
import { changed } from '../fields.ts';
import { defineRoute } from '../route.ts';

const text = z.string();

/**
 * Nothing is sent: a maker on the order book earns no fees, and what its fills brought is in the account already and
 * counted in the position's amounts. Reporting it here too would count it twice. The signature is that of the last
 * transaction of the position.
 */
export const clmmCollectFees = defineRoute({
  method: 'post',
  path: '/trading/clmm/collect-fees',
  summary: 'Fees of a ladder of offers: there are none',
  body: z.strictObject(onPosition),
  result: changed({ baseFeeAmountCollected: text, quoteFeeAmountCollected: text }),
  handle({ body }, context, _signal, caller) {
    const { hash = '' } = positionAt(body.positionAddress, context);
    caller.note({ position: body.positionAddress });
    const none = formatAmount(0n);
    return {
      ...{ signature: hash, status: 1 },
      data: { fee: formatFee(0n), baseFeeAmountCollected: none, quoteFeeAmountCollected: none },
    };
  },
});
