import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import { NATIVE_SYMBOL } from '../../market/asset.ts';
import { CHAIN, CONNECTOR, type Context, chainNetworkOf } from '../context.ts';
import { defineRoute } from '../route.ts';

/**
 * Configuration as the client reads it: `defaultWallet` of the chain, `swapProvider`, `nativeCurrencySymbol` and
 * `nodeURL` of the network, whose namespace has the chain's fields too. All of it comes from the StellarConnector.
 */
export const config = defineRoute({
  method: 'get',
  path: '/config',
  query: z.strictObject({ namespace: z.string().max(64).optional() }),
  handle: ({ query: { namespace } }, context) => {
    const all = namespaces(context);
    if (namespace === undefined) return all;
    const one = Object.hasOwn(all, namespace) ? all[namespace] : undefined;
    if (one === undefined) throw connectorError('not-found', 'no such namespace; see /config/namespaces');
    return one;
  },
});

function namespaces(context: Context): Record<string, object> {
  const chain = { defaultNetwork: context.network, defaultWallet: context.file.account };
  return {
    server: {},
    [CHAIN]: chain,
    [chainNetworkOf(context)]: {
      ...chain,
      nodeURL: context.horizon.url,
      nativeCurrencySymbol: NATIVE_SYMBOL,
      swapProvider: `${CONNECTOR}/router`,
    },
  };
}
