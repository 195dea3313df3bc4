import * as z from 'zod';
import { formatFee } from '../../market/amount.ts';
import { formatPrice } from '../../market/quote.ts';
import { formatPair } from '../amm.ts';
import { clmmFields, marketAt, ranged, readRange, reserveOf } from '../clmm.ts';
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
      ...readRange(body),
      client: caller.client,
    };
    caller.note({
      pool: body.poolAddress,
      price: `${formatPrice(request.lower)} to ${formatPrice(request.upper)}`,
      amount: formatPair([request.base, request.quote]).join(' + '),
    });
    const change = await context.orders.openPosition(request, signal);
    caller.note({ hash: change.hash, position: change.position.address });
    const [baseTokenAmountAdded, quoteTokenAmountAdded] = formatPair([change.base, change.quote]);
    return {
      signature: change.hash,
      status: 1,
      data: {
        fee: formatFee(change.fee),
        positionAddress: change.position.address,
        positionRent: formatFee(await reserveOf(change, context, signal)),
        ...{ baseTokenAmountAdded, quoteTokenAmountAdded },
      },
    };
  },
});
