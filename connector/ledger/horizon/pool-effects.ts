import * as z from 'zod';
import type { PoolMovement } from '../types.ts';
import * as f from './fields.ts';

const reserves = z.tuple([z.object({ amount: f.amount }), z.object({ amount: f.amount })]);
const pool = z.object({ id: f.hash });

const movement = (
  kind: PoolMovement['kind'],
  { id: poolId }: z.output<typeof pool>,
  [a, b]: z.output<typeof reserves>,
  shares: bigint,
): PoolMovement => ({ poolId, kind, amounts: [a.amount, b.amount], shares });

const deposited = z
  .object({
    type: z.literal('liquidity_pool_deposited'),
    ...{ liquidity_pool: pool, reserves_deposited: reserves, shares_received: f.amount },
  })
  .transform((it) => movement('deposit', it.liquidity_pool, it.reserves_deposited, it.shares_received));
const withdrew = z
  .object({
    type: z.literal('liquidity_pool_withdrew'),
    ...{ liquidity_pool: pool, reserves_received: reserves, shares_redeemed: f.amount },
  })
  .transform((it) => movement('withdrawal', it.liquidity_pool, it.reserves_received, it.shares_redeemed));
const otherEffect = z
  .object({ type: z.string().regex(/^(?!liquidity_pool_(deposited|withdrew)$)/) })
  .transform(() => undefined);

/** One effect of a transaction; undefined for all but those of deposits and withdrawals. */
export const poolEffect = z.union([deposited, withdrew, otherEffect]);
