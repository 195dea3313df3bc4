import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import { assetName, chainNetwork, message, savedMessage } from '../fields.ts';
import { defineRoute } from '../route.ts';

/** Saves a token under its code. The name that a client sends is not kept: it is made from code and issuer. */
export const tokenAdd = defineRoute({
  method: 'post',
  path: '/tokens',
  kind: 'read',
  summary: 'Saves a token in the list',
  body: z.strictObject({
    chainNetwork,
    token: z.strictObject({
      symbol: assetName,
      address: assetName,
      decimals: z.literal(7, 'must be 7, as the ledger keeps seven decimals'),
      name: z.string().max(200).optional(),
      chainId: z.number().optional(),
    }),
  }),
  result: message,
  handle({ body: { token } }, context) {
    const { symbol, address } = context.tokenList.describe(token.address);
    if (token.symbol !== symbol && token.symbol !== address) {
      const only =
        symbol === address ? 'its code is, or looks like, the one of another token' : 'not its code';
      throw connectorError('invalid-params', `token.symbol: ${only}; this token goes by ${symbol}`);
    }
    const { added } = context.tokenList.save(address);
    return { message: savedMessage(`Token ${symbol}`, 'token', added, context) };
  },
});
