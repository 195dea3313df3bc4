import type * as z from 'zod';
import { connectorError } from '../errors.ts';
import { parseAmount } from '../market/amount.ts';
import { type AssetId, type Market, resolveAsset } from '../market/asset.ts';
import { type Price, parseSlippage, type SwapRequest } from '../market/quote.ts';
import { CONNECTOR, type Context, type POOLS_CONNECTOR } from './context.ts';
import type { swapFields } from './fields.ts';
import { isPair } from './lists/pools.ts';

export interface Swap {
  request: SwapRequest;
  /** Percent, as text for the answer. */
  slippagePct: string;
  /** Of the pool or market that the request is about. */
  poolAddress?: string;
}

/**
 * The fields that quote and swap share, resolved and exact.
 * @throws `invalid-params`, which names the field
 */
export function readSwap(
  fields: z.infer<z.ZodObject<typeof swapFields>>,
  context: Context,
  connector: typeof CONNECTOR | typeof POOLS_CONNECTOR = CONNECTOR,
): Swap {
  const base = resolveAsset(fields.baseToken, context.tokens, 'baseToken');
  const quote = resolveAsset(fields.quoteToken, context.tokens, 'quoteToken');
  if (base === quote) throw connectorError('invalid-params', 'baseToken and quoteToken must differ');
  const amount = parseAmount(fields.amount, 'amount');
  const slippagePct = slippagePctOf(fields, context, connector);
  return {
    request: { side: fields.side, base, quote, amount, slippage: parseSlippage(slippagePct) },
    slippagePct,
  };
}

/** Percent as asked, else as clients prefer. */
export const slippagePctOf = (
  { slippagePct }: { slippagePct?: string | number | undefined },
  { preferences }: Context,
  connector: typeof CONNECTOR | typeof POOLS_CONNECTOR,
): string => String(slippagePct ?? preferences.get(connector, 'slippagePct'));

/** The listed market of two assets, either way round. */
export const listedMarket = (base: AssetId, quote: AssetId, { market }: Context): Market | undefined =>
  market.markets.find((one) => isPair(one, [base, quote]));

/** The best price of the pair's book for that side, quote per base; undefined without a book or an offer. */
export function bestPrice({ side, base, quote }: SwapRequest, context: Context): Price | undefined {
  const listed = listedMarket(base, quote, context);
  const book = listed && context.market.book(listed);
  const straight = listed?.base === base;
  const best = ((side === 'SELL') === straight ? book?.bids : book?.asks)?.[0]?.price;
  if (best === undefined || straight) return best;
  return { numerator: best.denominator, denominator: best.numerator };
}
