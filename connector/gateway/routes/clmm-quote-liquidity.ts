import * as z from 'zod';
import { formatAmount } from '../../market/amount.ts';
import { deposits, ladder } from '../../orders/ladder.ts';
import { clmmFields, marketAt, ranged, readMarket, readRange } from '../clmm.ts';
import { defineRoute } from '../route.ts';

const text = z.string();

/** What opening a ladder would put on the book now. Both sides stand for themselves: neither limits the other. */
export const clmmQuoteLiquidity = defineRoute({
  method: 'get',
  path: '/trading/clmm/quote-liquidity',
  summary: 'What a ladder of offers would take',
  query: z.strictObject({ ...clmmFields, ...ranged }),
  result: z.strictObject({
    ...{ poolAddress: text, baseLimited: z.boolean(), baseTokenAmount: text, quoteTokenAmount: text },
    ...{ baseTokenAmountMax: text, quoteTokenAmountMax: text },
  }),
  handle({ query }, context) {
    const rungs = ladder({
      ...readRange(query),
      middle: readMarket(marketAt(query.poolAddress, context), context).price,
    });
    const { base, quote } = deposits(rungs);
    const [baseTokenAmount, quoteTokenAmount] = [formatAmount(base), formatAmount(quote)];
    return {
      ...{ poolAddress: query.poolAddress, baseLimited: false, baseTokenAmount, quoteTokenAmount },
      ...{ baseTokenAmountMax: baseTokenAmount, quoteTokenAmountMax: quoteTokenAmount },
    };
  },
});
