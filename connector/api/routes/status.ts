import * as z from 'zod';
import type { Context } from '../../gateway/context.ts';
import { nameMarket, text } from '../fields.ts';
import { defineApi } from '../route.ts';

export const statusSchema = z.strictObject({
  /** Of the connector's clock: what time bounds are reckoned by. */
  time: z.int(),
  network: text,
  account: text,
  ledger: z.strictObject({ sequence: z.int(), closedAt: z.int() }),
  markets: z.array(z.strictObject({ market: text, fresh: z.boolean(), ledger: z.int().nullable() })),
  transactions: z.strictObject({ waiting: z.int(), inFlight: z.int(), channels: z.int() }),
  endpoints: z.array(z.strictObject({ url: text, state: text, reason: text.nullable() })),
  /** Seconds without a request of any client after which all offers are cancelled; 0: never. */
  deadManSeconds: z.int(),
});

/** @throws those of `Ledger.head` */
export async function readStatus(
  context: Context,
  signal: AbortSignal,
): Promise<z.infer<typeof statusSchema>> {
  const { ledger, market, engine, tokens, network, file, now } = context;
  const { sequence, closedAt } = await ledger.head(signal);
  return {
    ...{ time: now(), network, account: file.account, ledger: { sequence, closedAt } },
    markets: market.markets.map((one) => {
      const book = market.book(one);
      return { market: nameMarket(one, tokens), fresh: book?.fresh ?? false, ledger: book?.ledger ?? null };
    }),
    transactions: engine.load(),
    endpoints: ledger.endpoints().map(({ url, state, reason }) => ({ url, state, reason: reason ?? null })),
    deadManSeconds: file.trading.deadManSeconds,
  };
}

/** How things stand. Asking it is a heartbeat, as every request is. */
export const status = defineApi({
  method: 'get',
  path: '/v1/status',
  summary: 'How things stand; a heartbeat',
  result: statusSchema,
  handle: (_input, context, signal) => readStatus(context, signal),
});
