import * as z from 'zod';
import { formatAmount } from '../../market/amount.ts';
import { formatPrice } from '../../market/quote.ts';
import { clmmFields, marketAt, poolAddress, readMarket } from '../clmm.ts';
import { defineRoute } from '../route.ts';

const text = z.string();

/** A market as a pool: its price is the middle of the book, its amounts what all offers of the kept book hold. */
export const clmmPoolInfo = defineRoute({
  method: 'get',
  path: '/trading/clmm/pool-info',
  summary: 'Price and depth of a market of the order book',
  query: z.strictObject({
    ...clmmFields,
    poolAddress,
    /** Of the contract; an order book has no bins. */
    binCount: z.union([z.number(), z.string().max(8)]).optional(),
  }),
  result: z.strictObject({
    ...{ address: text, baseTokenAddress: text, quoteTokenAddress: text, feePct: text, price: text },
    ...{ baseTokenAmount: text, quoteTokenAmount: text, activeBinId: z.int() },
  }),
  handle({ query }, context) {
    const of = marketAt(query.poolAddress, context);
    const { book, price } = readMarket(of, context);
    const base = book.asks.reduce((sum, { amount }) => sum + amount, 0n);
    const quote = book.bids.reduce(
      (sum, { amount, price: { numerator: n, denominator: d } }) => sum + (amount * n) / d,
      0n,
    );
    return {
      ...{ address: query.poolAddress, baseTokenAddress: of.base, quoteTokenAddress: of.quote },
      ...{ feePct: '0', price: formatPrice(price), activeBinId: 0 },
      ...{ baseTokenAmount: formatAmount(base), quoteTokenAmount: formatAmount(quote) },
    };
  },
});
