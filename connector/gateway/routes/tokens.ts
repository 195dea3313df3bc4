import * as z from 'zod';
import { chainNetwork, matches, tokenSchema } from '../fields.ts';
import { defineRoute } from '../route.ts';

/** The assets of the listed markets and the saved ones. `decimals` sets the client's order quantum of 1e-7. */
export const tokens = defineRoute({
  method: 'get',
  path: '/tokens',
  summary: 'Tokens of the list',
  query: z.strictObject({ chainNetwork, search: z.string().max(80).optional() }),
  result: z.strictObject({ tokens: z.array(tokenSchema) }),
  handle: ({ query }, context) => ({
    tokens: context.tokens.filter((token) =>
      matches(query.search, [token.symbol, token.name, token.address]),
    ),
  }),
});
