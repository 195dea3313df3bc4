import { formatAmount } from '../amount.ts';
import { type Asset, type AssetJson, assetFromJson, issuerOf } from '../ledger/asset.ts';
import type { Change, Pool, PoolShare } from '../ledger/entries.ts';
import type { Price } from '../ledger/exchange.ts';
import type { OperationName } from '../ledger/operations.ts';
import { poolId, poolIdFromJson, poolShare } from '../ledger/pool.ts';
import { claimsOf } from './claims.ts';
import { type AppliedOperation, accountFields, unescaped } from './history.ts';
import { assetFields, formatPrice } from './parameters.ts';

type Texts =
  | 'amount'
  | 'bump_to'
  | 'buy_amount'
  | 'data_name'
  | 'dest_amount'
  | 'dest_min'
  | 'destination'
  | 'limit'
  | 'liquidity_pool_id'
  | 'offer_id'
  | 'send_amount'
  | 'send_max'
  | 'starting_balance'
  | 'trustor'
  | `${'max' | 'min'}_amount_${'a' | 'b'}`;
type Assets = 'asset' | 'buying' | 'dest_asset' | 'selling' | 'send_asset';
type Numbers = 'clear_flags' | 'master_weight' | 'set_flags' | `${'low' | 'med' | 'high'}_threshold`;

/** What the structs of the operations have, in SEP-51 JSON; each has some of it. */
export interface OperationBody
  extends Record<Texts, string>,
    Record<Assets, AssetJson>,
    Record<Numbers, number | null>,
    Record<'data_value' | 'home_domain' | 'inflation_dest', string | null>,
    Record<'price' | 'max_price' | 'min_price', Price> {
  authorize: number;
  line:
    | AssetJson
    | { pool_share: { liquidity_pool_constant_product: { asset_a: AssetJson; asset_b: AssetJson } } };
  path: AssetJson[];
  signer: { key: string; weight: number } | null;
}

export const bodyOf = ({ operation }: AppliedOperation): OperationBody => operation.body as OperationBody;

/** The code alone is on the wire; the issuer is the source. */
export const allowedAsset = (of: AppliedOperation): Asset => `${bodyOf(of).asset as string}:${of.source}`;

export const amount = (stroops: string | bigint): string => formatAmount(BigInt(stroops));
export const assetOf = (json: AssetJson, prefix = ''): Record<string, string> =>
  assetFields(assetFromJson(json), prefix);

/** `asset` as it stands within pools: `native` or `CODE:ISSUER`. */
export const reserve = (asset: Asset, stroops: bigint) => ({ asset, amount: amount(stroops) });

export function lineOf({ line }: OperationBody): Asset | PoolShare {
  if (typeof line === 'string' || !('pool_share' in line)) return assetFromJson(line);
  const { asset_a, asset_b } = line.pool_share.liquidity_pool_constant_product;
  return poolShare(poolId(assetFromJson(asset_a), assetFromJson(asset_b)));
}

/** Type and name of a trust line's asset, which may be the shares of a pool. */
export const lineFields = (line: Asset | PoolShare): Record<string, string> =>
  line.startsWith('pool:')
    ? { asset_type: 'liquidity_pool_shares', liquidity_pool_id: line.slice('pool:'.length) }
    : assetFields(line);

/** A pool that an operation wrote, before and after. */
export function poolChange(changes: readonly Change[]): { before?: Pool; after?: Pool } | undefined {
  const change = changes.find(({ before, after }) => (after ?? before)?.type === 'pool');
  return change as { before?: Pool; after?: Pool } | undefined;
}

/** Reserves and shares that went into a pool; of none where the operation failed. */
export function poolDelta({ changes }: AppliedOperation) {
  const { before, after } = poolChange(changes) ?? {};
  const pool = after ?? before;
  const delta = (of: 'reserveA' | 'reserveB' | 'shares'): bigint =>
    (after?.[of] ?? 0n) - (before?.[of] ?? 0n);
  return {
    assetA: pool?.assetA ?? '',
    assetB: pool?.assetB ?? '',
    a: delta('reserveA'),
    b: delta('reserveB'),
    shares: delta('shares'),
  };
}

/** What a path payment took from its source: the sum of its first hop, or without any what it brought. */
export function sentOf(of: AppliedOperation): bigint {
  const claims = claimsOf(of);
  if (claims.length === 0) return receivedOf(of);
  const end = claims.findIndex(({ bought }) => bought !== claims[0]!.bought);
  return claims
    .slice(0, end < 0 ? claims.length : end)
    .reduce((sum, { amountBought }) => sum + amountBought, 0n);
}

/** What a path payment brought to its destination. */
export const receivedOf = ({ success }: AppliedOperation): bigint =>
  success === undefined ? 0n : BigInt((success as { last: { amount: string } }).last.amount);

const ACCOUNT_FLAGS = ['auth_required', 'auth_revocable', 'auth_immutable', 'auth_clawback_enabled'];
/** Horizon's own spelling. */
const LINE_FLAGS = ['authorized', 'authorized_to_maintain_liabilites', 'clawback_enabled'];

/** Bits of `flags` as numbers and as names under `<prefix>_flags`; nothing where none is set. */
function flagFields(prefix: string, flags: number | null, names: readonly string[]) {
  const bits = names.flatMap((name, bit) => ((flags ?? 0) & (1 << bit) ? [{ bit: 1 << bit, name }] : []));
  if (bits.length === 0) return {};
  return {
    [`${prefix}_flags`]: bits.map(({ bit }) => bit),
    [`${prefix}_flags_s`]: bits.map(({ name }) => name),
  };
}

/** The fields that are there, without those that are null. */
const present = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== ''));

function payment(of: AppliedOperation, asset: AssetJson, stroops: string | bigint) {
  return {
    ...assetOf(asset),
    ...accountFields('from', of.sourceAddress),
    ...accountFields('to', bodyOf(of).destination),
    amount: amount(stroops),
  };
}

const pathOf = ({ path }: OperationBody) => path.map((json) => assetOf(json));

const offerFields = (sold: string, { price, buying, selling }: OperationBody) => ({
  amount: amount(sold),
  price: formatPrice(price),
  price_r: price,
  ...assetOf(buying, 'buying_'),
  ...assetOf(selling, 'selling_'),
});

type Details = (of: AppliedOperation, body: OperationBody) => Record<string, unknown>;

/** What each operation tells besides what all do, in Horizon's order. */
const DETAILS: Record<OperationName, Details> = {
  create_account: ({ sourceAddress }, { starting_balance, destination }) => ({
    starting_balance: amount(starting_balance),
    ...accountFields('funder', sourceAddress),
    account: destination,
  }),
  payment: (of, body) => payment(of, body.asset, body.amount),
  path_payment_strict_receive: (of, body) => ({
    ...payment(of, body.dest_asset, body.dest_amount),
    path: pathOf(body),
    source_amount: amount(sentOf(of)),
    source_max: amount(body.send_max),
    ...assetOf(body.send_asset, 'source_'),
  }),
  path_payment_strict_send: (of, body) => ({
    ...payment(of, body.dest_asset, receivedOf(of)),
    path: pathOf(body),
    source_amount: amount(body.send_amount),
    destination_min: amount(body.dest_min),
    ...assetOf(body.send_asset, 'source_'),
  }),
  manage_sell_offer: (_, body) => ({ ...offerFields(body.amount, body), offer_id: body.offer_id }),
  manage_buy_offer: (_, body) => ({ ...offerFields(body.buy_amount, body), offer_id: body.offer_id }),
  create_passive_sell_offer: (_, body) => offerFields(body.amount, body),
  set_options: (_, body) => ({
    ...present({
      home_domain: body.home_domain && unescaped(body.home_domain),
      inflation_dest: body.inflation_dest,
      master_key_weight: body.master_weight,
      signer_key: body.signer?.key ?? null,
      signer_weight: body.signer?.weight ?? null,
    }),
    ...flagFields('set', body.set_flags, ACCOUNT_FLAGS),
    ...flagFields('clear', body.clear_flags, ACCOUNT_FLAGS),
    ...present({
      low_threshold: body.low_threshold,
      med_threshold: body.med_threshold,
      high_threshold: body.high_threshold,
    }),
  }),
  change_trust: ({ sourceAddress }, body) => {
    const line = lineOf(body);
    return {
      ...lineFields(line),
      limit: amount(body.limit),
      ...present({ trustee: line.startsWith('pool:') ? null : (issuerOf(line) ?? null) }),
      ...accountFields('trustor', sourceAddress),
    };
  },
  allow_trust: (of, { trustor, authorize }) => ({
    ...assetFields(allowedAsset(of)),
    ...accountFields('trustee', of.sourceAddress),
    trustor,
    authorize: (authorize & 1) !== 0,
    authorize_to_maintain_liabilities: (authorize & 2) !== 0,
  }),
  account_merge: ({ sourceAddress, operation }) => ({
    ...accountFields('account', sourceAddress),
    ...accountFields('into', operation.body as string),
  }),
  inflation: () => ({}),
  manage_data: (_, { data_name, data_value }) => ({
    name: unescaped(data_name),
    value: Buffer.from(data_value ?? '', 'hex').toString('base64'),
  }),
  bump_sequence: (_, { bump_to }) => ({ bump_to }),
  set_trust_line_flags: (_, { asset, trustor, set_flags, clear_flags }) => ({
    ...assetOf(asset),
    trustor,
    ...flagFields('set', set_flags, LINE_FLAGS),
    ...flagFields('clear', clear_flags, LINE_FLAGS),
  }),
  liquidity_pool_deposit: (of, body) => {
    const { assetA, assetB, a, b, shares } = poolDelta(of);
    return {
      liquidity_pool_id: poolIdFromJson(body.liquidity_pool_id),
      reserves_max: [reserve(assetA, BigInt(body.max_amount_a)), reserve(assetB, BigInt(body.max_amount_b))],
      min_price: formatPrice(body.min_price),
      min_price_r: body.min_price,
      max_price: formatPrice(body.max_price),
      max_price_r: body.max_price,
      reserves_deposited: [reserve(assetA, a), reserve(assetB, b)],
      shares_received: amount(shares),
    };
  },
  liquidity_pool_withdraw: (of, body) => {
    const { assetA, assetB, a, b } = poolDelta(of);
    return {
      liquidity_pool_id: poolIdFromJson(body.liquidity_pool_id),
      reserves_min: [reserve(assetA, BigInt(body.min_amount_a)), reserve(assetB, BigInt(body.min_amount_b))],
      shares: amount(body.amount),
      reserves_received: [reserve(assetA, -a), reserve(assetB, -b)],
    };
  },
};

export const operationDetails = (of: AppliedOperation): Record<string, unknown> =>
  DETAILS[of.operation.name](of, bodyOf(of));
