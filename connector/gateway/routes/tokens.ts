import * as z from 'zod';
import { requireChainNetwork } from '../context.ts';
import { defineRoute } from '../route.ts';

/** The assets of the listed markets. `decimals` sets the client's order quantum of 1e-7. */
export const tokens = defineRoute({
  method: 'get',
  path: '/tokens',
  query: z.strictObject({ chainNetwork: z.string(), search: z.string().max(64).optional() }),
  handle: ({ query: { chainNetwork, search } }, context) => {
    requireChainNetwork(chainNetwork, context);
    const wanted = (search ?? '').toLowerCase();
    const matches = (text: string): boolean => text.toLowerCase().includes(wanted);
    return {
      tokens: context.tokens.filter((token) => [token.symbol, token.name, token.address].some(matches)),
    };
  },
});
