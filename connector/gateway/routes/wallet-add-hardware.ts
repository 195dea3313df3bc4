import * as z from 'zod';
import { defineRoute } from '../route.ts';
import { requireSigner, walletBody } from '../wallet-fields.ts';

/** The signer's own account, which is there anyway. No key is in this call; a field that could hold one is refused. */
export const walletAddHardware = defineRoute({
  method: 'post',
  path: '/wallet/add-hardware',
  kind: 'read',
  summary: 'Confirms the account of the signer',
  body: walletBody,
  result: z.strictObject({
    address: z.string(),
    publicKey: z.string(),
    derivationPath: z.string(),
    message: z.string(),
  }),
  handle({ body }, context) {
    requireSigner(body, context);
    const { account } = context.file;
    return {
      address: account,
      publicKey: account,
      derivationPath: '',
      message:
        'The account of the signer is the wallet of this connector; its key stays in the HSM or Vault.',
    };
  },
});
