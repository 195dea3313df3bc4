import type { Asset } from './asset.ts';
import { addBalance, addLineBalance, available } from './balances.ts';
import { isAuthorized, type Pool } from './entries.ts';
import { divideUp, INT64_MAX, type Price } from './exchange.ts';
import { DONE, type OperationModule } from './operation.ts';
import { hasLine, poolIdFromJson, poolShare } from './pool.ts';
import type { LedgerState } from './state.ts';

/** LiquidityPoolDepositOp of Stellar-transaction.x in SEP-51 JSON. Prices are A per B. */
interface Body {
  liquidity_pool_id: string;
  max_amount_a: string;
  max_amount_b: string;
  min_price: Price;
  max_price: Price;
}

interface Deposit {
  a: bigint;
  b: bigint;
  shares: bigint;
}

/** The largest whole number whose square is not above `value` (Newton). */
export function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** The first deposit sets the price; every other takes as much as keeps it, rounded in favour of the pool (CAP-0038). */
export function sizeDeposit(pool: Pool, maxA: bigint, maxB: bigint): Deposit {
  const { reserveA, reserveB, shares: total } = pool;
  if (total === 0n) return { a: maxA, b: maxB, shares: squareRoot(maxA * maxB) };
  const [sharesA, sharesB] = [(total * maxA) / reserveA, (total * maxB) / reserveB];
  const shares = smaller(sharesA, sharesB);
  return { a: divideUp(shares * reserveA, total), b: divideUp(shares * reserveB, total), shares };
}

const isBadPrice = ({ a, b }: Deposit, { min_price: min, max_price: max }: Body): boolean =>
  a === 0n || b === 0n || a * BigInt(min.d) < b * BigInt(min.n) || a * BigInt(max.d) > b * BigInt(max.n);

const mayDeposit = (state: LedgerState, owner: string, asset: Asset): boolean => {
  if (!hasLine(owner, asset)) return true;
  const line = state.trustline(owner, asset);
  return line !== undefined && isAuthorized(line);
};

export const liquidityPoolDeposit: OperationModule<Body> = {
  level: () => 'medium',

  check({ max_amount_a, max_amount_b, min_price: min, max_price: max }) {
    const positive = BigInt(max_amount_a) > 0n && BigInt(max_amount_b) > 0n;
    const prices = [min.n, min.d, max.n, max.d].every((part) => part > 0);
    const ordered = BigInt(min.n) * BigInt(max.d) <= BigInt(min.d) * BigInt(max.n);
    return positive && prices && ordered ? undefined : 'malformed';
  },

  apply(state, source, body) {
    const id = poolIdFromJson(body.liquidity_pool_id);
    const line = state.trustline(source, poolShare(id));
    if (!line) return { code: 'no_trust' };
    const pool = state.pool(id)!;
    const { assetA, assetB } = pool;
    if (!mayDeposit(state, source, assetA) || !mayDeposit(state, source, assetB)) {
      return { code: 'not_authorized' };
    }

    const deposit = sizeDeposit(pool, BigInt(body.max_amount_a), BigInt(body.max_amount_b));
    const { a, b, shares } = deposit;
    if (available(state, source, assetA)! < a || available(state, source, assetB)! < b) {
      return { code: 'underfunded' };
    }
    if (isBadPrice(deposit, body)) return { code: 'bad_price' };
    if (line.limit - line.balance < shares) return { code: 'line_full' };
    if ([pool.reserveA + a, pool.reserveB + b, pool.shares + shares].some((sum) => sum > INT64_MAX)) {
      return { code: 'pool_full' };
    }

    addBalance(state, source, assetA, -a);
    addBalance(state, source, assetB, -b);
    addLineBalance(state, line, shares);
    state.put({
      ...pool,
      reserveA: pool.reserveA + a,
      reserveB: pool.reserveB + b,
      shares: pool.shares + shares,
    });
    return DONE;
  },
};
