import * as z from 'zod';
import { formatAmount, formatFee } from '../market/amount.ts';
import { formatPrice, quotePrice } from '../market/quote.ts';
import type { SwapReceipt } from '../orders/swap.ts';
import type { Caller } from './caller.ts';

export const swapResult = z.strictObject({
  signature: z.string(),
  status: z.literal(1),
  data: z.strictObject({
    tokenIn: z.string(),
    tokenOut: z.string(),
    amountIn: z.string(),
    amountOut: z.string(),
    fee: z.string(),
    baseTokenBalanceChange: z.string(),
    quoteTokenBalanceChange: z.string(),
    slippagePct: z.string().optional(),
  }),
});

/** The contract's answer to a swap that a ledger has: what really moved. Notes it for the audit too. */
export function swapAnswer(
  { hash, quote, amountIn, amountOut, fee }: SwapReceipt,
  caller: Caller,
  slippagePct?: string,
): z.infer<typeof swapResult> {
  caller.note({
    market: `${quote.base}-${quote.quote}`,
    side: quote.side,
    amount: formatAmount(quote.side === 'SELL' ? amountIn : amountOut),
    price: formatPrice(quotePrice({ ...quote, amountIn, amountOut })),
  });
  const [given, taken] = [formatAmount(-amountIn), formatAmount(amountOut)];
  return {
    signature: hash,
    status: 1,
    data: {
      tokenIn: quote.tokenIn,
      tokenOut: quote.tokenOut,
      amountIn: formatAmount(amountIn),
      amountOut: taken,
      fee: formatFee(fee),
      baseTokenBalanceChange: quote.side === 'SELL' ? given : taken,
      quoteTokenBalanceChange: quote.side === 'SELL' ? taken : given,
      ...(slippagePct === undefined ? {} : { slippagePct }),
    },
  };
}
