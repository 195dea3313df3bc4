import * as z from 'zod';
import { formatAmount } from '../../market/amount.ts';
import { decimal } from '../context.ts';
import { assetName, chainNetwork } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { swapAnswer, swapResult } from '../swap-answer.ts';
import { readSwap, slippagePctOf } from '../swap-request.ts';

/**
 * Swaps now, at the market within `slippagePct`. The answer is held until a ledger has the transaction, and its
 * amounts are what really moved: the client could not learn them later.
 */
export const executeSwap = defineRoute({
  method: 'post',
  path: '/trading/router/execute-swap',
  summary: 'Swaps by path payment, at the market',
  body: z.strictObject({
    chainNetwork,
    connector: z.string().max(64).optional(),
    walletAddress: z.string().max(80),
    baseToken: assetName,
    quoteToken: assetName,
    amount: decimal,
    side: z.enum(['BUY', 'SELL']),
    slippagePct: decimal.optional(),
  }),
  result: swapResult,
  handle: async ({ body }, context, signal, caller) => {
    const request = readSwap(body, context);
    const { base, quote, side, amount } = request;
    caller.note({ market: `${base}-${quote}`, side, amount: formatAmount(amount) });
    const receipt = await context.swaps.execute(request, caller.requestId, signal);
    return swapAnswer(receipt, caller, slippagePctOf(body, context));
  },
});
