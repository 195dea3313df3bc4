import * as z from 'zod';
import { formatAmount, formatFee } from '../market/amount.ts';
import { formatPrice, type Price, priceImpactPct, type Quote, quotePrice } from '../market/quote.ts';
import type { SwapReceipt } from '../orders/swap.ts';
import type { Caller } from './caller.ts';
import type { Context } from './context.ts';
import { changed } from './fields.ts';
import type { Swap } from './swap-request.ts';

const text = z.string();

export const quoteFields = {
  ...{ tokenIn: text, tokenOut: text, amountIn: text, amountOut: text, price: text, priceImpactPct: text },
  ...{ minAmountOut: text, maxAmountIn: text, slippagePct: text, routePath: text },
};
export const poolQuote = z.strictObject({ poolAddress: text, ...quoteFields });

/** A quote as the contract shows it; `price` is quote per base on both sides, `best` what it would be for next to nothing. */
export function showQuote(quote: Quote, best: Price | undefined, { slippagePct }: Swap, context: Context) {
  const symbols = [quote.tokenIn, ...quote.path, quote.tokenOut].map(
    (asset) => context.tokens.find(({ address }) => address === asset)?.symbol ?? asset,
  );
  return {
    ...{ tokenIn: quote.tokenIn, tokenOut: quote.tokenOut },
    ...{ amountIn: formatAmount(quote.amountIn), amountOut: formatAmount(quote.amountOut) },
    price: formatPrice(quotePrice(quote)),
    priceImpactPct: priceImpactPct(quote, best),
    ...{ minAmountOut: formatAmount(quote.minAmountOut), maxAmountIn: formatAmount(quote.maxAmountIn) },
    ...{ slippagePct, routePath: symbols.join(' -> ') },
  };
}

export const swapResult = changed({
  ...{ tokenIn: text, tokenOut: text, amountIn: text, amountOut: text },
  ...{ baseTokenBalanceChange: text, quoteTokenBalanceChange: text, slippagePct: text.optional() },
});

/** Swaps at the market of the moment; answered when a ledger has it. @throws those of `Swaps.execute` */
export async function executeNow(
  { request, poolAddress, slippagePct }: Swap,
  context: Context,
  signal: AbortSignal,
  caller: Caller,
): Promise<z.infer<typeof swapResult>> {
  const { base, quote, side, amount } = request;
  caller.note({ market: `${base}-${quote}`, side, amount: formatAmount(amount) });
  if (poolAddress !== undefined) caller.note({ pool: poolAddress });
  return swapAnswer(await context.swaps.execute(request, caller.requestId, signal), caller, slippagePct);
}

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
      ...{ tokenIn: quote.tokenIn, tokenOut: quote.tokenOut },
      ...{ amountIn: formatAmount(amountIn), amountOut: taken, fee: formatFee(fee) },
      baseTokenBalanceChange: quote.side === 'SELL' ? given : taken,
      quoteTokenBalanceChange: quote.side === 'SELL' ? taken : given,
      ...(slippagePct === undefined ? {} : { slippagePct }),
    },
  };
}
