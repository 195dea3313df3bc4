import * as z from 'zod';
import type { BookLevel, BookLevels, LedgerTrade } from '../ledger/types.ts';
import { formatAmount, formatFee } from '../market/amount.ts';
import type { Token } from '../market/asset.ts';
import { priceKey } from '../market/levels.ts';
import { formatPrice } from '../market/quote.ts';
import type { BookDiff, Fill, LocalBook } from '../market/types.ts';
import type { Order } from '../orders/types.ts';
import { nameMarket, side, text } from './fields.ts';

/*
 * What REST and WebSocket show alike. Amounts and prices are decimal text, times milliseconds since 1970; a price comes
 * with its exact fraction where the decimals may be cut.
 */

const optional = text.nullable();

/** Price, amount (base), price as a fraction in lowest terms. The checksum is over the last two. */
export const levelSchema = z.tuple([text, text, text]);
const showLevel = ({ price, amount }: BookLevel): z.infer<typeof levelSchema> => [
  formatPrice(price),
  formatAmount(amount),
  priceKey(price),
];

const bookHead = { market: text, sequence: z.int(), checksum: z.int(), ledger: z.int(), at: z.int() };
const levels = { bids: z.array(levelSchema), asks: z.array(levelSchema) };
export const bookSchema = z.strictObject({ ...bookHead, fresh: z.boolean(), ...levels });
export const diffSchema = z.strictObject({ ...bookHead, ...levels });

const showLevels = ({ bids, asks }: BookLevels, depth?: number) => ({
  bids: bids.slice(0, depth).map(showLevel),
  asks: asks.slice(0, depth).map(showLevel),
});

export const showBook = (
  book: LocalBook,
  tokens: readonly Token[],
  depth?: number,
): z.infer<typeof bookSchema> => ({
  ...{ market: nameMarket(book.market, tokens), sequence: book.sequence, checksum: book.checksum },
  ...{ ledger: book.ledger, at: book.at, fresh: book.fresh },
  ...showLevels(book, depth),
});

/** An amount of 0 takes the level away. */
export const showDiff = (diff: BookDiff, tokens: readonly Token[]): z.infer<typeof diffSchema> => ({
  ...{ market: nameMarket(diff.market, tokens), sequence: diff.sequence, checksum: diff.checksum },
  ...{ ledger: diff.ledger, at: diff.at },
  ...showLevels(diff),
});

export const tradeSchema = z.strictObject({
  id: text,
  at: z.int(),
  price: text,
  amount: text,
  quoteAmount: text,
  /** Which side took: BUY took an ask. */
  takerSide: side,
  /** Of a trade with a liquidity pool. */
  poolId: optional,
});

export const showTrade = (trade: LedgerTrade): z.infer<typeof tradeSchema> => ({
  ...{ id: trade.cursor, at: trade.at, price: formatPrice(trade.price) },
  amount: formatAmount(trade.baseAmount),
  quoteAmount: formatAmount(trade.quoteAmount),
  takerSide: trade.baseIsSeller ? 'BUY' : 'SELL',
  poolId: trade.poolId ?? null,
});

export const fillSchema = z.strictObject({
  ...{ id: text, at: z.int(), market: text, side, role: z.enum(['maker', 'taker']) },
  ...{ price: text, amount: text, quoteAmount: text, offerId: optional, poolId: optional },
});

export const showFill = (fill: Fill, tokens: readonly Token[]): z.infer<typeof fillSchema> => ({
  ...{ id: fill.id, at: fill.at, market: nameMarket(fill.market, tokens), side: fill.side, role: fill.role },
  price: formatPrice({ numerator: fill.quoteAmount, denominator: fill.baseAmount }),
  amount: formatAmount(fill.baseAmount),
  quoteAmount: formatAmount(fill.quoteAmount),
  ...{ offerId: fill.offerId ?? null, poolId: fill.poolId ?? null },
});

export const orderSchema = z.strictObject({
  ...{ clientOrderId: text, market: text, side, type: z.enum(['limit', 'maker-only', 'market']) },
  state: z.enum(['pending', 'open', 'filled', 'cancelled', 'failed', 'unknown']),
  ...{ price: text, amount: text, filledAmount: text, filledQuoteAmount: text, remaining: text },
  ...{ offerId: optional, hash: optional, fee: text, code: optional, reason: optional },
  ...{ createdAt: z.int(), updatedAt: z.int(), position: optional },
});

export const showOrder = (order: Order, tokens: readonly Token[]): z.infer<typeof orderSchema> => ({
  ...{ clientOrderId: order.clientOrderId, market: nameMarket(order.market, tokens), side: order.side },
  ...{ type: order.type, state: order.state },
  ...{ price: formatPrice(order.price), amount: formatAmount(order.amount) },
  filledAmount: formatAmount(order.filledBase),
  filledQuoteAmount: formatAmount(order.filledQuote),
  remaining: formatAmount(order.remaining),
  ...{ offerId: order.offerId ?? null, hash: order.hash ?? null, fee: formatFee(order.fee) },
  ...{ code: order.code ?? null, reason: order.reason ?? null },
  ...{ createdAt: order.createdAt, updatedAt: order.updatedAt },
  position: order.position ?? null,
});
