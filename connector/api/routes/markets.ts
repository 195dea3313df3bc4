import * as z from 'zod';
import { poolIdentity } from '../../market/pool-id.ts';
import { nameMarket, text } from '../fields.ts';
import { defineApi } from '../route.ts';

/** The listed markets, and whether their books can be traded on. */
export const markets = defineApi({
  method: 'get',
  path: '/v1/markets',
  summary: 'The listed markets',
  result: z.strictObject({
    markets: z.array(
      z.strictObject({ market: text, base: text, quote: text, poolId: text, fresh: z.boolean() }),
    ),
  }),
  handle: (_input, { market, tokens }) => ({
    markets: market.markets.map((one) => ({
      ...{ market: nameMarket(one, tokens), base: one.base, quote: one.quote },
      poolId: poolIdentity(one.base, one.quote).id,
      fresh: market.book(one)?.fresh ?? false,
    })),
  }),
});
