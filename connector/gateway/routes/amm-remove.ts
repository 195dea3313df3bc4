import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import { formatFee } from '../../market/amount.ts';
import { parseSlippage } from '../../market/quote.ts';
import { ammFields, ammSlippagePct, formatPair, requireAmm, viewPool, walletAddress } from '../amm.ts';
import { decimal } from '../context.ts';
import { defineRoute } from '../route.ts';

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
  result: z.strictObject({
    signature: z.string(),
    status: z.literal(1),
    data: z.strictObject({
      fee: z.string(),
      baseTokenAmountRemoved: z.string(),
      quoteTokenAmountRemoved: z.string(),
    }),
  }),
  async handle({ body }, context, signal, caller) {
    requireAmm(body, context);
    const share = parseSlippage(body.percentageToRemove, 'percentageToRemove');
    if (share.numerator === 0n) {
      throw connectorError('invalid-params', 'percentageToRemove must be above 0', {
        field: 'percentageToRemove',
      });
    }
    const slippage = parseSlippage(ammSlippagePct(body, context));
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
