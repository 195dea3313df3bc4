import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import { savedMessage } from '../fields.ts';
import { poolSchema } from '../lists/pools.ts';
import { poolAddress, poolFilter, typeOf } from '../pool-fields.ts';
import { defineRoute } from '../route.ts';

/** Saves a pool of the ledger by its id, with the tokens that it needs. */
export const poolSave = defineRoute({
  method: 'post',
  path: '/pools/save/:address',
  kind: 'read',
  summary: 'Saves a pool by its address',
  params: z.strictObject({ address: poolAddress }),
  query: z.strictObject(poolFilter),
  result: z.strictObject({ message: z.string(), pool: poolSchema, tokensAdded: z.array(z.string()) }),
  async handle({ params, query }, context, signal) {
    const type = typeOf(query);
    const found = await context.poolList.get(params.address, signal);
    if (type !== undefined && found.type !== type) {
      throw connectorError('invalid-params', `type: that pool is of type ${found.type}`, { field: 'type' });
    }
    const { pool, added, tokensAdded } = await context.poolList.save(params.address, signal);
    return {
      message: savedMessage(`Pool ${pool.baseSymbol}-${pool.quoteSymbol}`, 'pool', added, context),
      pool,
      tokensAdded,
    };
  },
});
