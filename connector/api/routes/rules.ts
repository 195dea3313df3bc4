import * as z from 'zod';
import { POOL_FEE_BPS } from '../../market/pool-id.ts';
import { nameMarket, text } from '../fields.ts';
import { defineApi } from '../route.ts';

/** Orders of one request at most. */
export const MAX_BATCH = 100;

/** What the ledger and this connector take as an order. */
export const rules = defineApi({
  method: 'get',
  path: '/v1/rules',
  summary: 'What is taken as an order',
  result: z.strictObject({
    rules: z.array(
      z.strictObject({
        market: text,
        amount: z.strictObject({ decimals: z.literal(7), minimum: text, increment: text }),
        /** A fraction of two whole numbers of 1 to `maximum`: there is no fixed tick. */
        price: z.strictObject({ form: z.literal('fraction'), maximum: z.int(), decimals: z.int() }),
        collarPct: text,
        orderTypes: z.array(text),
        maxBatch: z.int(),
        /** Percent of the traded amount. */
        fees: z.strictObject({ maker: text, taker: text, pool: text }),
      }),
    ),
  }),
  handle: (_input, { market, tokens, file }) => ({
    rules: market.markets.map((one) => ({
      market: nameMarket(one, tokens),
      amount: { decimals: 7, minimum: '0.0000001', increment: '0.0000001' },
      price: { form: 'fraction', maximum: 2_147_483_647, decimals: 16 },
      collarPct: String(file.trading.collarPct),
      orderTypes: ['limit', 'maker-only', 'market'],
      maxBatch: MAX_BATCH,
      fees: { maker: '0', taker: '0', pool: String(POOL_FEE_BPS / 100) },
    })),
  }),
});
