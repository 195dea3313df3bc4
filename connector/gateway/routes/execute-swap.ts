import * as z from 'zod';
import { formatAmount, formatFee } from '../../market/amount.ts';
import { DEFAULT_SLIPPAGE_PCT, decimal } from '../context.ts';
import { defineRoute } from '../route.ts';
import { readSwap } from '../swap-request.ts';

/**
 * Swaps now, at the market within `slippagePct`. The answer is held until a ledger has the transaction, and its
 * amounts are what really moved: the client could not learn them later.
 */
export const executeSwap = defineRoute({
  method: 'post',
  path: '/trading/router/execute-swap',
  body: z.strictObject({
    chainNetwork: z.string(),
    connector: z.string().optional(),
    walletAddress: z.string(),
    baseToken: z.string().max(80),
    quoteToken: z.string().max(80),
    amount: decimal,
    side: z.enum(['BUY', 'SELL']),
    slippagePct: decimal.optional(),
  }),
  handle: async ({ body }, context, signal) => {
    const { hash, quote, amountIn, amountOut, fee } = await context.swapper.execute(
      readSwap(body, context),
      signal,
    );
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
        slippagePct: String(body.slippagePct ?? DEFAULT_SLIPPAGE_PCT),
      },
    };
  },
});
