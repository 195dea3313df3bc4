import * as z from 'zod';
import { CHAIN } from '../context.ts';
import { defineRoute } from '../route.ts';
import { privateKey, requireSigner, signerAddress } from '../wallet-fields.ts';

/** The signer's account is the default, and the only one. */
export const walletSetDefault = defineRoute({
  method: 'post',
  path: '/wallet/setDefault',
  kind: 'read',
  summary: 'Confirms the default account',
  body: z.strictObject({
    chain: z.literal(CHAIN),
    address: signerAddress,
    setDefault: z.boolean().optional(),
    privateKey,
  }),
  result: z.strictObject({ message: z.string(), chain: z.string(), address: z.string() }),
  handle({ body }, context) {
    requireSigner(body, context);
    const { chain } = body;
    const address = context.file.account;
    return { message: `Successfully set default wallet for ${chain} to ${address}`, chain, address };
  },
});
