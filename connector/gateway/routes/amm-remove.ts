import * as z from 'zod';
import { formatFee } from '../../market/amount.ts';
import { parseSlippage } from '../../market/quote.ts';
import { ammFields, formatPair, viewPool } from '../amm.ts';
import { decimal, POOLS_CONNECTOR } from '../context.ts';
import { changed, readShare, walletAddress } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { slippagePctOf } from '../swap-request.ts';

/** Withdraws; 100 percent takes the line of the pool's shares away too. Held until a ledger has it. */
export const ammRemove = defineRoute({
  method: 'post',
  path: '/trading/amm/remove',
  summary: 'Withdraws from a liquidity pool',
  body: z.strictObject({
    ...ammFields,
    walletAddress,
    percentageToRemove: decimal,
    slippagePct: decimal.optional(),
  }),
  result: changed({
    baseTokenAmountRemoved: z.string(),
    quoteTokenAmountRemoved: z.string(),
  }),
  async handle({ body }, context, signal, caller) {
    const share = readShare(body.percentageToRemove);
    const slippage = parseSlippage(slippagePctOf(body, context, POOLS_CONNECTOR));
    const pool = await context.pools.pool(body.poolAddress, signal);
    caller.note({ pool: pool.id, amount: `${body.percentageToRemove} %` });
    const done = await context.pools.withdraw(pool.id, share, slippage, caller.requestId, signal);
    caller.note({ hash: done.hash });
    const [baseTokenAmountRemoved, quoteTokenAmountRemoved] = formatPair(
      viewPool(pool, context).turn(done.amounts),
    );
    return {
      signature: done.hash,
      status: 1,
      data: { fee: formatFee(done.fee), baseTokenAmountRemoved, quoteTokenAmountRemoved },
    };
  },
});
