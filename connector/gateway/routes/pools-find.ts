import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import { resolveAsset } from '../../market/asset.ts';
import { assetName } from '../fields.ts';
import { poolSchema } from '../lists/pools.ts';
import { poolFilter, typeOf } from '../pool-fields.ts';
import { defineRoute } from '../route.ts';

/** Pools of two tokens, also one that the ledger has and nobody saved. */
export const poolsFind = defineRoute({
  method: 'get',
  path: '/pools/find',
  summary: 'Pools of two tokens, saved or not',
  query: z.strictObject({
    ...poolFilter,
    tokenA: assetName,
    tokenB: assetName,
  }),
  result: z.array(poolSchema),
  async handle({ query }, context, signal) {
    const pair = [
      resolveAsset(query.tokenA, context.tokens, 'tokenA'),
      resolveAsset(query.tokenB, context.tokens, 'tokenB'),
    ] as const;
    if (pair[0] === pair[1]) throw connectorError('invalid-params', 'tokenA and tokenB must differ');
    const type = typeOf(query);
    const found = await context.poolList.find({ type, pair }, signal);
    if (type === 'clmm' || found.some((pool) => pool.type === 'amm')) return found;
    const pool = await context.ledger.poolOf(...pair, signal);
    return pool === undefined ? found : [...found, await context.poolList.get(pool.id, signal)];
  },
});
