import * as z from 'zod';
import { clmmFields, positionAddress, positionAt, positionSchema, showPosition } from '../clmm.ts';
import { walletAddress } from '../fields.ts';
import { defineRoute } from '../route.ts';

/** What is in a ladder: what rests of it and what its fills brought. */
export const clmmPositionInfo = defineRoute({
  method: 'get',
  path: '/trading/clmm/position-info',
  summary: 'A ladder of offers as a position',
  query: z.strictObject({ ...clmmFields, positionAddress, walletAddress: walletAddress.optional() }),
  result: positionSchema,
  handle({ query }, context) {
    return showPosition(positionAt(query.positionAddress, context), context);
  },
});
