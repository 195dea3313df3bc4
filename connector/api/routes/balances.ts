import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import type { Context } from '../../gateway/context.ts';
import { explainBalances } from '../balances.ts';
import { text } from '../fields.ts';
import { defineApi } from '../route.ts';

const balancesSchema = z.strictObject({
  balances: z.array(
    z.strictObject({
      ...{ symbol: text, asset: text, total: text, available: text, locked: text, reserved: text },
      /** How much more can be received; null without a limit. */
      room: text.nullable(),
      authorized: z.boolean(),
      /** What `locked` and `reserved` are made of. */
      because: z.array(z.strictObject({ what: text, amount: text })),
    }),
  ),
  pools: z.array(z.strictObject({ poolId: text, shares: text })),
});

/** @throws those of `Ledger.account`, `not-found` */
export async function readBalances(
  { ledger, file, tokens }: Context,
  signal: AbortSignal,
): Promise<z.infer<typeof balancesSchema>> {
  const [state, { baseReserve }] = await Promise.all([
    ledger.account(file.account, signal),
    ledger.head(signal),
  ]);
  if (state === undefined) throw connectorError('not-found', `the ledger has no account ${file.account}`);
  return explainBalances(state, baseReserve, file.trading.nativeBuffer, tokens);
}

/** Balances of the account: total, what offers lock, what the reserve takes and why, what is left. */
export const balances = defineApi({
  method: 'get',
  path: '/v1/balances',
  summary: 'Balances: total, available, locked, reserved',
  result: balancesSchema,
  handle: (_input, context, signal) => readBalances(context, signal),
});
