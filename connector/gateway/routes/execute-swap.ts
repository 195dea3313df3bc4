import * as z from 'zod';
import { booksConnector, swapFields, walletAddress } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { executeNow, swapResult } from '../swap-answer.ts';
import { readSwap } from '../swap-request.ts';

/**
 * Swaps now, at the market within `slippagePct`. The answer is held until a ledger has the transaction, and its
 * amounts are what really moved: the client could not learn them later.
 */
export const executeSwap = defineRoute({
  method: 'post',
  path: '/trading/router/execute-swap',
  summary: 'Swaps by path payment, at the market',
  body: z.strictObject({ ...swapFields, connector: booksConnector.optional(), walletAddress }),
  result: swapResult,
  async handle({ body }, context, signal, caller) {
    return executeNow(readSwap(body, context), context, signal, caller);
  },
});
