import * as z from 'zod';
import { assetName, chainNetwork, listName, message } from '../fields.ts';
import { defineRoute } from '../route.ts';

/** Forgets a saved token; those of listed markets stay. */
export const tokenRemove = defineRoute({
  method: 'delete',
  path: '/tokens/:address',
  kind: 'read',
  summary: 'Removes a saved token from the list',
  params: z.strictObject({ address: assetName }),
  query: z.strictObject({ chainNetwork }),
  result: message,
  handle({ params }, context) {
    const { symbol } = context.tokenList.remove(params.address);
    return { message: `Token ${symbol} has been removed from the token list for ${listName(context)}` };
  },
});
