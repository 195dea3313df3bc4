import * as z from 'zod';
import { limit, marketName, optionalMarket, text } from '../fields.ts';
import { defineApi } from '../route.ts';
import { fillSchema, showFill } from '../view.ts';

/** Our fills, newest first, also of swaps and of offers crossed while we were away. `next` is the `before` of the next page. */
export const fills = defineApi({
  method: 'get',
  path: '/v1/fills',
  summary: 'Fills of this account',
  query: z.strictObject({
    market: marketName.optional(),
    before: z
      .string()
      .regex(/^\d{1,20}(-\d{1,6})?$/, 'must be the id of a fill')
      .optional(),
    limit: limit(500, 100),
  }),
  result: z.strictObject({ fills: z.array(fillSchema), next: text.nullable() }),
  handle({ query }, context) {
    const market = optionalMarket(query.market, context);
    const found = context.market.fills({ market, before: query.before, limit: query.limit });
    return {
      fills: found.map((fill) => showFill(fill, context.tokens)),
      next: found.length < query.limit ? null : found.at(-1)!.id,
    };
  },
});
