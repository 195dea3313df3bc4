import { formatAmount } from '../amount.ts';
import type { Offer } from '../ledger/entries.ts';
import type { Price } from '../ledger/exchange.ts';
import { ok, type Route } from './http.ts';
import { assetFields, formatPrice, readAsset, readLimit } from './parameters.ts';
import { problem } from './problems.ts';

interface Level {
  price_r: Price;
  price: string;
  amount: string;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Offers of one price added up, best first; a bid's amount is in what its owner sells, the counter asset. */
function levels(offers: readonly Offer[], limit: number, invert: boolean): Level[] {
  const sums = new Map<string, { price: Price; amount: bigint }>();
  for (const { price, amount } of offers) {
    const divisor = gcd(price.n, price.d);
    const [n, d] = invert ? [price.d, price.n] : [price.n, price.d];
    const reduced = { n: n / divisor, d: d / divisor };
    const key = `${reduced.n}/${reduced.d}`;
    sums.set(key, { price: reduced, amount: (sums.get(key)?.amount ?? 0n) + amount });
  }
  return [...sums.values()].slice(0, limit).map(({ price, amount }) => ({
    price_r: price,
    price: formatPrice(price),
    amount: formatAmount(amount),
  }));
}

/** GET /order_book; whatever is wrong with its parameters is the same error. */
export const orderBook: Route = {
  method: 'GET',
  pattern: /^\/order_book$/,
  fromState: true,
  streamsObject: 'changes',
  handle({ network: { state }, query }) {
    const selling = readAsset(query, 'selling');
    const buying = readAsset(query, 'buying');
    let limit: number;
    try {
      limit = readLimit(query, 20);
    } catch {
      throw problem('invalid_order_book');
    }
    if (!selling || !buying) throw problem('invalid_order_book');
    return ok({
      bids: levels(state.book(buying, selling), limit, true),
      asks: levels(state.book(selling, buying), limit, false),
      base: assetFields(selling),
      counter: assetFields(buying),
    });
  },
};
