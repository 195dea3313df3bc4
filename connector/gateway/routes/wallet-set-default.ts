import * as z from 'zod';
import { defineRoute } from '../route.ts';
import { requireSigner, walletBody } from '../wallet-fields.ts';

/** The signer's account is the default, and the only one. */
export const walletSetDefault = defineRoute({
  method: 'post',
  path: '/wallet/setDefault',
  kind: 'read',
  summary: 'Confirms the default account',
  body: walletBody,
  result: z.strictObject({ message: z.string(), chain: z.string(), address: z.string() }),
  handle({ body }, context) {
    requireSigner(body, context);
    const { chain } = body;
    const address = context.file.account;
    return { message: `Successfully set default wallet for ${chain} to ${address}`, chain, address };
  },
});
