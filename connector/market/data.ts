import type { sleep } from '../../common/shutdown.ts';
import { connectorError } from '../errors.ts';
import type { Ledger, LedgerHead, LedgerTrade } from '../ledger/types.ts';
import type { State } from '../state.ts';
import { type AssetId, type Market, marketKey } from './asset.ts';
import { type Book, createBook } from './books.ts';
import { createFills } from './fills.ts';
import { bestRoute, quoteRoute, type Route, type SwapRequest, tokenIn, tokenOut } from './quote.ts';
import { type Edge, edgeKey, hopsOf, type Path, pathsBetween, routesBetween } from './routes.ts';
import type { BookDiff, Fill, LocalBook, MarketData } from './types.ts';

export interface MarketEvents {
  /** A book missed something, or cannot be read. */
  gap(market: Market, reason: string): void;
  failed(reason: string): void;
}

export interface MarketOptions {
  account: string;
  markets: readonly Market[];
  events: MarketEvents;
}

export interface MarketModules {
  ledger: Ledger;
  state: State;
  /** Milliseconds since 1970. */
  now(): number;
  sleep: typeof sleep;
}

/** Trades of a market that are kept for display. */
const TRADES = 200;
/** A head older than this says that ledgers are not heard of, milliseconds. */
const HEAD_MS = 20_000;

interface Found {
  routes: Route[];
  head: LedgerHead;
  source: 'local' | 'paths';
}

/** Books, pools, trades and fills of the listed markets. `start` begins to follow them and ends with its signal. */
export function createMarketData(
  { account, markets, events }: MarketOptions,
  { ledger, state, now, sleep: wait }: MarketModules,
): MarketData & { start(signal: AbortSignal): void } {
  const listeners = {
    book: new Set<{ market: Market; call: (diff: BookDiff, book: LocalBook) => void }>(),
    trade: new Set<{ market: Market; call: (trade: LedgerTrade) => void }>(),
    fill: new Set<(fill: Fill) => void>(),
  };
  const listed = new Set(markets.flatMap(({ base, quote }) => [base, quote]));
  const trades = new Map<string, LedgerTrade[]>();
  let head: LedgerHead | undefined;

  const books = new Map<string, Book>(
    markets.map((market) => [
      marketKey(market),
      createBook(market, {
        ...{ account, ledger, now, sleep: wait, gap: events.gap },
        changed(diff, book) {
          for (const one of listeners.book)
            if (marketKey(one.market) === marketKey(market)) one.call(diff, book);
        },
      }),
    ]),
  );
  const fills = createFills({
    ...{ account, markets, ledger, state, sleep: wait, failed: events.failed },
    filled(fill) {
      for (const call of listeners.fill) call(fill);
    },
  });

  const traded = (market: Market, trade: LedgerTrade): void => {
    const key = marketKey(market);
    const kept = trades.get(key) ?? [];
    if (kept.some(({ cursor }) => cursor === trade.cursor)) return;
    trades.set(key, [trade, ...kept].slice(0, TRADES));
    // Of a trade in the book its stream tells, of one in the pool nobody.
    if (trade.poolId !== undefined) books.get(key)?.touch();
    for (const one of listeners.trade) if (marketKey(one.market) === key) one.call(trade);
  };
  /** The latest trades first, then all that come. */
  const followTrades = async (market: Market, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      try {
        const latest = await ledger.trades(market.base, market.quote, TRADES, signal);
        trades.set(marketKey(market), [...latest]);
        const cursor = latest[0]?.cursor ?? `${BigInt((await ledger.head(signal)).sequence) << 32n}-0`;
        ledger.watchTrades(market.base, market.quote, cursor, { event: (it) => traded(market, it) }, signal);
        return;
      } catch {
        await wait(3_000, signal).catch(() => undefined);
      }
    }
  };

  const byEdge = new Map<string, { book: Book; way: 'sell' | 'buy' }>();
  for (const book of books.values()) {
    const { base, quote } = book.market;
    byEdge.set(edgeKey(base, quote), { book, way: 'sell' });
    byEdge.set(edgeKey(quote, base), { book, way: 'buy' });
  }
  const known = new Map<string, readonly Path[]>();
  const pathsOf = (from: AssetId, to: AssetId): readonly Path[] => {
    const key = edgeKey(from, to);
    const paths = known.get(key) ?? pathsBetween(byEdge.keys(), from, to);
    known.set(key, paths);
    return paths;
  };

  /** Undefined when a market that a path may pass is not fresh: a path that is not seen could be the better one. */
  const fromBooks = (request: SwapRequest): Found | undefined => {
    const [from, to] = [tokenIn(request), tokenOut(request)];
    const paths = listed.has(from) && listed.has(to) ? pathsOf(from, to) : [];
    if (paths.length === 0 || head === undefined || now() - head.closedAt > HEAD_MS) return undefined;
    const edges = new Map<string, Edge>();
    let oldest = head;
    for (const key of new Set(paths.flatMap((path) => hopsOf(path).map(([a, b]) => edgeKey(a, b))))) {
      const { book, way } = byEdge.get(key)!;
      const both = book.edges();
      if (both === undefined) return undefined;
      edges.set(key, both[way]);
      if (both.head.sequence < oldest.sequence) oldest = both.head;
    }
    const { side, amount } = request;
    const routes = routesBetween(edges, { side, from, to, amount, taker: account }, paths);
    return { routes, head: oldest, source: 'local' };
  };

  const fromServer = async (request: SwapRequest, signal: AbortSignal): Promise<Found> => {
    const [routes, last] = await Promise.all([
      ledger.paths(request.side, tokenIn(request), tokenOut(request), request.amount, signal),
      ledger.head(signal),
    ]);
    return { routes, head: last, source: 'paths' };
  };

  return {
    markets,
    book: (market) => books.get(marketKey(market))?.book(),
    pool: (market) => books.get(marketKey(market))?.pool(),
    trades: (market) => trades.get(marketKey(market)) ?? [],
    async quote(request, signal) {
      const [from, to] = [tokenIn(request), tokenOut(request)];
      if (from === to) throw connectorError('invalid-params', 'baseToken and quoteToken must differ');
      const found = fromBooks(request) ?? (await fromServer(request, signal));
      const route = bestRoute(request, found.routes, listed);
      if (route === undefined) {
        throw connectorError('no-route-found', 'no path through listed assets trades this amount');
      }
      const freshness = {
        source: found.source,
        ledger: found.head.sequence,
        ageMs: Math.max(0, now() - found.head.closedAt),
      };
      return { quote: quoteRoute(request, route), freshness };
    },
    onBook: (market, call) => listen(listeners.book, { market, call }),
    onTrade: (market, call) => listen(listeners.trade, { market, call }),
    onFill: (call) => listen(listeners.fill, call),
    fills: (query) => fills.list(query),
    fillsOf: (offerId) => fills.ofOffer(offerId),
    heardOf: fills.heard,
    start(signal) {
      ledger.watchHeads(
        {
          event(next) {
            if (head !== undefined && next.sequence <= head.sequence) return;
            head = next;
            for (const book of books.values()) book.closed(next);
          },
        },
        signal,
      );
      for (const book of books.values()) void book.start(signal);
      for (const market of markets) void followTrades(market, signal);
      void fills.start(signal);
    },
  };
}

function listen<T>(to: Set<T>, one: T): () => void {
  to.add(one);
  return () => void to.delete(one);
}
