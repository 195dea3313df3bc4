import * as z from 'zod';
import { formatAmount } from '../../market/amount.ts';
import { resolveAsset } from '../../market/asset.ts';
import { spendable } from '../../market/balance.ts';
import { CHAIN, requireAccount } from '../context.ts';
import { defineRoute } from '../route.ts';

/**
 * Spendable balances by the names that were asked, all that the account holds when none were. The client takes them
 * for total and available alike.
 */
export const chainBalances = defineRoute({
  method: 'post',
  path: `/chains/${CHAIN}/balances`,
  kind: 'read',
  summary: 'Spendable balances',
  body: z.strictObject({
    network: z.string().optional(),
    address: z.string().optional(),
    tokens: z.array(z.string().max(80)).max(200).default([]),
    fetchAll: z.boolean().optional(),
  }),
  result: z.strictObject({ balances: z.record(z.string(), z.string()) }),
  handle: async ({ body }, context, signal) => {
    requireAccount(body.address, context, 'address');
    const asked = body.tokens.map((name) => [name, resolveAsset(name, context.tokens, 'tokens')] as const);
    const { account, trading } = context.file;
    const [state, head] = await Promise.all([
      context.ledger.account(account, signal),
      context.ledger.head(signal),
    ]);
    const free = new Map(state && spendable(state, head.baseReserve, trading.nativeBuffer));
    const symbolOf = (asset: string): string =>
      context.tokens.find(({ address }) => address === asset)?.symbol ?? asset;
    const shown =
      asked.length > 0 ? asked : [...free.keys()].map((asset) => [symbolOf(asset), asset] as const);
    return {
      balances: Object.fromEntries(shown.map(([name, asset]) => [name, formatAmount(free.get(asset) ?? 0n)])),
    };
  },
});
