import { connectorError } from '../errors.ts';
import { ceilDiv, least } from '../market/amount.ts';
import type { Price, Side } from '../market/quote.ts';

/** A fraction as the ledger keeps prices: both 1 to 2^31 − 1. Quote per base here. */
export interface Fraction {
  n: bigint;
  d: bigint;
}

/** Largest numerator or denominator (int32). */
const MAX = 2_147_483_647n;
/** A price further than this from the one asked (one in so many) is refused instead of used. */
const PRECISION = 1_000_000n;

/**
 * The fraction of 32-bit numbers next to a price that is never worse for us than asked: at or above it for SELL, at or
 * below it for BUY. Exact where the price can be written so.
 * @throws `invalid-params` when the nearest is further than a millionth away: prices below 2^-31 or above 2^31
 */
export function ledgerPrice(side: Side, price: Price, field = 'price'): Fraction {
  const { numerator: n, denominator: d } = price;
  if (n <= 0n || d <= 0n) throw connectorError('invalid-params', `${field} must be above zero`, { field });
  const found = side === 'BUY' ? below({ n, d }) : invert(below({ n: d, d: n }));
  const off = found.n * d - n * found.d;
  if (found.d > 0n && found.n > 0n && (off < 0n ? -off : off) * PRECISION <= n * found.d) return found;
  const message = `${field} cannot be kept by the ledger: it must lie between 0.000000001 and 2,000,000,000`;
  throw connectorError('invalid-params', message, { field });
}

const invert = ({ n, d }: Fraction): Fraction => ({ n: d, d: n });

/**
 * The largest fraction at or below `price` with both numbers up to MAX; 0/1 if there is none. A walk down the
 * Stern-Brocot tree, many steps at once: `low` ≤ price < `high` are neighbours in it, so whatever lies between them has
 * larger numbers than their sum.
 */
function below({ n, d }: Fraction): Fraction {
  let low = { n: 0n, d: 1n };
  let high = { n: 1n, d: 0n };
  for (;;) {
    const fromLow = n * low.d - d * low.n;
    const fromHigh = d * high.n - n * high.d;
    if (fromLow === 0n) return low;
    const up = within(fromLow / fromHigh, low, high);
    low = { n: low.n + up * high.n, d: low.d + up * high.d };
    const left = n * low.d - d * low.n;
    if (left === 0n) return low;
    // As far as it stays above the price.
    const down = within(ceilDiv(fromHigh, left) - 1n, high, low);
    high = { n: high.n + down * low.n, d: high.d + down * low.d };
    if (up === 0n && down === 0n) return low;
  }
}

/** The most steps, up to `steps`, of adding `step` to `from` that stay within MAX. */
function within(steps: bigint, from: Fraction, step: Fraction): bigint {
  const room = (value: bigint, by: bigint): bigint => (by === 0n ? steps : (MAX - value) / by);
  return [room(from.n, step.n), room(from.d, step.d)].reduce(least, steps);
}

/** Negative, zero or positive as `a` is below, at or above `b`. */
export function comparePrices(a: Price, b: Price): number {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export const toPrice = ({ n, d }: Fraction): Price => ({ numerator: n, denominator: d });

/** What an order of `amount` base at a price gives and gets, stroops: the most that leaves, the least that comes. */
export function tradeAmounts(side: Side, amount: bigint, { n, d }: Fraction): { give: bigint; get: bigint } {
  return side === 'SELL'
    ? { give: amount, get: (amount * n) / d }
    : { give: ceilDiv(amount * n, d), get: amount };
}

/**
 * Whether an offer of that much would rest in the book: the ledger cuts an offer to what can be traded within 1 % of its
 * price, and deletes it when that is nothing (`adjustOffer` of stellar-core, CAP-0004).
 */
export function canRest(side: Side, amount: bigint, price: Fraction): boolean {
  // The offer sells wheat at sheep per wheat: base for SELL, quote for BUY.
  const { n, d } = side === 'SELL' ? price : invert(price);
  const value = side === 'SELL' ? amount * n : amount * d;
  const wheat = n > d ? value / n : ceilDiv((value / d) * d, n);
  const sheep = n > d ? (wheat * n) / d : value / d;
  const error = n * wheat - d * sheep;
  return wheat > 0n && sheep > 0n && 100n * (error < 0n ? -error : error) <= n * wheat;
}
