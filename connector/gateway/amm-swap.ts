import type * as z from 'zod';
import { connectorError } from '../errors.ts';
import { poolIdentity } from '../market/pool-id.ts';
import type { Price } from '../market/quote.ts';
import { ammFields } from './amm.ts';
import { type Context, POOLS_CONNECTOR } from './context.ts';
import { swapFields } from './fields.ts';
import { readSwap, type Swap } from './swap-request.ts';

/** Fields of a swap that names a pool. */
export const ammSwapFields = {
  ...swapFields,
  connector: ammFields.connector.optional(),
  poolAddress: ammFields.poolAddress.optional(),
};

export interface AmmSwap extends Swap {
  poolAddress: string;
  /** What the pool's price is before the swap, quote per base. */
  spot: Price;
}

/**
 * A swap of the assets of a pool that holds something. The ledger gives every swap the better of book and pool; nobody can
 * make it take the pool.
 * @throws `invalid-params`, `no-route-found`
 */
export async function readAmmSwap(
  fields: z.infer<z.ZodObject<typeof ammSwapFields>>,
  context: Context,
  signal: AbortSignal,
): Promise<AmmSwap> {
  const swap = readSwap(fields, context, POOLS_CONNECTOR);
  const { base, quote } = swap.request;
  const { id } = poolIdentity(base, quote);
  if (fields.poolAddress !== undefined && fields.poolAddress !== id) {
    throw connectorError('invalid-params', 'poolAddress is not the pool of baseToken and quoteToken', {
      field: 'poolAddress',
    });
  }
  const pool = await context.ledger.pool(id, signal);
  if (pool === undefined || pool.totalShares === 0n) {
    throw connectorError('no-route-found', 'the pool of baseToken and quoteToken holds nothing');
  }
  const [a, b] = pool.reserves;
  const spot = pool.assets[0] === base ? { numerator: b, denominator: a } : { numerator: a, denominator: b };
  return { ...swap, poolAddress: id, spot };
}
