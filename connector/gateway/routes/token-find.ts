import * as z from 'zod';
import { assetName, chainNetwork, tokenSchema } from '../fields.ts';
import { defineRoute } from '../route.ts';

/** What saving that address would put into the list. */
export const tokenFind = defineRoute({
  method: 'get',
  path: '/tokens/find/:address',
  summary: 'Describes a token by its address, saved or not',
  params: z.strictObject({ address: assetName }),
  query: z.strictObject({ chainNetwork }),
  result: tokenSchema,
  handle({ params }, context) {
    return context.tokenList.describe(params.address);
  },
});
