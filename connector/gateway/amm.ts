import * as z from 'zod';
import { connectorError } from '../errors.ts';
import type { PoolEntry } from '../ledger/types.ts';
import { formatAmount, formatRatio } from '../market/amount.ts';
import type { AssetId } from '../market/asset.ts';
import { type Context, decimal, POOLS_CONNECTOR, requireAccount, requireChainNetwork } from './context.ts';
import { chainNetwork } from './fields.ts';

/** Fields that the routes of pools share. */
export const ammFields = {
  connector: z.string().max(64),
  chainNetwork,
  poolAddress: z.string().regex(/^[0-9a-f]{64}$/, 'must be the id of a pool, 64 lower-case hex digits'),
};
export const walletAddress = z.string().max(80);
export const amounts = {
  baseTokenAmount: decimal,
  quoteTokenAmount: decimal,
  slippagePct: decimal.optional(),
};

/** @throws `invalid-params` for another connector, network or account than ours */
export function requireAmm(
  fields: { connector?: string | undefined; chainNetwork: string; walletAddress?: string | undefined },
  context: Context,
): void {
  requireChainNetwork(fields.chainNetwork, context);
  requireAccount(fields.walletAddress, context, 'walletAddress');
  if (fields.connector === undefined || fields.connector === POOLS_CONNECTOR) return;
  throw connectorError('invalid-params', `connector: pools are ${POOLS_CONNECTOR}`, { field: 'connector' });
}

/** Percent as asked, else as clients prefer. */
export const ammSlippagePct = (
  { slippagePct }: { slippagePct?: string | number | undefined },
  { preferences }: Context,
): string => String(slippagePct ?? preferences.get(POOLS_CONNECTOR, 'slippagePct'));

/** A pool seen as a market: base and quote as the listed market of its assets has them, else in the ledger's order. */
export interface PoolView {
  base: AssetId;
  quote: AssetId;
  /** A pair in the pool's order as base and quote, or base and quote in the pool's order: the same swap. */
  turn<T>(pair: readonly [T, T]): readonly [T, T];
}

export function viewPool({ assets: [a, b] }: PoolEntry, { file }: Pick<Context, 'file'>): PoolView {
  const turned = file.markets.some(({ base, quote }) => base === b && quote === a);
  return turned
    ? { base: b, quote: a, turn: ([x, y]) => [y, x] }
    : { base: a, quote: b, turn: (pair) => pair };
}

export const formatPair = (pair: readonly [bigint, bigint]): [base: string, quote: string] => [
  formatAmount(pair[0]),
  formatAmount(pair[1]),
];

/** Quote per base; `0` of an empty pool. */
export const poolPrice = (pool: PoolEntry, view: PoolView): string => {
  const [base, quote] = view.turn(pool.reserves);
  return base === 0n ? '0' : formatRatio(quote, base);
};
