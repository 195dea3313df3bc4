import * as z from 'zod';
import { limit, marketName, readMarket } from '../fields.ts';
import { defineApi } from '../route.ts';
import { showTrade, tradeSchema } from '../view.ts';

/** The latest trades of a market by anybody, newest first. */
export const trades = defineApi({
  method: 'get',
  path: '/v1/trades',
  summary: 'The latest trades of a market',
  query: z.strictObject({ market: marketName, limit: limit(200, 50) }),
  result: z.strictObject({ trades: z.array(tradeSchema) }),
  handle: ({ query }, context) => ({
    trades: context.market
      .trades(readMarket(query.market, context))
      .toSorted((a, b) => b.at - a.at)
      .slice(0, query.limit)
      .map(showTrade),
  }),
});
