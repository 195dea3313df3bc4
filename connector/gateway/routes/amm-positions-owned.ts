import * as z from 'zod';
import { ammFields } from '../amm.ts';
import { positionSchema, showPosition } from '../amm-position.ts';
import { walletAddress } from '../fields.ts';
import { defineRoute } from '../route.ts';

/** Every pool that the account has shares of. */
export const ammPositionsOwned = defineRoute({
  method: 'get',
  path: '/trading/amm/positions-owned',
  summary: 'Liquidity pools that the account has shares of',
  query: z.strictObject({ ...ammFields, poolAddress: ammFields.poolAddress.optional(), walletAddress }),
  result: z.array(positionSchema),
  async handle({ query }, context, signal) {
    const holdings = await context.pools.holdings(query.poolAddress, signal);
    return holdings.filter(({ shares }) => shares > 0n).map((holding) => showPosition(holding, context));
  },
});
