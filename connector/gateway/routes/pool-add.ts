import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import { resolveAsset } from '../../market/asset.ts';
import { decimal } from '../context.ts';
import { assetName, chainNetwork, message, savedMessage } from '../fields.ts';
import { poolAddress, poolConnector, poolType, typeOf } from '../pool-fields.ts';
import { defineRoute } from '../route.ts';

/** Saves a pool that the ledger has; the fields must agree with it. Symbols and fee are the ledger's, not the client's. */
export const poolAdd = defineRoute({
  method: 'post',
  path: '/pools',
  kind: 'read',
  summary: 'Saves a pool in the list',
  body: z.strictObject({
    chainNetwork,
    connector: poolConnector,
    type: poolType,
    address: poolAddress,
    baseTokenAddress: assetName,
    quoteTokenAddress: assetName,
    baseSymbol: assetName.optional(),
    quoteSymbol: assetName.optional(),
    feePct: decimal.optional(),
  }),
  result: message,
  async handle({ body }, context, signal) {
    const pool = await context.poolList.get(body.address, signal);
    const given = [
      resolveAsset(body.baseTokenAddress, context.tokens, 'baseTokenAddress'),
      resolveAsset(body.quoteTokenAddress, context.tokens, 'quoteTokenAddress'),
    ];
    const own = [pool.baseTokenAddress, pool.quoteTokenAddress];
    if (pool.type !== typeOf(body) || given.toSorted().join() !== own.toSorted().join()) {
      throw connectorError('invalid-params', 'address: that pool is of another type or of other tokens');
    }
    const { added } = await context.poolList.save(body.address, signal);
    return {
      message: savedMessage(`Pool ${pool.baseSymbol}-${pool.quoteSymbol}`, 'pool', added, context),
    };
  },
});
