import * as z from 'zod';
import { formatAmount } from '../../market/amount.ts';
import { ammSwapFields, readAmmSwap } from '../amm-swap.ts';
import { defineRoute } from '../route.ts';
import { swapAnswer, swapResult } from '../swap-answer.ts';

/** Swaps now, by the pool or better, within `slippagePct`. Held until a ledger has it. */
export const ammExecuteSwap = defineRoute({
  method: 'post',
  path: '/trading/amm/execute-swap',
  summary: 'Swaps the assets of a liquidity pool, at the market',
  body: z.strictObject({ ...ammSwapFields, walletAddress: z.string().max(80) }),
  result: swapResult,
  async handle({ body }, context, signal, caller) {
    const { request, poolAddress, slippagePct } = await readAmmSwap(body, context, signal);
    const { base, quote, side, amount } = request;
    caller.note({ pool: poolAddress, market: `${base}-${quote}`, side, amount: formatAmount(amount) });
    return swapAnswer(await context.swaps.execute(request, caller.requestId, signal), caller, slippagePct);
  },
});
