import { type Asset, type AssetJson, assetFromJson } from '../ledger/asset.ts';
import type { Account, Change, Pool } from '../ledger/entries.ts';
import type { OperationName } from '../ledger/operations.ts';
import { claimsOf } from './claims.ts';
import { type AppliedOperation, accountFields, unescaped } from './history.ts';
import { poolFields } from './liquidity_pools.ts';
import {
  allowedAsset,
  amount,
  assetOf,
  bodyOf,
  lineFields,
  lineOf,
  type OperationBody,
  poolChange,
  poolDelta,
  receivedOf,
  reserve,
  sentOf,
} from './operation_details.ts';
import { assetFields } from './parameters.ts';

/** Horizon's numbers of the effects that the operations here have. */
const NUMBERS = {
  account_created: 0,
  account_removed: 1,
  account_credited: 2,
  account_debited: 3,
  account_thresholds_updated: 4,
  account_home_domain_updated: 5,
  account_flags_updated: 6,
  account_inflation_destination_updated: 7,
  signer_created: 10,
  signer_removed: 11,
  signer_updated: 12,
  trustline_created: 20,
  trustline_removed: 21,
  trustline_updated: 22,
  trustline_authorized: 23,
  trustline_deauthorized: 24,
  trustline_authorized_to_maintain_liabilities: 25,
  trustline_flags_updated: 26,
  trade: 33,
  data_created: 40,
  data_removed: 41,
  data_updated: 42,
  sequence_bumped: 43,
  liquidity_pool_deposited: 90,
  liquidity_pool_withdrew: 91,
  liquidity_pool_trade: 92,
  liquidity_pool_created: 93,
  liquidity_pool_removed: 94,
} as const;

export interface Effect {
  /** Whose effect it is, as it is written: G… or M…. */
  address: string;
  type: keyof typeof NUMBERS;
  number: number;
  details: Record<string, unknown>;
}

const effect = (address: string, type: Effect['type'], details: Effect['details'] = {}): Effect => ({
  address,
  type,
  number: NUMBERS[type],
  details,
});

/** What became of an entry. */
const fate = ({ before, after }: Change): 'created' | 'removed' | 'updated' => {
  if (!before) return 'created';
  return after ? 'updated' : 'removed';
};

const poolDetails = (pool: Pool) => ({ id: pool.id, ...poolFields(pool) });

const credited = (address: string, asset: AssetJson, stroops: string | bigint): Effect =>
  effect(address, 'account_credited', { ...assetOf(asset), amount: amount(stroops) });
const debited = (address: string, asset: AssetJson, stroops: string | bigint): Effect =>
  effect(address, 'account_debited', { ...assetOf(asset), amount: amount(stroops) });

type Side = [asset: Asset, stroops: bigint];

/** One side of a trade with `other`: what it sold and bought. */
const tradeDetails = (other: string, offer: bigint, [sold, sent]: Side, [bought, got]: Side) => ({
  ...accountFields('seller', other),
  offer_id: String(offer),
  sold_amount: amount(sent),
  ...assetFields(sold, 'sold_'),
  bought_amount: amount(got),
  ...assetFields(bought, 'bought_'),
});

/** Both sides of each trade with an offer; a pool has no side of its own. */
function trades(of: AppliedOperation): Effect[] {
  return claimsOf(of).flatMap((claim) => {
    const { offer, pool } = claim;
    const [sold, bought]: [Side, Side] = [
      [claim.sold, claim.amountSold],
      [claim.bought, claim.amountBought],
    ];
    if (offer) {
      return [
        effect(of.sourceAddress, 'trade', tradeDetails(offer.seller, offer.id, bought, sold)),
        effect(offer.seller, 'trade', tradeDetails(of.sourceAddress, offer.id, sold, bought)),
      ];
    }
    const after = of.changes.find(
      (change) => change.after?.type === 'pool' && change.after.id === pool,
    )?.after;
    return [
      effect(of.sourceAddress, 'liquidity_pool_trade', {
        liquidity_pool: poolDetails(after as Pool),
        sold: reserve(...sold),
        bought: reserve(...bought),
      }),
    ];
  });
}

const signersOf = ({ address, thresholds, signers }: Account): Map<string, number> =>
  new Map([
    ...(thresholds.master > 0 ? [[address, thresholds.master] as const] : []),
    ...signers.map(({ key, weight }) => [key, weight] as const),
  ]);

/** `key` is a field that Horizon no longer fills. */
const signer = (address: string, type: Effect['type'], key: string, weight: number): Effect =>
  effect(address, type, { weight, public_key: key, key: '' });

function signerEffects({ sourceAddress, changes }: AppliedOperation): Effect[] {
  return changes.flatMap(({ before, after }) => {
    if (before?.type !== 'account' || after?.type !== 'account') return [];
    const [old, now] = [signersOf(before), signersOf(after)];
    return [
      ...[...old.keys()].sort().flatMap((key) => {
        const weight = now.get(key);
        if (weight === undefined) return [signer(sourceAddress, 'signer_removed', key, 0)];
        return weight === old.get(key) ? [] : [signer(sourceAddress, 'signer_updated', key, weight)];
      }),
      ...[...now.keys()]
        .sort()
        .flatMap((key) =>
          old.has(key) ? [] : [signer(sourceAddress, 'signer_created', key, now.get(key)!)],
        ),
    ];
  });
}

/** `true` or `false` under `name` where a flag was set or cleared, which clearing decides if it was both. */
const flag = (name: string, bit: number, set: number | null, cleared: number | null) => {
  if ((cleared ?? 0) & bit) return { [name]: false };
  return (set ?? 0) & bit ? { [name]: true } : {};
};

function setOptions(of: AppliedOperation, body: OperationBody): Effect[] {
  const { low_threshold: low, med_threshold: med, high_threshold: high } = body;
  const own = (type: Effect['type'], details?: Effect['details']) => effect(of.sourceAddress, type, details);
  return [
    ...(body.home_domain === null
      ? []
      : [own('account_home_domain_updated', { home_domain: unescaped(body.home_domain) })]),
    // What was not given is told as zero.
    ...(low === null && med === null && high === null
      ? []
      : [
          own('account_thresholds_updated', {
            low_threshold: low ?? 0,
            med_threshold: med ?? 0,
            high_threshold: high ?? 0,
          }),
        ]),
    // Of the flags that changed Horizon tells this one alone: its names for the others do not match.
    ...(body.set_flags || body.clear_flags
      ? [own('account_flags_updated', flag('auth_required_flag', 1, body.set_flags, body.clear_flags))]
      : []),
    ...(body.inflation_dest === null ? [] : [own('account_inflation_destination_updated')]),
    ...signerEffects(of),
  ];
}

/** One for the line itself: the lines of a pool's assets change, too. */
function changeTrust({ sourceAddress, changes }: AppliedOperation, body: OperationBody): Effect[] {
  const line = lineOf(body);
  const change = changes.find(({ before, after }) => {
    const entry = after ?? before;
    return entry?.type === 'trustline' && entry.asset === line;
  });
  const pool = poolChange(changes);
  return [
    ...(change
      ? [
          effect(sourceAddress, `trustline_${fate(change)}`, {
            ...lineFields(line),
            limit: amount(body.limit),
          }),
        ]
      : []),
    ...(pool?.after && !pool.before
      ? [effect(sourceAddress, 'liquidity_pool_created', { liquidity_pool: poolDetails(pool.after) })]
      : []),
    ...(pool?.before && !pool.after
      ? [effect(sourceAddress, 'liquidity_pool_removed', { liquidity_pool_id: pool.before.id })]
      : []),
  ];
}

/** The middle flag is missing: Horizon's names for it do not match. */
const lineFlags = (set: number, cleared: number) => ({
  ...flag('authorized_flag', 1, set, cleared),
  ...flag('clawback_enabled_flag', 4, set, cleared),
});

function allowTrust(of: AppliedOperation, { trustor, authorize }: OperationBody): Effect[] {
  const asset = assetFields(allowedAsset(of));
  const [type, set, cleared] =
    authorize & 1
      ? (['trustline_authorized', 1, 0] as const)
      : authorize & 2
        ? (['trustline_authorized_to_maintain_liabilities', 2, 0] as const)
        : (['trustline_deauthorized', 0, 3] as const);
  const { asset_issuer: _, ...named } = asset;
  return [
    effect(of.sourceAddress, type, { trustor, ...named }),
    effect(of.sourceAddress, 'trustline_flags_updated', { ...asset, trustor, ...lineFlags(set, cleared) }),
  ];
}

function manageData({ sourceAddress, changes }: AppliedOperation, { data_name }: OperationBody): Effect[] {
  return changes.flatMap((change) => {
    const { before, after } = change;
    if ((after ?? before)?.type !== 'data') return [];
    const value = after?.type === 'data' && Buffer.from(after.value, 'hex').toString('base64');
    return [
      effect(sourceAddress, `data_${fate(change)}`, {
        name: unescaped(data_name),
        ...(value !== false && { value }),
      }),
    ];
  });
}

function bumpSequence({ sourceAddress, changes }: AppliedOperation): Effect[] {
  return changes.flatMap(({ before, after }) => {
    if (before?.type !== 'account' || after?.type !== 'account') return [];
    if (before.sequence === after.sequence) return [];
    return [effect(sourceAddress, 'sequence_bumped', { new_seq: String(after.sequence) })];
  });
}

/** What went into a pool or out of it; nothing where a forged result claims what never happened. */
function poolEffect(
  of: AppliedOperation,
  type: Effect['type'],
  details: (delta: ReturnType<typeof poolDelta>) => Record<string, unknown>,
): Effect[] {
  const pool = poolChange(of.changes)?.after;
  if (!pool) return [];
  return [effect(of.sourceAddress, type, { liquidity_pool: poolDetails(pool), ...details(poolDelta(of)) })];
}

type Effects = (of: AppliedOperation, body: OperationBody) => Effect[];

const EFFECTS: Record<OperationName, Effects> = {
  create_account: ({ sourceAddress }, { destination, starting_balance }) => [
    effect(destination, 'account_created', { starting_balance: amount(starting_balance) }),
    debited(sourceAddress, 'native', starting_balance),
    signer(destination, 'signer_created', destination, 1),
  ],
  payment: ({ sourceAddress }, body) => [
    credited(body.destination, body.asset, body.amount),
    debited(sourceAddress, body.asset, body.amount),
  ],
  path_payment_strict_receive: (of, body) => [
    credited(body.destination, body.dest_asset, body.dest_amount),
    debited(of.sourceAddress, body.send_asset, sentOf(of)),
    ...trades(of),
  ],
  path_payment_strict_send: (of, body) => [
    credited(body.destination, body.dest_asset, receivedOf(of)),
    debited(of.sourceAddress, body.send_asset, body.send_amount),
    ...trades(of),
  ],
  manage_sell_offer: trades,
  manage_buy_offer: trades,
  create_passive_sell_offer: trades,
  set_options: setOptions,
  change_trust: changeTrust,
  allow_trust: allowTrust,
  account_merge: ({ sourceAddress, operation, success }) => [
    debited(sourceAddress, 'native', success as string),
    credited(operation.body as string, 'native', success as string),
    effect(sourceAddress, 'account_removed'),
  ],
  inflation: () => [],
  manage_data: manageData,
  bump_sequence: bumpSequence,
  set_trust_line_flags: ({ sourceAddress }, { asset, trustor, set_flags, clear_flags }) => [
    effect(sourceAddress, 'trustline_flags_updated', {
      ...assetFields(assetFromJson(asset)),
      trustor,
      ...lineFlags(set_flags ?? 0, clear_flags ?? 0),
    }),
  ],
  liquidity_pool_deposit: (of) =>
    poolEffect(of, 'liquidity_pool_deposited', ({ assetA, assetB, a, b, shares }) => ({
      reserves_deposited: [reserve(assetA, a), reserve(assetB, b)],
      shares_received: amount(shares),
    })),
  liquidity_pool_withdraw: (of) =>
    poolEffect(of, 'liquidity_pool_withdrew', ({ assetA, assetB, a, b, shares }) => ({
      reserves_received: [reserve(assetA, -a), reserve(assetB, -b)],
      shares_redeemed: amount(-shares),
    })),
};

/** What an operation of a successful transaction did to accounts and pools, in Horizon's order. */
export const effectsOf = (of: AppliedOperation): Effect[] => EFFECTS[of.operation.name](of, bodyOf(of));
