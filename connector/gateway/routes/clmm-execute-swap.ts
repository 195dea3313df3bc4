import * as z from 'zod';
import { formatAmount } from '../../market/amount.ts';
import { clmmSwapFields, readClmmSwap, walletAddress } from '../clmm.ts';
import { defineRoute } from '../route.ts';
import { swapAnswer, swapResult } from '../swap-answer.ts';

/** Swaps now, within `slippagePct`, as the router does. Held until a ledger has it. */
export const clmmExecuteSwap = defineRoute({
  method: 'post',
  path: '/trading/clmm/execute-swap',
  summary: 'Swaps the assets of a market, at the market',
  body: z.strictObject({ ...clmmSwapFields, walletAddress }),
  result: swapResult,
  async handle({ body }, context, signal, caller) {
    const { request, poolAddress, slippagePct } = readClmmSwap(body, context);
    const { base, quote, side, amount } = request;
    caller.note({ pool: poolAddress, market: `${base}-${quote}`, side, amount: formatAmount(amount) });
    return swapAnswer(await context.swaps.execute(request, caller.requestId, signal), caller, slippagePct);
  },
});
