import { connectorError } from '../errors.ts';
import { ceilDiv, formatRatio, MAX_STROOPS, parseDecimal, trimZeros } from './amount.ts';
import type { AssetId } from './asset.ts';

export type Side = 'BUY' | 'SELL';

/** A tolerance in percent as the exact fraction `numerator / denominator` of one. */
export interface Slippage {
  numerator: bigint;
  denominator: bigint;
}

export interface SwapRequest {
  side: Side;
  base: AssetId;
  quote: AssetId;
  /** Base, in stroops. */
  amount: bigint;
  slippage: Slippage;
}

/** One of Horizon's paths: what goes in, what comes out (stroops), through which assets. */
export interface Route {
  amountIn: bigint;
  amountOut: bigint;
  path: AssetId[];
}

/** SELL is a strict send of base, BUY a strict receive of base. Amounts in stroops. */
export interface Quote extends Route {
  side: Side;
  base: AssetId;
  quote: AssetId;
  tokenIn: AssetId;
  tokenOut: AssetId;
  /** The least that a SELL accepts; what a BUY gets. */
  minAmountOut: bigint;
  /** The most that a BUY pays; what a SELL gives. */
  maxAmountIn: bigint;
}

/** An exact price: quote per base. */
export interface Price {
  numerator: bigint;
  denominator: bigint;
}

/**
 * Percent (0 to 100, JSON number or decimal text) as an exact fraction.
 * @throws `invalid-params`
 */
export function parseSlippage(percent: string | number, field = 'slippagePct'): Slippage {
  const { digits, scale } = parseDecimal(String(percent), field);
  const denominator = 100n * 10n ** BigInt(scale);
  if (digits > denominator) throw connectorError('invalid-params', `${field} must be 0 to 100`, { field });
  return { numerator: digits, denominator };
}

export const tokenIn = ({ side, base, quote }: SwapRequest): AssetId => (side === 'SELL' ? base : quote);
export const tokenOut = ({ side, base, quote }: SwapRequest): AssetId => (side === 'SELL' ? quote : base);

/**
 * The best of Horizon's routes that passes only through `allowed` assets (the signer signs no others) and through
 * neither end twice; the shorter one of equals. Undefined if there is none.
 */
export function bestRoute(
  request: SwapRequest,
  routes: readonly Route[],
  allowed: ReadonlySet<AssetId>,
): Route | undefined {
  const usable = routes.filter(
    ({ path, amountIn, amountOut }) =>
      amountIn > 0n &&
      amountOut > 0n &&
      path.every((asset) => allowed.has(asset) && asset !== request.base && asset !== request.quote),
  );
  return usable.reduce<Route | undefined>((best, route) => {
    if (best === undefined) return route;
    const gain = request.side === 'SELL' ? route.amountOut - best.amountOut : best.amountIn - route.amountIn;
    return gain > 0n || (gain === 0n && route.path.length < best.path.length) ? route : best;
  }, undefined);
}

/**
 * The quote of a route. The least accepted is rounded up and the most paid rounded down, so that the tolerance is
 * never exceeded by a stroop.
 * @throws `ledger-untrusted` when the route is not for the amount asked
 */
export function quoteRoute(request: SwapRequest, route: Route): Quote {
  const { side, slippage, amount } = request;
  if ((side === 'SELL' ? route.amountIn : route.amountOut) !== amount) {
    throw connectorError('ledger-untrusted', 'Horizon answered a path for another amount than asked');
  }
  const { numerator, denominator } = slippage;
  const least = ceilDiv(route.amountOut * (denominator - numerator), denominator);
  let most = (route.amountIn * (denominator + numerator)) / denominator;
  if (most > MAX_STROOPS) most = MAX_STROOPS;
  return {
    ...route,
    side,
    base: request.base,
    quote: request.quote,
    tokenIn: tokenIn(request),
    tokenOut: tokenOut(request),
    minAmountOut: side === 'SELL' ? (least > 1n ? least : 1n) : route.amountOut,
    maxAmountIn: side === 'BUY' ? most : route.amountIn,
  };
}

/** Quote per base of the whole amount, for both sides. */
export function quotePrice({ side, amountIn, amountOut }: Quote): Price {
  return side === 'SELL'
    ? { numerator: amountOut, denominator: amountIn }
    : { numerator: amountIn, denominator: amountOut };
}

export const formatPrice = ({ numerator, denominator }: Price): string => formatRatio(numerator, denominator);

/**
 * By how many percent the quote is worse than the best price of the book (four decimals at most, never negative:
 * a path through pools may be better). `best` undefined (nobody on that side of the book) gives `0`.
 */
export function priceImpactPct(quote: Quote, best: Price | undefined): string {
  if (best === undefined || best.numerator === 0n) return '0';
  const price = quotePrice(quote);
  const own = price.numerator * best.denominator;
  const top = best.numerator * price.denominator;
  const worse = quote.side === 'SELL' ? top - own : own - top;
  if (worse <= 0n) return '0';
  const scaled = (worse * 1_000_000n) / top;
  return trimZeros(`${scaled / 10_000n}.${(scaled % 10_000n).toString().padStart(4, '0')}`, 0);
}
