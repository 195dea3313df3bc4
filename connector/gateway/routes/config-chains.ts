import * as z from 'zod';
import { CHAIN } from '../context.ts';
import { defineRoute } from '../route.ts';

/** Chains and networks, from which the client makes its `chain-network` names. */
export const configChains = defineRoute({
  method: 'get',
  path: '/config/chains',
  summary: 'Chains and networks',
  result: z.strictObject({
    chains: z.array(z.strictObject({ chain: z.string(), networks: z.array(z.string()) })),
  }),
  handle: (_input, { network }) => ({ chains: [{ chain: CHAIN, networks: [network] }] }),
});
