import { addBalance, addLineBalance } from './balances.ts';
import { DONE, type OperationModule } from './operation.ts';
import { poolIdFromJson, poolShare } from './pool.ts';

/** LiquidityPoolWithdrawOp of Stellar-transaction.x in SEP-51 JSON. */
interface Body {
  liquidity_pool_id: string;
  /** Pool shares. */
  amount: string;
  min_amount_a: string;
  min_amount_b: string;
}

/** Gives shares back for their part of both reserves, rounded down; each asset is checked and paid in turn. */
export const liquidityPoolWithdraw: OperationModule<Body> = {
  level: () => 'medium',

  check: ({ amount, min_amount_a, min_amount_b }) =>
    BigInt(amount) > 0n && BigInt(min_amount_a) >= 0n && BigInt(min_amount_b) >= 0n ? undefined : 'malformed',

  apply(state, source, body) {
    const id = poolIdFromJson(body.liquidity_pool_id);
    const amount = BigInt(body.amount);
    const line = state.trustline(source, poolShare(id));
    if (!line) return { code: 'no_trust' };
    if (line.balance < amount) return { code: 'underfunded' };
    const pool = state.pool(id)!;
    const [a, b] = [(amount * pool.reserveA) / pool.shares, (amount * pool.reserveB) / pool.shares];

    if (a < BigInt(body.min_amount_a)) return { code: 'under_minimum' };
    if (!addBalance(state, source, pool.assetA, a)) return { code: 'line_full' };
    if (b < BigInt(body.min_amount_b)) return { code: 'under_minimum' };
    if (!addBalance(state, source, pool.assetB, b)) return { code: 'line_full' };

    addLineBalance(state, line, -amount);
    state.put({
      ...pool,
      reserveA: pool.reserveA - a,
      reserveB: pool.reserveB - b,
      shares: pool.shares - amount,
    });
    return DONE;
  },
};
