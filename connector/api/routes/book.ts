import * as z from 'zod';
import { connectorError } from '../../errors.ts';
import { limit, marketName, readMarket } from '../fields.ts';
import { defineApi } from '../route.ts';
import { bookSchema, showBook } from '../view.ts';

/** A snapshot of the book as we keep it; `fresh: false` must not be traded on. */
export const book = defineApi({
  method: 'get',
  path: '/v1/book',
  summary: 'A snapshot of a book',
  query: z.strictObject({ market: marketName, depth: limit(200, 50) }),
  result: bookSchema,
  handle({ query }, context) {
    const found = context.market.book(readMarket(query.market, context));
    if (found === undefined) throw connectorError('ledger-stale', 'the book is being read; ask again');
    return showBook(found, context.tokens, query.depth);
  },
});
