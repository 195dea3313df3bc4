import { connectorError } from '../errors.ts';
import type { Price, Side } from '../market/quote.ts';
import { canRest, comparePrices, type Fraction, ledgerPrice, tradeAmounts } from './price.ts';

export interface Rung {
  side: Side;
  /** As asked; `fraction` is what the ledger keeps. */
  price: Price;
  fraction: Fraction;
  /** Base, stroops. */
  amount: bigint;
}

export interface LadderRequest {
  lower: Price;
  upper: Price;
  /** Stroops to offer above the middle, and below it. */
  base: bigint;
  quote: bigint;
  /** Offers a side. */
  levels: number;
  /** Of the book. */
  middle: Price;
}

/**
 * Spreads amounts evenly over price levels at equal distances: base above the middle up to `upper`, quote below it down
 * to `lower`. The outermost offers stand at the bounds, the innermost one distance from the middle (or at the near bound,
 * when the middle is outside of the range). What a level cannot hold to the stroop stays free.
 * @throws `invalid-params`, which names the field
 */
export function ladder({ lower, upper, base, quote, levels, middle }: LadderRequest): Rung[] {
  if (comparePrices(lower, upper) >= 0) {
    throw connectorError('invalid-params', 'lowerPrice must be below upperPrice', { field: 'lowerPrice' });
  }
  if (base === 0n && quote === 0n) {
    const field = 'baseTokenAmount';
    throw connectorError('invalid-params', 'baseTokenAmount or quoteTokenAmount must be above zero', {
      field,
    });
  }
  return [
    ...side('SELL', base, levels, middle, lower, upper, 'baseTokenAmount'),
    ...side('BUY', quote, levels, middle, upper, lower, 'quoteTokenAmount'),
  ];
}

/** One side: from the middle, or from `near` if that is further out, to `far`. */
function side(
  of: Side,
  total: bigint,
  levels: number,
  middle: Price,
  near: Price,
  far: Price,
  field: string,
): Rung[] {
  if (total === 0n) return [];
  const outward = of === 'SELL' ? 1 : -1;
  if (comparePrices(far, middle) * outward <= 0) {
    const where = of === 'SELL' ? 'above' : 'below';
    const message = `${field} finds no price of the range ${where} the middle of the book`;
    throw connectorError('invalid-params', message, { field });
  }
  const inside = comparePrices(near, middle) * outward < 0;
  const start = inside ? middle : near;
  const steps = BigInt(inside || levels === 1 ? levels : levels - 1);
  const part = total / BigInt(levels);
  return Array.from({ length: levels }, (_, index) => {
    const step = BigInt(inside || levels === 1 ? index + 1 : index);
    const price = between(start, far, step, steps);
    const fraction = ledgerPrice(of, price, of === 'SELL' ? 'upperPrice' : 'lowerPrice');
    // The remainder of the division goes to the first.
    const share = index === 0 ? total - part * BigInt(levels - 1) : part;
    const amount = of === 'SELL' ? share : (share * fraction.d) / fraction.n;
    if (!canRest(of, amount, fraction)) {
      throw connectorError('invalid-params', `${field} is too small for ${levels} levels`, { field });
    }
    return { side: of, price, fraction, amount };
  });
}

/** `from` + (`to` − `from`) × step / steps, exactly. */
function between(from: Price, to: Price, step: bigint, steps: bigint): Price {
  const [a, b] = [from.numerator * to.denominator, to.numerator * from.denominator];
  return {
    numerator: a * (steps - step) + b * step,
    denominator: from.denominator * to.denominator * steps,
  };
}

/** What offers take out of the free funds, stroops. */
export function deposits(rungs: readonly Pick<Rung, 'side' | 'amount' | 'fraction'>[]): {
  base: bigint;
  quote: bigint;
} {
  const sum = { base: 0n, quote: 0n };
  for (const { side: of, amount, fraction } of rungs) {
    const { give } = tradeAmounts(of, amount, fraction);
    if (of === 'SELL') sum.base += give;
    else sum.quote += give;
  }
  return sum;
}
