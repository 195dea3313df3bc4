import { createHash } from 'node:crypto';
import { StrKey } from '@stellar/stellar-sdk/base';
import type { AssetId, PoolDeposit, PoolWithdraw } from '../transaction.ts';
import { NOTHING, type OperationRule, type Refusal, takeAll } from './check.ts';
import { type Found, judgeCollar, takeAmount } from './pairs.ts';
import type { PolicySpec } from './schema.ts';

type PoolRule = PolicySpec['pools'][number];
/** The pool's assets in the protocol's order. */
type Pool = Found<PoolRule> & { assets: readonly [AssetId, AssetId] };

export const deposits: OperationRule<PoolDeposit> = (operation, field, spec) => {
  const { poolId, minPrice, maxPrice, maxAmountA, maxAmountB } = operation;
  const pool = findPool(poolId, spec);
  if (pool === undefined) return unknownPool(poolId, field);
  const [a, b] = pool.assets;
  return (
    // Of A per B. The pool may stand anywhere between the two when it is applied.
    judgeCollar(pool, b, minPrice, `${field}.minPrice`) ??
    judgeCollar(pool, b, maxPrice, `${field}.maxPrice`) ??
    takeAll(
      [
        { asset: a, amount: maxAmountA, name: 'maxAmountA' },
        { asset: b, amount: maxAmountB, name: 'maxAmountB' },
      ],
      ({ asset, amount, name }) =>
        amount > 0n
          ? takeAmount('deposit', pool, asset, amount, `${field}.${name}`)
          : {
              code: 'operation-not-allowed',
              message: 'a deposit is of more than 0',
              field: `${field}.${name}`,
            },
    )
  );
};

/**
 * Only the pool must be listed. What is taken out is the account's own and stays in the account, so no amount needs a
 * limit. Nor does the price: whoever has moved a constant-product pool away from the market gives its depositors a
 * share that is worth more at the market's price, never less (x·p + y is least where y/x = p).
 */
export const withdrawals: OperationRule<PoolWithdraw> = ({ poolId, amount }, field, spec) => {
  if (findPool(poolId, spec) === undefined) return unknownPool(poolId, field);
  return amount > 0n
    ? NOTHING
    : {
        code: 'operation-not-allowed',
        message: 'a withdrawal is of more than 0',
        field: `${field}.amount`,
      };
};

const unknownPool = (poolId: string, field: string): Refusal => ({
  code: 'pair-not-allowed',
  message: `${poolId} is the pool of no pair of pools`,
  field: `${field}.poolId`,
  rule: ['pools'],
});

function findPool(poolId: string, { pools }: PolicySpec): Pool | undefined {
  const index = pools.findIndex(({ pair }) => poolOf(pair)?.id === poolId);
  return index < 0
    ? undefined
    : { rule: pools[index]!, path: ['pools', index], assets: poolOf(pools[index]!.pair)!.assets };
}

interface PoolIdentity {
  id: string;
  assets: readonly [AssetId, AssetId];
}

/** Reckoned once for each rule: a policy may list 50 and a transaction ask 100 times. */
const identities = new WeakMap<object, PoolIdentity | undefined>();

/** @returns undefined when an issuer is no valid key: no such pool can exist */
export function poolOf(pair: readonly [AssetId, AssetId]): PoolIdentity | undefined {
  if (!identities.has(pair)) identities.set(pair, identify(pair));
  return identities.get(pair);
}

/** The protocol's only one, in basis points. */
const POOL_FEE = Buffer.from([0, 0, 0, 30]);
const CONSTANT_PRODUCT = Buffer.alloc(4);

/**
 * SHA-256 of LiquidityPoolParameters, the assets in the ledger's order. That is the order of their XDR: of two issuers the
 * raw keys are compared, where the SDK compares their text, which sorts digits before letters.
 * @returns undefined when an issuer is no valid key: no such pool can exist
 */
function identify(pair: readonly [AssetId, AssetId]): PoolIdentity | undefined {
  if (!pair.every((asset) => asset === 'XLM' || StrKey.isValidEd25519PublicKey(issuerOf(asset))))
    return undefined;
  const [a, b] = pair
    .map((asset) => ({ asset, bytes: encodeAsset(asset) }))
    .sort((one, other) => one.bytes.compare(other.bytes)) as [Encoded, Encoded];
  const id = createHash('sha256')
    .update(Buffer.concat([CONSTANT_PRODUCT, a.bytes, b.bytes, POOL_FEE]))
    .digest('hex');
  return { id, assets: [a.asset, b.asset] };
}

interface Encoded {
  asset: AssetId;
  bytes: Buffer;
}

const issuerOf = (asset: AssetId): string => asset.slice(asset.indexOf(':') + 1);

/** The XDR of an asset: type, code filled up with zeros to 4 or 12 bytes, type of the key, key. */
function encodeAsset(asset: AssetId): Buffer {
  if (asset === 'XLM') return Buffer.alloc(4);
  const code = Buffer.from(asset.slice(0, asset.indexOf(':')));
  const [type, width] = code.length <= 4 ? [1, 4] : [2, 12];
  const padded = Buffer.concat([code], width);
  return Buffer.concat([
    Buffer.from([0, 0, 0, type]),
    padded,
    Buffer.alloc(4),
    StrKey.decodeEd25519PublicKey(issuerOf(asset)),
  ]);
}
