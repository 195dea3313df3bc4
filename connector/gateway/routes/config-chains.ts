import { CHAIN } from '../context.ts';
import { defineRoute } from '../route.ts';

/** Chains and networks, from which the client makes its `chain-network` names. */
export const configChains = defineRoute({
  method: 'get',
  path: '/config/chains',
  handle: (_input, { network }) => ({ chains: [{ chain: CHAIN, networks: [network] }] }),
});
