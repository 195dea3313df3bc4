import * as z from 'zod';
import { clmmSwapFields, readClmmSwap } from '../clmm.ts';
import { walletAddress } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { executeNow, swapResult } from '../swap-answer.ts';

/** Swaps now, within `slippagePct`, as the router does. Held until a ledger has it. */
export const clmmExecuteSwap = defineRoute({
  method: 'post',
  path: '/trading/clmm/execute-swap',
  summary: 'Swaps the assets of a market, at the market',
  body: z.strictObject({ ...clmmSwapFields, walletAddress }),
  result: swapResult,
  async handle({ body }, context, signal, caller) {
    return executeNow(readClmmSwap(body, context), context, signal, caller);
  },
});
