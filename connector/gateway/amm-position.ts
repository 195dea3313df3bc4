import * as z from 'zod';
import { formatAmount } from '../market/amount.ts';
import { sizeWithdrawal } from '../orders/pool-shares.ts';
import type { Holding } from '../orders/pools.ts';
import { formatPair, poolPrice, viewPool } from './amm.ts';
import type { Context } from './context.ts';

export const positionSchema = z.strictObject({
  poolAddress: z.string(),
  walletAddress: z.string(),
  baseTokenAddress: z.string(),
  quoteTokenAddress: z.string(),
  lpTokenAmount: z.string(),
  baseTokenAmount: z.string(),
  quoteTokenAmount: z.string(),
  price: z.string(),
});

/** The amounts are what a withdrawal of all shares would give now. */
export function showPosition({ pool, shares }: Holding, context: Context): z.infer<typeof positionSchema> {
  const view = viewPool(pool, context);
  const [baseTokenAmount, quoteTokenAmount] = formatPair(view.turn(sizeWithdrawal(pool, shares)));
  return {
    ...{ poolAddress: pool.id, walletAddress: context.file.account },
    ...{ baseTokenAddress: view.base, quoteTokenAddress: view.quote },
    ...{ lpTokenAmount: formatAmount(shares), baseTokenAmount, quoteTokenAmount },
    price: poolPrice(pool, view),
  };
}
