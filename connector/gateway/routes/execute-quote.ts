import * as z from 'zod';
import { booksConnector, chainNetwork, walletAddress } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { swapAnswer, swapResult } from '../swap-answer.ts';

/** Executes a quote of this client once, within the limits that it promised. */
export const executeQuote = defineRoute({
  method: 'post',
  path: '/trading/router/execute-quote',
  summary: 'Executes a held quote',
  body: z.strictObject({
    chainNetwork,
    connector: booksConnector.optional(),
    walletAddress,
    quoteId: z.string().regex(/^[0-9a-f-]{36}$/, 'must be the quoteId of a quote'),
  }),
  result: swapResult,
  handle: async ({ body }, context, signal, caller) => {
    caller.note({ quoteId: body.quoteId });
    return swapAnswer(await context.swaps.executeQuote(body.quoteId, caller.client, signal), caller);
  },
});
