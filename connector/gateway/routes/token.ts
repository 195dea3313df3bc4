import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import { assetName, chainNetwork, tokenSchema } from '../fields.ts';
import { defineRoute } from '../route.ts';

/** One token of the list by symbol or address. */
export const token = defineRoute({
  method: 'get',
  path: '/tokens/:symbolOrAddress',
  summary: 'One token of the list',
  params: z.strictObject({ symbolOrAddress: assetName }),
  query: z.strictObject({ chainNetwork }),
  result: z.strictObject({ token: tokenSchema, chainNetwork: z.string() }),
  handle: ({ params: { symbolOrAddress }, query }, context) => {
    const found = context.tokens.find(
      ({ symbol, address }) => symbol === symbolOrAddress || address === symbolOrAddress,
    );
    if (found === undefined) throw connectorError('not-found', 'no such token is listed');
    return { token: found, chainNetwork: query.chainNetwork };
  },
});
