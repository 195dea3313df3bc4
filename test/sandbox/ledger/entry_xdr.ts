import { xdr } from '@stellar/stellar-sdk/base';
import { type AssetJson, assetFromJson, assetToJson } from './asset.ts';
import {
  type Account,
  type Entry,
  isPoolShare,
  type Liabilities,
  type Offer,
  type Pool,
  type Trustline,
} from './entries.ts';
import type { Price } from './exchange.ts';
import { POOL_FEE, poolIdFromJson, poolIdToJson } from './pool.ts';

/** LedgerEntry and LedgerKey of Stellar-ledger-entries.x from and to the entries of this ledger, by SEP-51 JSON. */

interface LiabilitiesJson {
  buying: string;
  selling: string;
}

const hexByte = (value: number): string => value.toString(16).padStart(2, '0');
const liabilitiesToJson = ({ buying, selling }: Liabilities): LiabilitiesJson => ({
  buying: String(buying),
  selling: String(selling),
});
const liabilitiesFromJson = (json: LiabilitiesJson | undefined): Liabilities => ({
  buying: BigInt(json?.buying ?? 0),
  selling: BigInt(json?.selling ?? 0),
});

function accountToJson(account: Account): unknown {
  const { thresholds, signers, extension } = account;
  const v3 = { ext: 'v0', seq_ledger: account.sequenceLedger, seq_time: String(account.sequenceTime) };
  const v2 = {
    num_sponsored: account.sponsored,
    num_sponsoring: account.sponsoring,
    signer_sponsoring_i_ds: signers.map(({ sponsor }) => sponsor ?? null),
    ext: extension === 3 ? { v3 } : 'v0',
  };
  const v1 = { liabilities: liabilitiesToJson(account.liabilities), ext: extension >= 2 ? { v2 } : 'v0' };
  return {
    account_id: account.address,
    balance: String(account.balance),
    seq_num: String(account.sequence),
    num_sub_entries: account.subentries,
    inflation_dest: account.inflationDestination,
    flags: account.flags,
    home_domain: account.homeDomain,
    thresholds: [thresholds.master, thresholds.low, thresholds.medium, thresholds.high].map(hexByte).join(''),
    signers: signers.map(({ key, weight }) => ({ key, weight })),
    ext: extension === 0 ? 'v0' : { v1 },
  };
}

const lineAssetToJson = (asset: string): unknown =>
  isPoolShare(asset) ? { pool_share: poolIdToJson(asset.slice('pool:'.length)) } : assetToJson(asset);

function lineToJson(line: Trustline): unknown {
  const v2 = { liquidity_pool_use_count: line.poolUses, ext: 'v0' };
  const v1 = {
    liabilities: liabilitiesToJson(line.liabilities),
    ext: line.extension === 2 ? { v2 } : 'v0',
  };
  return {
    account_id: line.owner,
    asset: lineAssetToJson(line.asset),
    balance: String(line.balance),
    limit: String(line.limit),
    flags: line.flags,
    ext: line.extension === 0 ? 'v0' : { v1 },
  };
}

export const offerToJson = (offer: Offer) => ({
  seller_id: offer.seller,
  offer_id: String(offer.id),
  selling: assetToJson(offer.selling),
  buying: assetToJson(offer.buying),
  amount: String(offer.amount),
  price: { n: offer.price.n, d: offer.price.d },
  flags: offer.passive ? 1 : 0,
  ext: 'v0',
});

const poolToJson = (pool: Pool): unknown => ({
  liquidity_pool_id: poolIdToJson(pool.id),
  body: {
    liquidity_pool_constant_product: {
      params: {
        asset_a: assetToJson(pool.assetA),
        asset_b: assetToJson(pool.assetB),
        fee: Number(POOL_FEE),
      },
      reserve_a: String(pool.reserveA),
      reserve_b: String(pool.reserveB),
      total_pool_shares: String(pool.shares),
      pool_shares_trust_line_count: String(pool.lines),
    },
  },
});

export type OwnEntry = Exclude<Entry, { type: 'foreign' }>;

function dataToJson(entry: OwnEntry): Record<string, unknown> {
  switch (entry.type) {
    case 'account':
      return { account: accountToJson(entry) };
    case 'trustline':
      return { trustline: lineToJson(entry) };
    case 'offer':
      return { offer: offerToJson(entry) };
    case 'data':
      return {
        data: { account_id: entry.owner, data_name: entry.name, data_value: entry.value, ext: 'v0' },
      };
    case 'pool':
      return { liquidity_pool: poolToJson(entry) };
  }
}

export const entryToXdr = (entry: Entry): xdr.LedgerEntry =>
  entry.type === 'foreign'
    ? xdr.LedgerEntry.fromXdr(entry.xdr, 'base64')
    : xdr.LedgerEntry.fromJson({
        last_modified_ledger_seq: entry.modified,
        data: dataToJson(entry),
        ext: entry.sponsor === undefined ? 'v0' : { v1: { sponsoring_id: entry.sponsor, ext: 'v0' } },
      } as never);

function keyToJson(entry: OwnEntry): unknown {
  switch (entry.type) {
    case 'account':
      return { account: { account_id: entry.address } };
    case 'trustline':
      return { trustline: { account_id: entry.owner, asset: lineAssetToJson(entry.asset) } };
    case 'offer':
      return { offer: { seller_id: entry.seller, offer_id: String(entry.id) } };
    case 'data':
      return { data: { account_id: entry.owner, data_name: entry.name } };
    case 'pool':
      return { liquidity_pool: { liquidity_pool_id: poolIdToJson(entry.id) } };
  }
}

export const keyToXdr = (entry: OwnEntry): xdr.LedgerKey => xdr.LedgerKey.fromJson(keyToJson(entry) as never);

interface AccountJson {
  account_id: string;
  balance: string;
  seq_num: string;
  num_sub_entries: number;
  inflation_dest: string | null;
  flags: number;
  home_domain: string;
  thresholds: string;
  signers: { key: string; weight: number }[];
  ext: 'v0' | { v1: { liabilities: LiabilitiesJson; ext: 'v0' | { v2: AccountV2Json } } };
}

interface AccountV2Json {
  num_sponsored: number;
  num_sponsoring: number;
  signer_sponsoring_i_ds: (string | null)[];
  ext: 'v0' | { v3: { seq_ledger: number; seq_time: string } };
}

function accountFromJson(json: AccountJson, modified: number): Account {
  const v1 = json.ext === 'v0' ? undefined : json.ext.v1;
  const v2 = v1 === undefined || v1.ext === 'v0' ? undefined : v1.ext.v2;
  const v3 = v2 === undefined || v2.ext === 'v0' ? undefined : v2.ext.v3;
  const [master = 0, low = 0, medium = 0, high = 0] = Buffer.from(json.thresholds, 'hex');
  return {
    type: 'account',
    address: json.account_id,
    balance: BigInt(json.balance),
    sequence: BigInt(json.seq_num),
    subentries: json.num_sub_entries,
    inflationDestination: json.inflation_dest,
    flags: json.flags,
    homeDomain: json.home_domain,
    thresholds: { master, low, medium, high },
    signers: json.signers.map((signer, index) => {
      const sponsor = v2?.signer_sponsoring_i_ds[index] ?? null;
      return sponsor === null ? signer : { ...signer, sponsor };
    }),
    extension: v3 ? 3 : v2 ? 2 : v1 ? 1 : 0,
    sponsored: v2?.num_sponsored ?? 0,
    sponsoring: v2?.num_sponsoring ?? 0,
    liabilities: liabilitiesFromJson(v1?.liabilities),
    sequenceLedger: v3?.seq_ledger ?? 0,
    sequenceTime: BigInt(v3?.seq_time ?? 0),
    modified,
  };
}

interface TrustlineJson {
  account_id: string;
  asset: AssetJson | { pool_share: string };
  balance: string;
  limit: string;
  flags: number;
  ext:
    | 'v0'
    | { v1: { liabilities: LiabilitiesJson; ext: 'v0' | { v2: { liquidity_pool_use_count: number } } } };
}

function lineFromJson(json: TrustlineJson, modified: number): Trustline {
  const v1 = json.ext === 'v0' ? undefined : json.ext.v1;
  const v2 = v1 === undefined || v1.ext === 'v0' ? undefined : v1.ext.v2;
  return {
    type: 'trustline',
    owner: json.account_id,
    asset:
      typeof json.asset === 'object' && 'pool_share' in json.asset
        ? `pool:${poolIdFromJson(json.asset.pool_share)}`
        : assetFromJson(json.asset),
    balance: BigInt(json.balance),
    limit: BigInt(json.limit),
    flags: json.flags,
    extension: v2 ? 2 : v1 ? 1 : 0,
    liabilities: liabilitiesFromJson(v1?.liabilities),
    poolUses: v2?.liquidity_pool_use_count ?? 0,
    modified,
  };
}

interface OfferJson {
  seller_id: string;
  offer_id: string;
  selling: AssetJson;
  buying: AssetJson;
  amount: string;
  price: Price;
  flags: number;
}

const offerFromJson = (json: OfferJson, modified: number): Offer => ({
  type: 'offer',
  id: BigInt(json.offer_id),
  seller: json.seller_id,
  selling: assetFromJson(json.selling),
  buying: assetFromJson(json.buying),
  amount: BigInt(json.amount),
  price: json.price,
  passive: json.flags === 1,
  modified,
});

interface PoolJson {
  liquidity_pool_id: string;
  body: {
    liquidity_pool_constant_product: {
      params: { asset_a: AssetJson; asset_b: AssetJson };
      reserve_a: string;
      reserve_b: string;
      total_pool_shares: string;
      pool_shares_trust_line_count: string;
    };
  };
}

function poolFromJson({ liquidity_pool_id, body }: PoolJson, modified: number): Pool {
  const product = body.liquidity_pool_constant_product;
  return {
    type: 'pool',
    id: poolIdFromJson(liquidity_pool_id),
    assetA: assetFromJson(product.params.asset_a),
    assetB: assetFromJson(product.params.asset_b),
    reserveA: BigInt(product.reserve_a),
    reserveB: BigInt(product.reserve_b),
    shares: BigInt(product.total_pool_shares),
    lines: BigInt(product.pool_shares_trust_line_count),
    modified,
  };
}

interface EntryJson {
  last_modified_ledger_seq: number;
  data: {
    account?: AccountJson;
    trustline?: TrustlineJson;
    offer?: OfferJson;
    data?: { account_id: string; data_name: string; data_value: string };
    liquidity_pool?: PoolJson;
  };
  ext: 'v0' | { v1: { sponsoring_id: string | null } };
}

/** Reads a base64 LedgerEntry. */
export function entryFromXdr(text: string): Entry {
  const value = xdr.LedgerEntry.fromXdr(text, 'base64');
  const json = value.toJson() as unknown as EntryJson;
  const { data, last_modified_ledger_seq: modified } = json;
  const own =
    (data.account && accountFromJson(data.account, modified)) ??
    (data.trustline && lineFromJson(data.trustline, modified)) ??
    (data.offer && offerFromJson(data.offer, modified)) ??
    (data.data && {
      type: 'data' as const,
      owner: data.data.account_id,
      name: data.data.data_name,
      value: data.data.data_value,
      modified,
    }) ??
    (data.liquidity_pool && poolFromJson(data.liquidity_pool, modified));
  if (!own) return { type: 'foreign', key: foreignKey(value), xdr: text, modified };
  return json.ext === 'v0' ? own : { ...own, sponsor: json.ext.v1.sponsoring_id };
}

/** Nothing here looks such an entry up, so its own bytes without number and extension tell it apart. */
const foreignKey = (entry: xdr.LedgerEntry): string => entry.data.toXdr('base64');
