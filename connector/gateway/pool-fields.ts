import * as z from 'zod';
import { connectorError } from '../errors.ts';
import { type AssetId, resolveAsset } from '../market/asset.ts';
import type { Context } from './context.ts';
import { chainNetwork } from './fields.ts';
import { CONNECTOR_OF, type PoolType } from './lists/pools.ts';

export const poolType = z.enum(['amm', 'clmm']);
export const poolConnector = z.enum([CONNECTOR_OF.amm, CONNECTOR_OF.clmm]);
/** Lower-case hex: the ledger's id of a liquidity pool, or the connector's of a market. */
export const poolAddress = z.string().regex(/^[0-9a-f]{1,64}$/, 'must be the hex id of a pool');

/** By which lists of pools are narrowed. */
export const poolFilter = { chainNetwork, connector: poolConnector.optional(), type: poolType.optional() };

/** The one type that both fields allow; undefined for any. @throws `invalid-params` when they contradict each other */
export function typeOf(fields: {
  connector?: string | undefined;
  type?: PoolType | undefined;
}): PoolType | undefined {
  const { connector, type } = fields;
  if (connector === undefined) return type;
  const own = connector === CONNECTOR_OF.amm ? 'amm' : 'clmm';
  if (type === undefined || type === own) return own;
  throw connectorError('invalid-params', `type: ${connector} has pools of type ${own} only`, {
    field: 'type',
  });
}

/** `BASE-QUOTE`, each a symbol of the list or `CODE:ISSUER`. @throws `invalid-params` */
export function readPair(text: string, context: Context): readonly [AssetId, AssetId] {
  const [base, quote, ...more] = text.split('-');
  if (base === undefined || quote === undefined || more.length > 0) {
    throw connectorError('invalid-params', 'tradingPair must be BASE-QUOTE', { field: 'tradingPair' });
  }
  return [
    resolveAsset(base, context.tokens, 'tradingPair'),
    resolveAsset(quote, context.tokens, 'tradingPair'),
  ];
}
