import * as z from 'zod';
import { assetName, chainNetwork, savedMessage, tokenSchema } from '../fields.ts';
import { defineRoute } from '../route.ts';

/** Saves an asset by its address; code and issuer say all that the list holds of it. */
export const tokenSave = defineRoute({
  method: 'post',
  path: '/tokens/save/:address',
  kind: 'read',
  summary: 'Saves a token by its address',
  params: z.strictObject({ address: assetName }),
  query: z.strictObject({ chainNetwork }),
  result: z.strictObject({ message: z.string(), token: tokenSchema }),
  handle({ params }, context) {
    const { token, added } = context.tokenList.save(params.address);
    return { message: savedMessage(`Token ${token.symbol}`, 'token', added, context), token };
  },
});
