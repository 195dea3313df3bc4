import * as z from 'zod';
import { clmmFields, poolAddress, positionSchema, showPosition } from '../clmm.ts';
import { walletAddress } from '../fields.ts';
import { marketAddress } from '../lists/pools.ts';
import { defineRoute } from '../route.ts';

/** Open ladders; the client finds by them what it opened when it never got the answer. */
export const clmmPositionsOwned = defineRoute({
  method: 'get',
  path: '/trading/clmm/positions-owned',
  summary: 'Open ladders of offers',
  query: z.strictObject({ ...clmmFields, poolAddress: poolAddress.optional(), walletAddress }),
  result: z.array(positionSchema),
  handle({ query }, context) {
    return context.orders
      .positions()
      .filter(({ market }) => query.poolAddress === undefined || marketAddress(market) === query.poolAddress)
      .map((position) => showPosition(position, context));
  },
});
