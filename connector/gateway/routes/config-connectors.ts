import * as z from 'zod';
import { CHAIN, CONNECTOR, POOLS_CONNECTOR } from '../context.ts';
import { defineRoute } from '../route.ts';

/** Connectors and what each can do. */
export const configConnectors = defineRoute({
  method: 'get',
  path: '/config/connectors',
  summary: 'Connectors and what each can do',
  result: z.strictObject({
    connectors: z.array(
      z.strictObject({
        name: z.string(),
        trading_types: z.array(z.enum(['router', 'amm', 'clmm'])),
        chain: z.string(),
        networks: z.array(z.string()),
      }),
    ),
  }),
  handle: (_input, { network }) => ({
    connectors: [
      { name: CONNECTOR, trading_types: ['router', 'clmm'], chain: CHAIN, networks: [network] },
      { name: POOLS_CONNECTOR, trading_types: ['amm'], chain: CHAIN, networks: [network] },
    ],
  }),
});
