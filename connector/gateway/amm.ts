import * as z from 'zod';
import type { PoolEntry } from '../ledger/types.ts';
import { formatAmount, formatRatio, parseAmount } from '../market/amount.ts';
import type { AssetId } from '../market/asset.ts';
import { type Context, decimal } from './context.ts';
import { chainNetwork, poolsConnector } from './fields.ts';

/** Fields that the routes of pools share. */
export const ammFields = {
  connector: poolsConnector,
  chainNetwork,
  poolAddress: z.string().regex(/^[0-9a-f]{64}$/, 'must be the id of a pool, 64 lower-case hex digits'),
};
export const amounts = {
  baseTokenAmount: decimal,
  quoteTokenAmount: decimal,
  slippagePct: decimal.optional(),
};

/** What is offered to a pool, base and quote in stroops. @throws `invalid-params` */
export const readOffer = (fields: z.infer<z.ZodObject<typeof amounts>>): readonly [bigint, bigint] => [
  parseAmount(fields.baseTokenAmount, 'baseTokenAmount'),
  parseAmount(fields.quoteTokenAmount, 'quoteTokenAmount'),
];

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
