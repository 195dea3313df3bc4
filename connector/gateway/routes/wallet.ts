import * as z from 'zod';
import { CHAIN } from '../context.ts';
import { defineRoute } from '../route.ts';

/** The signer's account, shown as a hardware wallet: its key is not here. */
export const wallet = defineRoute({
  method: 'get',
  path: '/wallet',
  summary: 'The account of the signer, as a hardware wallet',
  query: z.strictObject({ showHardware: z.enum(['true', 'false']).optional() }),
  result: z.array(
    z.strictObject({
      chain: z.string(),
      walletAddresses: z.array(z.string()),
      hardwareWalletAddresses: z.array(z.string()).optional(),
    }),
  ),
  handle: ({ query: { showHardware } }, { file }) => [
    {
      chain: CHAIN,
      walletAddresses: [],
      ...(showHardware === 'true' ? { hardwareWalletAddresses: [file.account] } : {}),
    },
  ],
});
