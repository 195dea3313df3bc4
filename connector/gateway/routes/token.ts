import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import { requireChainNetwork } from '../context.ts';
import { defineRoute } from '../route.ts';

/** One listed asset by symbol or address. */
export const token = defineRoute({
  method: 'get',
  path: '/tokens/:symbolOrAddress',
  params: z.strictObject({ symbolOrAddress: z.string() }),
  query: z.strictObject({ chainNetwork: z.string() }),
  handle: ({ params: { symbolOrAddress }, query: { chainNetwork } }, context) => {
    requireChainNetwork(chainNetwork, context);
    const found = context.tokens.find(
      ({ symbol, address }) => symbol === symbolOrAddress || address === symbolOrAddress,
    );
    if (found === undefined) throw connectorError('not-found', 'no such token is listed');
    return { token: found, chainNetwork };
  },
});
