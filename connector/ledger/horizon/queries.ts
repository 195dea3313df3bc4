import { type AssetId, horizonAssetQuery } from '../../market/asset.ts';
import type { LedgerTrade } from '../types.ts';

export type Query = Record<string, string>;

/** An account's trades, or those of a pair with prices seen from its base. */
export type TradesOf = { account: string } | { base: AssetId; quote: AssetId };

export const isTradeOf = (trade: LedgerTrade, of: TradesOf): boolean =>
  'account' in of
    ? trade.baseAccount === of.account || trade.quoteAccount === of.account
    : trade.baseAsset === of.base && trade.quoteAsset === of.quote;

export const tradesOf = (of: TradesOf): { path: string; query: Query } =>
  'account' in of
    ? { path: `/accounts/${of.account}/trades`, query: {} }
    : { path: '/trades', query: tradesQuery(of.base, of.quote) };

export const tradesQuery = (base: AssetId, quote: AssetId): Query => ({
  ...horizonAssetQuery('base', base),
  ...horizonAssetQuery('counter', quote),
});

export const bookQuery = (base: AssetId, quote: AssetId): Query => ({
  ...horizonAssetQuery('selling', base),
  ...horizonAssetQuery('buying', quote),
});

/** Comes before every trade. */
export const NO_TRADE = '0-0';

/** A trade's paging token; a plain number is one of the operation's, before its first trade. */
export const tradeCursor = (cursor: string): string => (cursor.includes('-') ? cursor : `${cursor}-0`);

/** The ledger of a paging token (SEP-35). */
export const ledgerOfToken = (token: string): bigint => BigInt(token.split('-')[0] ?? '') >> 32n;

/** Orders paging tokens: numbers, or numbers with a second one behind a hyphen. */
export function compareTokens(a: string, b: string): number {
  const [x = '', xn = '0'] = a.split('-');
  const [y = '', yn = '0'] = b.split('-');
  const difference = BigInt(x) - BigInt(y) || BigInt(xn) - BigInt(yn);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
