import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import { chainNetwork } from '../fields.ts';
import { poolSchema } from '../lists/pools.ts';
import { poolConnector, poolType, readPair, typeOf } from '../pool-fields.ts';
import { defineRoute } from '../route.ts';

/** The pool of a pair, by which the client learns its address. */
export const pool = defineRoute({
  method: 'get',
  path: '/pools/:tradingPair',
  summary: 'The pool of a pair',
  params: z.strictObject({ tradingPair: z.string().max(161) }),
  query: z.strictObject({ chainNetwork, type: poolType, connector: poolConnector.optional() }),
  result: poolSchema,
  async handle({ params, query }, context, signal) {
    const type = typeOf(query);
    const [found] = await context.poolList.find(
      { type, pair: readPair(params.tradingPair, context) },
      signal,
    );
    if (found === undefined) {
      const where = type === 'amm' ? 'the ledger has no such pool, or it is not saved' : 'no such market';
      throw connectorError('not-found', `no ${type} pool of that pair is listed: ${where}`);
    }
    return found;
  },
});
