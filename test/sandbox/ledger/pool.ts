import { createHash } from 'node:crypto';
import { StrKey, xdr } from '@stellar/stellar-sdk/base';
import { type Asset, assetToJson, credit } from './asset.ts';
import type { Pool, PoolShare } from './entries.ts';
import { divideUp, INT64_MAX } from './exchange.ts';
import type { LedgerState } from './state.ts';

/** Basis points that a trade leaves in the pool: LIQUIDITY_POOL_FEE_V18, the only one that the protocol knows. */
export const POOL_FEE = 30n;
const MAX_BPS = 10_000n;

/** Order of assets in a pool: by type, then code, then issuer's key (CAP-0038). */
export function compareAssets(a: Asset, b: Asset): number {
  return Buffer.compare(sortBytes(a), sortBytes(b));
}

const sortBytes = (asset: Asset): Buffer => Buffer.from(xdr.Asset.fromJson(assetToJson(asset)).toXdr());

const ids = new Map<string, string>();

/** Hex id of the pool of two assets, in either order: the hash of its LiquidityPoolParameters. */
export function poolId(x: Asset, y: Asset): string {
  const known = ids.get(`${x} ${y}`);
  if (known !== undefined) return known;
  const [a, b] = compareAssets(x, y) < 0 ? [x, y] : [y, x];
  const parameters = xdr.LiquidityPoolParameters.fromJson({
    liquidity_pool_constant_product: {
      asset_a: assetToJson(a),
      asset_b: assetToJson(b),
      fee: Number(POOL_FEE),
    },
  });
  const id = createHash('sha256').update(parameters.toXdr()).digest('hex');
  ids.set(`${x} ${y}`, id);
  return id;
}

/** Pool ids in SEP-51 JSON are strkeys (L…). */
export const poolIdToJson = (id: string): string => StrKey.encodeLiquidityPool(Buffer.from(id, 'hex'));
export const poolIdFromJson = (json: string): string =>
  Buffer.from(StrKey.decodeLiquidityPool(json)).toString('hex');

export const poolShare = (id: string): PoolShare => `pool:${id}`;

/** Whether an asset of a pool has a trust line that counts its pool share lines. */
export const hasLine = (owner: string, asset: Asset): boolean => {
  const parts = credit(asset);
  return parts !== undefined && parts.issuer !== owner;
};

export interface PoolTrade {
  /** Stroops into the pool and out of it. */
  sent: bigint;
  received: bigint;
}

/** What exactly `sent` brings; undefined where it is nothing or the pool cannot take it (CAP-0038). */
export function poolStrictSend(reserveIn: bigint, reserveOut: bigint, sent: bigint): PoolTrade | undefined {
  if (sent > INT64_MAX - reserveIn) return undefined;
  const kept = MAX_BPS - POOL_FEE;
  const received = (kept * reserveOut * sent) / (MAX_BPS * reserveIn + kept * sent);
  return received > 0n ? { sent, received } : undefined;
}

/** What exactly `received` costs; undefined where the pool has no more or cannot take the price. */
export function poolStrictReceive(
  reserveIn: bigint,
  reserveOut: bigint,
  received: bigint,
): PoolTrade | undefined {
  if (received >= reserveOut) return undefined;
  const sent = divideUp(MAX_BPS * reserveIn * received, (reserveOut - received) * (MAX_BPS - POOL_FEE));
  return sent <= INT64_MAX - reserveIn ? { sent, received } : undefined;
}

/** The pool of two assets and what it would trade; undefined without a pool, or where it cannot. */
export function quotePool(
  state: LedgerState,
  send: Asset,
  receive: Asset,
  rounding: 'strict_send' | 'strict_receive',
  amount: bigint,
): { pool: Pool; trade: PoolTrade } | undefined {
  const pool = state.pool(poolId(send, receive));
  if (!pool || pool.reserveA <= 0n || pool.reserveB <= 0n) return undefined;
  const [reserveIn, reserveOut] =
    pool.assetA === send ? [pool.reserveA, pool.reserveB] : [pool.reserveB, pool.reserveA];
  const quote = rounding === 'strict_send' ? poolStrictSend : poolStrictReceive;
  const trade = quote(reserveIn, reserveOut, amount);
  return trade && { pool, trade };
}

/** Carries a quoted trade out on the pool's side. */
export function tradeWithPool(state: LedgerState, pool: Pool, send: Asset, trade: PoolTrade): void {
  const [a, b] = pool.assetA === send ? [trade.sent, -trade.received] : [-trade.received, trade.sent];
  state.put({ ...pool, reserveA: pool.reserveA + a, reserveB: pool.reserveB + b });
}
