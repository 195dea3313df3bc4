import { CHAIN, chainNetworkOf } from '../context.ts';
import { defineRoute } from '../route.ts';

/** Names that `GET /config` takes. */
export const configNamespaces = defineRoute({
  method: 'get',
  path: '/config/namespaces',
  handle: (_input, context) => ({ namespaces: ['server', CHAIN, chainNetworkOf(context)] }),
});
