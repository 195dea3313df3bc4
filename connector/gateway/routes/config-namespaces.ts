import * as z from 'zod';
import { CHAIN, CONNECTOR, chainNetworkOf, POOLS_CONNECTOR } from '../context.ts';
import { defineRoute } from '../route.ts';

/** Names that `GET /config` takes. */
export const configNamespaces = defineRoute({
  method: 'get',
  path: '/config/namespaces',
  summary: 'Names that GET /config takes',
  result: z.strictObject({ namespaces: z.array(z.string()) }),
  handle: (_input, context) => ({
    namespaces: ['server', CHAIN, chainNetworkOf(context), CONNECTOR, POOLS_CONNECTOR],
  }),
});
