import { CHAIN, CONNECTOR } from '../context.ts';
import { defineRoute } from '../route.ts';

/** Connectors and what each can do. */
export const configConnectors = defineRoute({
  method: 'get',
  path: '/config/connectors',
  handle: (_input, { network }) => ({
    connectors: [{ name: CONNECTOR, trading_types: ['router'], chain: CHAIN, networks: [network] }],
  }),
});
