import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import { NATIVE_SYMBOL } from '../../market/asset.ts';
import { CHAIN, CONNECTOR, type Context, chainNetworkOf, POOLS_CONNECTOR } from '../context.ts';
import { defineRoute } from '../route.ts';

/**
 * Configuration as the client reads it: `defaultWallet` of the chain, `swapProvider`, `nativeCurrencySymbol` and
 * `nodeURL` of the network, whose namespace has the chain's fields too. All of it comes from the StellarConnector, but
 * for the preferences that clients set.
 */
export const config = defineRoute({
  method: 'get',
  path: '/config',
  summary: 'Configuration, of one namespace or all',
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
  const { preferences } = context;
  const network = chainNetworkOf(context);
  const slippage = (name: string) => ({ slippagePct: preferences.get(name, 'slippagePct') });
  const chain = { defaultNetwork: context.network, defaultWallet: context.file.account };
  return {
    server: {},
    [CHAIN]: chain,
    [network]: {
      ...chain,
      nodeURL: context.file.horizon.endpoints[0]?.url,
      nativeCurrencySymbol: NATIVE_SYMBOL,
      swapProvider: preferences.get(network, 'swapProvider'),
    },
    [CONNECTOR]: slippage(CONNECTOR),
    [POOLS_CONNECTOR]: slippage(POOLS_CONNECTOR),
  };
}
