import * as z from 'zod';
import type { PoolMovement } from '../types.ts';
import * as f from './fields.ts';

const poolReserves = z
  .array(z.object({ amount: f.amount }))
  .length(2)
  .transform((entries): [bigint, bigint] => [entries[0]!.amount, entries[1]!.amount]);
const poolOfEffect = z.object({ id: f.hash });

const deposited = z
  .object({
    type: z.literal('liquidity_pool_deposited'),
    liquidity_pool: poolOfEffect,
    reserves_deposited: poolReserves,
    shares_received: f.amount,
  })
  .transform(
    (effect): PoolMovement => ({
      poolId: effect.liquidity_pool.id,
      kind: 'deposit',
      amounts: effect.reserves_deposited,
      shares: effect.shares_received,
    }),
  );
const withdrew = z
  .object({
    type: z.literal('liquidity_pool_withdrew'),
    liquidity_pool: poolOfEffect,
    reserves_received: poolReserves,
    shares_redeemed: f.amount,
  })
  .transform(
    (effect): PoolMovement => ({
      poolId: effect.liquidity_pool.id,
      kind: 'withdrawal',
      amounts: effect.reserves_received,
      shares: effect.shares_redeemed,
    }),
  );
const otherEffect = z
  .object({ type: z.string().regex(/^(?!liquidity_pool_(deposited|withdrew)$)/) })
  .transform(() => undefined);

/** One effect of a transaction; undefined for all but those of deposits and withdrawals. */
export const poolEffect = z.union([deposited, withdrew, otherEffect]);
