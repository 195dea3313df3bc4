import { type Asset, type AssetJson, assetFromJson, issuerOf, isValidAsset } from './asset.ts';
import { addSubentries, removeSubentries } from './balances.ts';
import {
  AUTH_CLAWBACK,
  AUTH_REQUIRED,
  AUTHORIZED,
  CLAWBACK_ENABLED,
  maintainsLiabilities,
  type Pool,
  type PoolShare,
  type Trustline,
} from './entries.ts';
import { INT64_MAX } from './exchange.ts';
import { DONE, type OperationModule, type OperationOutcome } from './operation.ts';
import { compareAssets, hasLine, POOL_FEE, poolId, poolShare } from './pool.ts';
import type { LedgerState } from './state.ts';

interface PoolJson {
  pool_share: {
    liquidity_pool_constant_product: { asset_a: AssetJson; asset_b: AssetJson; fee: number };
  };
}

/** ChangeTrustOp of Stellar-transaction.x in SEP-51 JSON. */
interface Body {
  line: AssetJson | PoolJson;
  /** Zero deletes the line. */
  limit: string;
}

type Line = { asset: Asset; pool?: undefined } | { asset: PoolShare; pool: { a: Asset; b: Asset } };

const isPool = (line: Body['line']): line is PoolJson => typeof line === 'object' && 'pool_share' in line;

function readLine(line: Body['line']): Line {
  if (!isPool(line)) return { asset: assetFromJson(line) };
  const { asset_a, asset_b } = line.pool_share.liquidity_pool_constant_product;
  const [a, b] = [assetFromJson(asset_a), assetFromJson(asset_b)];
  return { asset: poolShare(poolId(a, b)), pool: { a, b } };
}

/** A trust line as it is made, here without a limit. */
export const newTrustline = (
  owner: string,
  asset: Trustline['asset'],
  flags: number = AUTHORIZED,
): Trustline => ({
  type: 'trustline',
  owner,
  asset,
  balance: 0n,
  limit: INT64_MAX,
  flags,
  extension: 0,
  liabilities: { buying: 0n, selling: 0n },
  poolUses: 0,
  modified: 0,
});

/** A pool share line counts as two entries. */
const entriesOf = (line: Line): number => (line.pool ? 2 : 1);

/** Counts one more (or fewer) pool share line that uses the line of a pool's asset. */
function usePoolAsset(state: LedgerState, owner: string, asset: Asset, count: 1 | -1): string | undefined {
  if (!hasLine(owner, asset)) return undefined;
  const line = state.trustline(owner, asset);
  if (!line) return 'trust_line_missing';
  if (count > 0 && !maintainsLiabilities(line)) return 'not_auth_maintain_liabilities';
  state.put({ ...line, extension: 2, poolUses: line.poolUses + count });
  return undefined;
}

/** A pool lives as long as a pool share line does. */
function countPoolLine(state: LedgerState, pool: Pool, count: 1n | -1n): void {
  const lines = pool.lines + count;
  if (lines === 0n) state.remove(pool);
  else state.put({ ...pool, lines });
}

function joinPool(
  state: LedgerState,
  owner: string,
  { asset, pool: { a, b } }: Line & { pool: object },
): string | undefined {
  const code = usePoolAsset(state, owner, a, 1) ?? usePoolAsset(state, owner, b, 1);
  if (code) return code;
  const id = asset.slice('pool:'.length);
  const empty: Pool = {
    type: 'pool',
    id,
    assetA: a,
    assetB: b,
    reserveA: 0n,
    reserveB: 0n,
    shares: 0n,
    lines: 0n,
    modified: 0,
  };
  countPoolLine(state, state.pool(id) ?? empty, 1n);
  return undefined;
}

/** Deletes a pool share line and what counts it. */
export function removePoolLine(state: LedgerState, line: Trustline, pool: Pool): void {
  removeSubentries(state, line.owner, 2);
  state.remove(line);
  usePoolAsset(state, line.owner, pool.assetA, -1);
  usePoolAsset(state, line.owner, pool.assetB, -1);
  countPoolLine(state, state.pool(pool.id)!, -1n);
}

function change(state: LedgerState, line: Line, held: Trustline, limit: bigint): OperationOutcome {
  if (limit < held.balance + held.liabilities.buying) return { code: 'invalid_limit' };
  if (limit > 0n) {
    if (!line.pool && !state.account(issuerOf(line.asset)!)) return { code: 'no_issuer' };
    state.put({ ...held, limit });
    return DONE;
  }
  if (line.pool) {
    removePoolLine(state, held, state.pool(line.asset.slice('pool:'.length))!);
    return DONE;
  }
  if (held.poolUses > 0) return { code: 'cannot_delete' };
  removeSubentries(state, held.owner, 1);
  state.remove(held);
  return DONE;
}

/** Flags that a new line gets from its issuer; undefined without one. A pool share line has none. */
function newFlags(state: LedgerState, line: Line): number | undefined {
  if (line.pool) return 0;
  const issuer = state.account(issuerOf(line.asset)!);
  if (!issuer) return undefined;
  const authorized = issuer.flags & AUTH_REQUIRED ? 0 : AUTHORIZED;
  return authorized | (issuer.flags & AUTH_CLAWBACK ? CLAWBACK_ENABLED : 0);
}

function create(state: LedgerState, owner: string, line: Line, limit: bigint): OperationOutcome {
  if (limit === 0n) return { code: 'invalid_limit' };
  const flags = newFlags(state, line);
  if (flags === undefined) return { code: 'no_issuer' };
  const code = line.pool && joinPool(state, owner, line);
  if (code) return { code };
  const refusal = addSubentries(state, state.account(owner)!, entriesOf(line));
  if (refusal) return { code: refusal };
  state.put({ ...newTrustline(owner, line.asset, flags), limit });
  return DONE;
}

export const changeTrust: OperationModule<Body> = {
  level: () => 'medium',

  check({ line, limit }, source) {
    if (BigInt(limit) < 0n) return 'malformed';
    if (isPool(line)) {
      const { asset_a, asset_b, fee } = line.pool_share.liquidity_pool_constant_product;
      const [a, b] = [assetFromJson(asset_a), assetFromJson(asset_b)];
      const valid = isValidAsset(a) && isValidAsset(b) && compareAssets(a, b) < 0;
      return valid && BigInt(fee) === POOL_FEE ? undefined : 'malformed';
    }
    const asset = assetFromJson(line);
    return isValidAsset(asset) && asset !== 'native' && issuerOf(asset) !== source ? undefined : 'malformed';
  },

  apply(state, source, body) {
    const line = readLine(body.line);
    const held = state.trustline(source, line.asset);
    const limit = BigInt(body.limit);
    return held ? change(state, line, held, limit) : create(state, source, line, limit);
  },
};
