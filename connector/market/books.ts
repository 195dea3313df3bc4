import { messageOf } from '../../common/errors.ts';
import type { sleep } from '../../common/shutdown.ts';
import type { BookLevels, Ledger, LedgerHead, OfferEntry, PoolEntry } from '../ledger/types.ts';
import type { Market } from './asset.ts';
import { type Resting, resting } from './crossing.ts';
import { checksum, difference, levelsOf, type Offers, offersBehind, sameTop } from './levels.ts';
import type { Edge } from './routes.ts';
import type { BookDiff, LocalBook } from './types.ts';

export interface BookOptions {
  account: string;
  ledger: Pick<Ledger, 'offers' | 'poolOf' | 'watchBook' | 'head'>;
  /** Milliseconds since 1970. */
  now(): number;
  sleep: typeof sleep;
  changed(diff: BookDiff, book: LocalBook): void;
  /** The stream had missed something that snapshots show, or a snapshot failed. */
  gap(market: Market, reason: string): void;
}

/** Both directions of a market for quotes, and the ledger that they hold for at least. */
export interface Edges {
  sell: Edge;
  buy: Edge;
  head: LedgerHead;
}

export interface Book {
  readonly market: Market;
  book(): LocalBook | undefined;
  pool(): PoolEntry | undefined;
  /** What can be traded from base to quote, and back; undefined while it is not fresh. */
  edges(): Edges | undefined;
  /** A ledger closed. */
  closed(head: LedgerHead): void;
  /** Something of it changed that its stream does not tell, as a pool's reserves: it is read again. */
  touch(): void;
  /** Ends with the signal. */
  start(signal: AbortSignal): Promise<void>;
}

/** Levels a side, as the stream has at most. */
const DEPTH = 200;
/** Offers a side that are kept: no operation crosses more. */
const OFFERS = 1_000;
/** How often single offers are read though nothing was heard. */
const SNAPSHOT_MS = 20_000;
/** The same without a stream that stands, or with one that a snapshot contradicts; and after a failure. */
const DOUBT_MS = 3_000;
/** Of a book with more offers than are read. */
const DEEP_MS = 60_000;
/** Between two snapshots, however often the book changes: a ledger closes every five seconds. */
const PAUSE_MS = 250;
/** Horizon looks for news every 5 s: after so long what a stream did not tell has not changed. */
const QUIET_MS = 7_000;
/** What snapshots show for so long and the stream does not is missing in the stream. */
const GAP_MS = 12_000;
/** A stream that is down for longer makes its book stale, though snapshots go on. */
const DOWN_MS = 15_000;
/** Without a confirmation for so long a book is stale. */
export const STALE_MS = 30_000;

const NONE: BookLevels = { bids: [], asks: [] };

/**
 * One market's book. Its levels are those of Horizon's stream; single offers and the pool are read after each change, and
 * every 20 s, since quotes need them to the stroop. Confirmed for a ledger it is by a stream event or an agreeing snapshot
 * after that ledger was heard of, and by a stream that stands and told nothing for 7 s after. Rules: docs/connector/market-data.md
 */
export function createBook(market: Market, options: BookOptions): Book {
  const { account, ledger, now, sleep: wait } = options;
  const { base, quote } = market;
  let current: LocalBook | undefined;
  let pool: PoolEntry | undefined;
  /** False: it has more offers than are read, so that only the stream knows its best ones. */
  let isWhole = true;
  let offers: Offers = { asks: [], bids: [] };
  let sides: { sell: readonly Resting[]; buy: readonly Resting[] } = { sell: [], buy: [] };
  let dirty = Promise.withResolvers<void>();
  let downSince: number | undefined = now();
  /** Since when snapshots contradict the stream. */
  let contradicted: number | undefined;
  /** What the stream told last, while it stands; `last` also while it is down, since what it told is not told again. */
  let streamed: BookLevels | undefined;
  let last: BookLevels | undefined;
  /** Heads that were heard of, the newest last, and the one that the book is confirmed for. */
  let heard: { head: LedgerHead; at: number }[] = [];
  let confirmed: LedgerHead | undefined;

  const confirm = (head: LedgerHead | undefined, at: number): void => {
    if (head !== undefined && head.sequence >= (confirmed?.sequence ?? 0)) confirmed = head;
    if (current === undefined) return;
    current = { ...current, at: Math.max(at, current.at), ledger: confirmed?.sequence ?? current.ledger };
  };
  /** A stream that stood all the time since a ledger and told of nothing confirms the book for it. */
  const confirmQuiet = (): void => {
    const old = heard.filter(({ at }) => now() - at >= QUIET_MS);
    const newest = old.at(-1);
    if (newest === undefined || streamed === undefined || contradicted !== undefined) return;
    heard = heard.slice(old.length);
    confirm(newest.head, newest.at);
  };

  const adopt = (levels: BookLevels, head: LedgerHead | undefined): void => {
    const changes = difference(current ?? NONE, levels);
    const isSame = current !== undefined && changes.bids.length === 0 && changes.asks.length === 0;
    const at = now();
    if (!isSame || current === undefined) {
      const sequence = (current?.sequence ?? 0) + 1;
      current = {
        ...{ ...levels, market, sequence, checksum: checksum(levels), at, fresh: true },
        ledger: head?.sequence ?? current?.ledger ?? 0,
      };
    }
    confirm(head, at);
    const { sequence, checksum: sum, ledger: from } = current;
    const diff = { ...changes, market, sequence, checksum: sum, ledger: from, at };
    if (!isSame) options.changed(diff, current);
  };
  const setOffers = (next: Offers): void => {
    const stand = (side: readonly OfferEntry[]): Resting[] =>
      side.map(resting).filter((offer) => offer !== undefined);
    offers = next;
    sides = { sell: stand(next.bids), buy: stand(next.asks) };
  };

  const told = (levels: BookLevels): void => {
    streamed = levels;
    last = levels;
    contradicted = undefined;
    setOffers(offersBehind(market, levels, offers, account));
    adopt(levels, heard.at(-1)?.head);
    dirty.resolve();
  };
  const down = (): void => {
    downSince ??= now();
    streamed = undefined;
    dirty.resolve();
  };

  async function snapshot(signal: AbortSignal): Promise<void> {
    const head = await ledger.head(signal);
    const [asks, bids, nextPool] = await Promise.all([
      ledger.offers(base, quote, OFFERS, signal),
      ledger.offers(quote, base, OFFERS, signal),
      ledger.poolOf(base, quote, signal),
    ]);
    pool = nextPool;
    isWhole = asks !== undefined && bids !== undefined;
    if (asks === undefined || bids === undefined) return;
    const all = levelsOf(market, { asks, bids });
    const levels = { asks: all.asks.slice(0, DEPTH), bids: all.bids.slice(0, DEPTH) };
    if (streamed !== undefined) {
      // Of a side that is cut the last level may be part of one.
      const depth = (side: readonly OfferEntry[], found: readonly unknown[]): number =>
        side.length < OFFERS ? DEPTH : Math.min(DEPTH, found.length - 1);
      const agrees =
        sameTop(streamed.asks, levels.asks, depth(asks, all.asks)) &&
        sameTop(streamed.bids, levels.bids, depth(bids, all.bids));
      if (agrees) {
        contradicted = undefined;
        setOffers({ asks, bids });
        return confirm(head, now());
      }
      // One of the two is some seconds behind the other, as a rule the stream. It has time to tell.
      contradicted ??= now();
      if (now() - contradicted < GAP_MS) return;
      options.gap(market, 'snapshots show changes that the stream did not tell of');
      streamed = undefined;
      last = undefined;
      contradicted = undefined;
    }
    setOffers({ asks, bids });
    adopt(levels, head);
  }

  const isFresh = (): boolean => {
    confirmQuiet();
    return (
      current !== undefined &&
      now() - current.at <= STALE_MS &&
      (downSince === undefined || now() - downSince <= DOWN_MS)
    );
  };
  return {
    market,
    book() {
      const fresh = isFresh();
      return current && { ...current, fresh };
    },
    pool: () => pool,
    edges: () =>
      isFresh() && isWhole && confirmed !== undefined
        ? {
            ...{ sell: { offers: sides.sell, pool }, buy: { offers: sides.buy, pool } },
            head: confirmed,
          }
        : undefined,
    closed(head) {
      confirmQuiet();
      heard = [...heard, { head, at: now() }].slice(-20);
    },
    touch: () => dirty.resolve(),
    async start(signal) {
      const up = (): void => {
        downSince = undefined;
        streamed ??= last;
        // What came between is told after this.
        heard = [];
        dirty.resolve();
      };
      ledger.watchBook(base, quote, { event: told, open: up, down }, signal);
      while (!signal.aborted) {
        dirty = Promise.withResolvers();
        let isDone = true;
        try {
          await snapshot(signal);
        } catch (error) {
          if (signal.aborted) return;
          isDone = false;
          options.gap(market, messageOf(error));
        }
        const inDoubt = !isDone || streamed === undefined || contradicted !== undefined;
        await wait(isDone ? (isWhole ? PAUSE_MS : DEEP_MS) : DOUBT_MS, signal).catch(() => undefined);
        const over = new AbortController();
        const either = AbortSignal.any([signal, over.signal]);
        const longest = wait(inDoubt ? DOUBT_MS : SNAPSHOT_MS, either).catch(() => undefined);
        await Promise.race([dirty.promise, longest]);
        over.abort();
      }
    },
  };
}
