import { type Asset, type AssetJson, assetFromJson } from '../ledger/asset.ts';
import { poolIdFromJson } from '../ledger/pool.ts';
import type { AppliedOperation } from './history.ts';

/** What an operation took of one offer or pool: sold by its owner, bought by its owner. */
export interface Claim {
  /** Place among all that the operation touched. */
  index: number;
  sold: Asset;
  amountSold: bigint;
  bought: Asset;
  amountBought: bigint;
  /** One of both. */
  offer?: { seller: string; id: bigint };
  pool?: string;
}

interface AtomJson {
  seller_id?: string;
  offer_id?: string;
  liquidity_pool_id?: string;
  asset_sold: AssetJson;
  amount_sold: string;
  asset_bought: AssetJson;
  amount_bought: string;
}

interface TradedJson {
  offers?: Record<string, AtomJson>[];
  offers_claimed?: Record<string, AtomJson>[];
  offer?: string | Record<string, { offer_id: string }>;
}

const tradedOf = ({ success }: AppliedOperation): TradedJson =>
  typeof success === 'object' && success !== null ? success : {};

/** The trades of an operation; without the offers that core only took off the book. */
export function claimsOf(of: AppliedOperation): Claim[] {
  const { offers, offers_claimed } = tradedOf(of);
  const claims = (offers ?? offers_claimed ?? []).map((one, index): Claim => {
    const atom = Object.values(one)[0]!;
    return {
      index,
      sold: assetFromJson(atom.asset_sold),
      amountSold: BigInt(atom.amount_sold),
      bought: assetFromJson(atom.asset_bought),
      amountBought: BigInt(atom.amount_bought),
      ...(atom.seller_id !== undefined && {
        offer: { seller: atom.seller_id, id: BigInt(atom.offer_id ?? 0) },
      }),
      ...(atom.liquidity_pool_id !== undefined && { pool: poolIdFromJson(atom.liquidity_pool_id) }),
    };
  });
  return claims.filter(({ amountSold, amountBought }) => amountSold !== 0n || amountBought !== 0n);
}

/** The offer that an operation left on the book, if it did. */
export function offerLeft(of: AppliedOperation): bigint | undefined {
  const { offer } = tradedOf(of);
  return typeof offer === 'object' ? BigInt(Object.values(offer)[0]!.offer_id) : undefined;
}
