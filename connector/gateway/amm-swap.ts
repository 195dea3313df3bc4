import * as z from 'zod';
import { connectorError } from '../errors.ts';
import { poolIdentity } from '../market/pool-id.ts';
import type { Price, SwapRequest } from '../market/quote.ts';
import { ammFields, ammSlippagePct, requireAmm } from './amm.ts';
import { type Context, decimal } from './context.ts';
import { assetName, chainNetwork } from './fields.ts';
import { readSwap } from './swap-request.ts';

/** Fields of a swap that names a pool. */
export const ammSwapFields = {
  chainNetwork,
  connector: ammFields.connector.optional(),
  poolAddress: ammFields.poolAddress.optional(),
  baseToken: assetName,
  quoteToken: assetName,
  amount: decimal,
  side: z.enum(['BUY', 'SELL']),
  slippagePct: decimal.optional(),
};

type Fields = z.infer<z.ZodObject<typeof ammSwapFields>>;

export interface AmmSwap {
  request: SwapRequest;
  poolAddress: string;
  slippagePct: string;
  /** What the pool's price is before the swap, quote per base. */
  spot: Price;
}

/**
 * A swap of the assets of a pool that holds something. The ledger gives every swap the better of book and pool; nobody can
 * make it take the pool.
 * @throws `invalid-params`, `no-route-found`
 */
export async function readAmmSwap(
  fields: Fields & { walletAddress?: string | undefined },
  context: Context,
  signal: AbortSignal,
): Promise<AmmSwap> {
  requireAmm(fields, context);
  const slippagePct = ammSlippagePct(fields, context);
  const request = readSwap({ ...fields, slippagePct, connector: undefined }, context);
  const { id } = poolIdentity(request.base, request.quote);
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
  const spot =
    pool.assets[0] === request.base ? { numerator: b, denominator: a } : { numerator: a, denominator: b };
  return { request, poolAddress: id, slippagePct, spot };
}
