import * as z from 'zod';
import { ammFields } from '../amm.ts';
import { positionSchema, showPosition } from '../amm-position.ts';
import { walletAddress } from '../fields.ts';
import { defineRoute } from '../route.ts';

/** What the account has of a pool; zeros when that is nothing, as Gateway answers for its own pools. */
export const ammPositionInfo = defineRoute({
  method: 'get',
  path: '/trading/amm/position-info',
  summary: 'What the account has of a liquidity pool',
  query: z.strictObject({ ...ammFields, walletAddress }),
  result: positionSchema,
  async handle({ query }, context, signal) {
    const [held] = await context.pools.holdings(query.poolAddress, signal);
    const none = async () => ({ pool: await context.pools.pool(query.poolAddress, signal), shares: 0n });
    return showPosition(held ?? (await none()), context);
  },
});
