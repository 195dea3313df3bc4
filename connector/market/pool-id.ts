import { createHash } from 'node:crypto';
import * as xdr from '@stellar/stellar-sdk/xdr';
import { type AssetId, toXdrAsset } from './asset.ts';

/** Basis points that a trade leaves in the pool; the protocol knows no other (LIQUIDITY_POOL_FEE_V18). */
export const POOL_FEE_BPS = 30;

export interface PoolIdentity {
  /** Lower-case hex. */
  id: string;
  /** In the ledger's order. */
  assets: readonly [AssetId, AssetId];
}

/**
 * The order of assets in a pool (CAP-0038) is that of their XDR: type, code, raw key of the issuer. The SDK's
 * `getLiquidityPoolId` wants the order of the issuers' text, where digits come before letters: another pool's id.
 */
function inOrder(one: AssetId, other: AssetId): [AssetId, AssetId] {
  const bytes = (asset: AssetId): Buffer => Buffer.from(toXdrAsset(asset).toXdr());
  return Buffer.compare(bytes(one), bytes(other)) < 0 ? [one, other] : [other, one];
}

/** What names the pool of two assets, given in the ledger's order. */
export const poolParameters = ([a, b]: readonly [AssetId, AssetId]): xdr.LiquidityPoolParameters =>
  xdr.LiquidityPoolParameters.liquidityPoolConstantProduct(
    new xdr.LiquidityPoolConstantProductParameters({
      assetA: toXdrAsset(a),
      assetB: toXdrAsset(b),
      fee: POOL_FEE_BPS,
    }),
  );

/** The pool of two different assets, in either order, whether a ledger has it or not. */
export function poolIdentity(one: AssetId, other: AssetId): PoolIdentity {
  const assets = inOrder(one, other);
  return { id: createHash('sha256').update(poolParameters(assets).toXdr()).digest('hex'), assets };
}
