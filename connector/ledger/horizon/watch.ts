import type * as z from 'zod';
import { connectorError } from '../../errors.ts';
import type { AssetId } from '../../market/asset.ts';
import { followStream, type StreamPlan } from '../stream.ts';
import type { Clock } from '../transport.ts';
import type { BookLevels, LedgerTrade, StreamHandlers } from '../types.ts';
import {
  bookQuery,
  compareTokens,
  isTradeOf,
  ledgerOfToken,
  NO_TRADE,
  type TradesOf,
  tradeCursor,
  tradesOf,
} from './queries.ts';
import * as schemas from './schemas.ts';
import type { HorizonClient, HorizonHead } from './types.ts';

/*
 * Horizon's streams that are used. `choose` is asked at each dial and each check, so that a caller with several servers can
 * move a stream to another one; cursors mean the same on every Horizon of a network.
 */
type Choose = () => HorizonClient;

/** Events of one connection; by default Horizon ends a stream after ten. */
const LIMIT = '200';
/** Ledgers close every 5 s and Horizon looks for them every 5 s. */
const HEADS_IDLE_MS = 15_000;
const QUIET_IDLE_MS = 30_000;

const tokenOf = (sequence: number): string => String(BigInt(sequence) << 32n);

/** Heads as ledgers close, beginning with the next one; `open(true)` before one that does not follow the last. */
export function watchHeads(
  choose: Choose,
  handlers: StreamHandlers<HorizonHead>,
  clock: Clock,
  signal: AbortSignal,
): void {
  const plan: StreamPlan<HorizonHead> = {
    transport: () => choose().transport,
    path: (cursor) => pathOf('/ledgers', { cursor: cursor ?? '', limit: LIMIT }),
    start: async (cut) => tokenOf((await choose().head(cut)).sequence),
    decode(data) {
      const value = readEvent(schemas.head, data);
      return { value, cursor: tokenOf(value.sequence) };
    },
    compare: compareTokens,
    skips: (before, after) => ledgerOfToken(after) > ledgerOfToken(before) + 1n,
    missed: async (cursor, cut) => BigInt((await choose().head(cut)).sequence) > ledgerOfToken(cursor),
    idleMs: HEADS_IDLE_MS,
  };
  void followStream(plan, handlers, clock, signal);
}

/** The whole book whenever it changed, and at the start; the cursor means nothing. There is never a gap. */
export function watchBook(
  choose: Choose,
  { base, quote }: { base: AssetId; quote: AssetId },
  handlers: StreamHandlers<BookLevels>,
  clock: Clock,
  signal: AbortSignal,
): void {
  const plan: StreamPlan<BookLevels> = {
    transport: () => choose().transport,
    path: () => pathOf('/order_book', { ...bookQuery(base, quote), limit: LIMIT }),
    start: undefined,
    decode(data) {
      const answer = readEvent(schemas.orderBook, data);
      if (answer.base !== base || answer.counter !== quote) throw notAsked('a book of another pair');
      return { value: answer.book, cursor: textOf(answer.book) };
    },
    // What is not the same is news.
    compare: (a, b) => (a === b ? 0 : 1),
    missed: async (last, cut) =>
      textOf((await choose().book(base, quote, Number(LIMIT), cut)).value) !== last,
    idleMs: QUIET_IDLE_MS,
  };
  void followStream(plan, handlers, clock, signal);
}

/** Trades after a cursor. `open(true)`: history was cut after the cursor. */
export function watchTrades(
  choose: Choose,
  of: TradesOf,
  cursor: string,
  handlers: StreamHandlers<LedgerTrade>,
  clock: Clock,
  signal: AbortSignal,
): void {
  const { path, query } = tradesOf(of);
  const plan: StreamPlan<LedgerTrade> = {
    transport: () => choose().transport,
    path: (from) => pathOf(path, { ...query, cursor: from ?? NO_TRADE, limit: LIMIT }),
    start: async () => tradeCursor(cursor),
    decode(data) {
      const value = readEvent(schemas.trade, data);
      if (!isTradeOf(value, of)) throw notAsked('a trade of others');
      return { value, cursor: value.cursor };
    },
    compare: compareTokens,
    // From the beginning on there is nothing before that could be missing, as far as anybody knows.
    covers: async (from, cut) =>
      from === NO_TRADE || ledgerOfToken(from) + 1n >= BigInt((await choose().root(cut)).historyElder),
    missed: async (from, cut) => compareTokens(await choose().newestTrade(of, cut), from) > 0,
    idleMs: QUIET_IDLE_MS,
  };
  void followStream(plan, handlers, clock, signal);
}

const pathOf = (path: string, query: Record<string, string>): string =>
  `${path}?${new URLSearchParams(query).toString()}`;

const textOf = ({ bids, asks }: BookLevels): string =>
  [bids, asks]
    .map((side) => side.map(({ price: p, amount }) => `${p.numerator}/${p.denominator}:${amount}`).join())
    .join('|');

const notAsked = (what: string) => connectorError('ledger-untrusted', `a stream sends ${what}`);

function readEvent<S extends z.ZodType>(schema: S, data: unknown): z.output<S> {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  throw notAsked('an event that has not its form');
}
