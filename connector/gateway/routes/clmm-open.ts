import * as z from 'zod';
import { formatAmount, formatFee } from '../../market/amount.ts';
import { formatPrice } from '../../market/quote.ts';
import {
  clmmFields,
  DEFAULT_LEVELS,
  marketAt,
  parseOptional,
  parsePrice,
  ranged,
  reserveOf,
} from '../clmm.ts';
import { changed, walletAddress } from '../fields.ts';
import { defineRoute } from '../route.ts';

const text = z.string();

/** Opens a ladder: base above the middle, quote below it. Held until a ledger has all of it. */
export const clmmOpen = defineRoute({
  method: 'post',
  path: '/trading/clmm/open',
  summary: 'Places a ladder of offers',
  body: z.strictObject({ ...clmmFields, ...ranged, walletAddress }),
  result: changed({
    ...{ positionAddress: text, positionRent: text, baseTokenAmountAdded: text, quoteTokenAmountAdded: text },
  }),
  async handle({ body }, context, signal, caller) {
    const request = {
      market: marketAt(body.poolAddress, context),
      lower: parsePrice(body.lowerPrice, 'lowerPrice'),
      upper: parsePrice(body.upperPrice, 'upperPrice'),
      base: parseOptional(body.baseTokenAmount, 'baseTokenAmount'),
      quote: parseOptional(body.quoteTokenAmount, 'quoteTokenAmount'),
      levels: body.levels ?? DEFAULT_LEVELS,
      client: caller.client,
    };
    caller.note({
      pool: body.poolAddress,
      price: `${formatPrice(request.lower)} to ${formatPrice(request.upper)}`,
      amount: `${formatAmount(request.base)} + ${formatAmount(request.quote)}`,
    });
    const change = await context.orders.openPosition(request, signal);
    caller.note({ hash: change.hash, position: change.position.address });
    return {
      signature: change.hash,
      status: 1,
      data: {
        fee: formatFee(change.fee),
        positionAddress: change.position.address,
        positionRent: formatFee(await reserveOf(change, context, signal)),
        baseTokenAmountAdded: formatAmount(change.base),
        quoteTokenAmountAdded: formatAmount(change.quote),
      },
    };
  },
});
