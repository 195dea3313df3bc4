import * as z from 'zod';
import { formatFee } from '../../market/amount.ts';
import { parseSlippage } from '../../market/quote.ts';
import { ammFields, amounts, formatPair, readOffer, viewPool } from '../amm.ts';
import { POOLS_CONNECTOR } from '../context.ts';
import { changed, walletAddress } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { slippagePctOf } from '../swap-request.ts';

/** Deposits, and makes the line of the pool's shares when it is missing. Held until a ledger has it. */
export const ammAdd = defineRoute({
  method: 'post',
  path: '/trading/amm/add',
  summary: 'Deposits into a liquidity pool',
  body: z.strictObject({
    ...ammFields,
    ...amounts,
    walletAddress,
    /** The contract has it; a pool has one position of an account. */
    positionAddress: z.string().max(80).optional(),
  }),
  result: changed({
    poolAddress: z.string(),
    baseTokenAmountAdded: z.string(),
    quoteTokenAmountAdded: z.string(),
  }),
  async handle({ body }, context, signal, caller) {
    const offer = readOffer(body);
    const slippage = parseSlippage(slippagePctOf(body, context, POOLS_CONNECTOR));
    const pool = await context.pools.pool(body.poolAddress, signal);
    caller.note({ pool: pool.id, amount: formatPair(offer).join(' + ') });
    const view = viewPool(pool, context);
    const done = await context.pools.deposit(pool.id, view.turn(offer), slippage, caller.requestId, signal);
    caller.note({ hash: done.hash });
    const [baseTokenAmountAdded, quoteTokenAmountAdded] = formatPair(view.turn(done.amounts));
    return {
      signature: done.hash,
      status: 1,
      data: {
        ...{ fee: formatFee(done.fee), poolAddress: pool.id },
        ...{ baseTokenAmountAdded, quoteTokenAmountAdded },
      },
    };
  },
});
