import * as z from 'zod';
import { ammSwapFields, readAmmSwap } from '../amm-swap.ts';
import { walletAddress } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { executeNow, swapResult } from '../swap-answer.ts';

/** Swaps now, by the pool or better, within `slippagePct`. Held until a ledger has it. */
export const ammExecuteSwap = defineRoute({
  method: 'post',
  path: '/trading/amm/execute-swap',
  summary: 'Swaps the assets of a liquidity pool, at the market',
  body: z.strictObject({ ...ammSwapFields, walletAddress }),
  result: swapResult,
  async handle({ body }, context, signal, caller) {
    return executeNow(await readAmmSwap(body, context, signal), context, signal, caller);
  },
});
