import * as z from 'zod';
import { pollTransaction } from '../../transactions/poll.ts';
import { CHAIN, requireNetwork } from '../context.ts';
import { defineRoute } from '../route.ts';

/** The fate of a transaction: 1 applied, 0 may still apply, -1 failed, -2 not found and never will be. */
export const chainPoll = defineRoute({
  method: 'post',
  path: `/chains/${CHAIN}/poll`,
  body: z.strictObject({
    network: z.string().optional(),
    signature: z.string().regex(/^[0-9a-f]{64}$/, 'must be a transaction hash'),
  }),
  handle: ({ body }, context, signal) => {
    requireNetwork(body.network, context);
    const { horizon, store, file, now } = context;
    return pollTransaction(
      body.signature,
      { horizon, store, networkPassphrase: file.networkPassphrase, now },
      signal,
    );
  },
});
