import { crc32 } from 'node:zlib';
import type { BookLevel, BookLevels, OfferEntry } from '../ledger/types.ts';
import { formatAmount, MAX_STROOPS } from './amount.ts';
import type { Market } from './asset.ts';
import type { Price } from './quote.ts';

/** Levels that the checksum covers on each side. */
const CHECKED = 25;

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b));

export function reduce({ numerator, denominator }: Price): Price {
  const by = gcd(numerator, denominator);
  return { numerator: numerator / by, denominator: denominator / by };
}

export const priceKey = (price: Price): string => {
  const { numerator, denominator } = reduce(price);
  return `${numerator}/${denominator}`;
};

export const byPrice = (a: { price: Price }, b: { price: Price }): number => {
  const difference = a.price.numerator * b.price.denominator - b.price.numerator * a.price.denominator;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
};

/**
 * The levels of single offers, as Horizon adds them up: those of one price together, a bid's amount in base as what the
 * quote on offer takes at that price, rounded down.
 */
export function levelsOf({ base }: Market, { asks, bids }: Offers): BookLevels {
  const add = (offers: readonly OfferEntry[]): BookLevel[] => {
    const byKey = new Map<string, BookLevel>();
    for (const { price: own, amount, selling } of offers) {
      const price = reduce(
        selling === base ? own : { numerator: own.denominator, denominator: own.numerator },
      );
      const key = priceKey(price);
      byKey.set(key, { price, amount: (byKey.get(key)?.amount ?? 0n) + amount });
    }
    return [...byKey.values()];
  };
  const taken = ({ price, amount: offered }: BookLevel): BookLevel => {
    const amount = (offered * price.denominator) / price.numerator;
    return amount > MAX_STROOPS ? { price, amount: MAX_STROOPS } : { price, amount };
  };
  return {
    asks: add(asks).sort(byPrice),
    bids: add(bids)
      .map(taken)
      .filter(({ amount }) => amount > 0n)
      .sort((a, b) => byPrice(b, a)),
  };
}

/** Changed levels from `before` to `after`, 0n for one that is gone. Prices are reduced. */
export function difference(before: BookLevels, after: BookLevels): BookLevels {
  const side = (old: readonly BookLevel[], now: readonly BookLevel[]): BookLevel[] => {
    const left = new Map(old.map((level) => [priceKey(level.price), level]));
    const changed: BookLevel[] = [];
    for (const { price, amount } of now) {
      const key = priceKey(price);
      if (left.get(key)?.amount !== amount) changed.push({ price: reduce(price), amount });
      left.delete(key);
    }
    return [...changed, ...[...left.values()].map(({ price }) => ({ price: reduce(price), amount: 0n }))];
  };
  return { bids: side(before.bids, after.bids), asks: side(before.asks, after.asks) };
}

/** A book with a difference put into it: what a client does. */
export function applied(book: BookLevels, changes: BookLevels): BookLevels {
  const side = (old: readonly BookLevel[], change: readonly BookLevel[]): BookLevel[] => {
    const levels = new Map(old.map((level) => [priceKey(level.price), level]));
    for (const level of change) {
      if (level.amount === 0n) levels.delete(priceKey(level.price));
      else levels.set(priceKey(level.price), level);
    }
    return [...levels.values()].sort(byPrice);
  };
  return { bids: side(book.bids, changes.bids).reverse(), asks: side(book.asks, changes.asks) };
}

/**
 * CRC-32 (ISO-HDLC, as zlib) over the text of the first 25 levels a side, best first, bids before asks: for each level
 * `<numerator>/<denominator>:<amount>`, price in lowest terms, amount of base with seven decimals, joined by `,`.
 */
export function checksum({ bids, asks }: BookLevels): number {
  const text = [...bids.slice(0, CHECKED), ...asks.slice(0, CHECKED)].map(
    ({ price, amount }) => `${priceKey(price)}:${formatAmount(amount)}`,
  );
  return crc32(text.join(','));
}

/** The first `depth` levels of a side are the same. */
export function sameTop(a: readonly BookLevel[], b: readonly BookLevel[], depth: number): boolean {
  const [one, other] = [a.slice(0, depth), b.slice(0, depth)];
  return (
    one.length === other.length &&
    one.every(({ price, amount }, at) => amount === other[at]!.amount && byPrice({ price }, other[at]!) === 0)
  );
}

export interface Offers {
  /** Sell base, best price first. */
  asks: readonly OfferEntry[];
  /** Sell quote, best price first. */
  bids: readonly OfferEntry[];
}

/**
 * Offers behind levels: those that are known where they still add up to the level, else one in the place of all, which
 * is ours if one of them was. The place-holder has the id ``, and what it gives may differ by a stroop for each offer.
 */
export function offersBehind(market: Market, levels: BookLevels, known: Offers, account: string): Offers {
  const { base, quote } = market;
  const sums = levelsOf(market, known);
  const side = (now: readonly BookLevel[], had: readonly BookLevel[], offers: readonly OfferEntry[]) => {
    const isBid = now === levels.bids;
    const turned = ({ numerator, denominator }: Price): Price =>
      isBid ? { numerator: denominator, denominator: numerator } : { numerator, denominator };
    const amounts = new Map(had.map(({ price, amount }) => [priceKey(price), amount]));
    const byKey = Map.groupBy(offers, ({ price }) => priceKey(turned(price)));
    return now.flatMap(({ price, amount }): OfferEntry[] => {
      const key = priceKey(price);
      const these = byKey.get(key) ?? [];
      if (amounts.get(key) === amount) return these;
      const seller = these.some((offer) => offer.seller === account) ? account : '';
      const [selling, buying] = isBid ? [quote, base] : [base, quote];
      const given = isBid ? (amount * price.numerator) / price.denominator : amount;
      return [{ id: '', seller, selling, buying, amount: given, price: turned(price) }];
    });
  };
  return { asks: side(levels.asks, sums.asks, known.asks), bids: side(levels.bids, sums.bids, known.bids) };
}

/** Of a book, what is our own at each level: by its key, stroops of base. */
export function ownLevels(
  market: Market,
  offers: readonly OfferEntry[],
  account: string,
): { bids: ReadonlyMap<string, bigint>; asks: ReadonlyMap<string, bigint> } {
  const own = offers.filter(({ seller }) => seller === account);
  const levels = levelsOf(market, {
    asks: own.filter(({ selling, buying }) => selling === market.base && buying === market.quote),
    bids: own.filter(({ selling, buying }) => selling === market.quote && buying === market.base),
  });
  const keyed = (side: readonly BookLevel[]) =>
    new Map(side.map(({ price, amount }) => [priceKey(price), amount]));
  return { bids: keyed(levels.bids), asks: keyed(levels.asks) };
}
