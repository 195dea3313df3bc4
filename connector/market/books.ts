import { messageOf } from '../../common/errors.ts';
import type { sleep } from '../../common/shutdown.ts';
import type { BookLevels, Ledger, LedgerHead, OfferEntry, PoolEntry } from '../ledger/types.ts';
import type { Market } from './asset.ts';
import { type Resting, resting } from './crossing.ts';
import { checksum, difference, levelsOf } from './levels.ts';
import type { Edge } from './routes.ts';
import type { BookDiff, LocalBook } from './types.ts';

export interface BookOptions {
  ledger: Pick<Ledger, 'offers' | 'poolOf' | 'watchBook' | 'head'>;
  /** Milliseconds since 1970. */
  now(): number;
  sleep: typeof sleep;
  /** The last closed ledger that was heard of. */
  lastHead(): LedgerHead | undefined;
  changed(diff: BookDiff, book: LocalBook): void;
  /** The stream had missed something that a snapshot shows, or a snapshot failed. */
  gap(market: Market, reason: string): void;
}

export interface Book {
  readonly market: Market;
  book(): LocalBook | undefined;
  pool(): PoolEntry | undefined;
  /** What can be traded from base to quote, and back; undefined while it is not fresh. */
  edges(): { sell: Edge; buy: Edge } | undefined;
  /** Something of it changed that its stream does not tell, as a pool's reserves: it is read again. */
  touch(): void;
  /** Ends with the signal. */
  start(signal: AbortSignal): Promise<void>;
}

/** Offers a side that are read; more than a quote crosses. */
const OFFERS = 200;
/** How often single offers are read though nothing was heard: this finds gaps, and keeps a quiet market fresh. */
const SNAPSHOT_MS = 20_000;
/** Without a confirmation for so long (milliseconds) a book is stale. */
export const STALE_MS = 45_000;
/** Between two snapshots, however often the book changes: a ledger closes every five seconds. */
const PAUSE_MS = 250;
const RETRY_MS = 2_000;

/**
 * One market's book. Its levels are those of Horizon's stream at once, and single offers are read after each change, since
 * quotes need them to the stroop. It is fresh while a stream event or a snapshot of the last 45 s confirms it: Horizon sends
 * no sign of life for a book that does not change, so that silence alone says nothing and snapshots go on.
 */
export function createBook(market: Market, options: BookOptions): Book {
  const { ledger, now, sleep: wait, lastHead } = options;
  const { base, quote } = market;
  let current: (LocalBook & { at: number }) | undefined;
  let pool: PoolEntry | undefined;
  let sell: readonly Resting[] = [];
  let buy: readonly Resting[] = [];
  let dirty = Promise.withResolvers<void>();
  /** Counts stream events, so that a snapshot knows whether one came while it was read. */
  let events = 0;

  const adopt = (levels: BookLevels, sequenceOfLedger: number): void => {
    const before = current ?? { bids: [], asks: [] };
    const changes = difference(before, levels);
    const isSame = changes.bids.length === 0 && changes.asks.length === 0;
    const sequence = (current?.sequence ?? 0) + (isSame && current !== undefined ? 0 : 1);
    const at = now();
    const sum = isSame && current !== undefined ? current.checksum : checksum(levels);
    current = { ...levels, market, sequence, checksum: sum, ledger: sequenceOfLedger, at, fresh: true };
    if (isSame) return;
    options.changed({ ...changes, market, sequence, checksum: sum, ledger: sequenceOfLedger, at }, current);
  };

  const asResting = (offers: readonly OfferEntry[]): Resting[] =>
    offers.map(resting).filter((offer) => offer !== undefined);
  /** Levels in the place of offers, until the offers are read: what they give may differ by a stroop an offer. */
  const pretend = ({ bids, asks }: BookLevels): void => {
    buy = asks.map(({ price: { numerator: n, denominator: d }, amount }) => ({ seller: '', amount, n, d }));
    sell = bids.map(({ price: { numerator: n, denominator: d }, amount }) => ({
      ...{ seller: '', amount: (amount * n) / d, n: d, d: n },
    }));
  };

  const heard = (levels: BookLevels): void => {
    events++;
    adopt(levels, lastHead()?.sequence ?? current?.ledger ?? 0);
    pretend(levels);
    dirty.resolve();
  };

  async function snapshot(signal: AbortSignal): Promise<void> {
    const seen = events;
    const [head, asks, bids, nextPool] = await Promise.all([
      ledger.head(signal),
      ledger.offers(base, quote, OFFERS, signal),
      ledger.offers(quote, base, OFFERS, signal),
      ledger.poolOf(base, quote, signal),
    ]);
    pool = nextPool;
    // The stream is ahead of what was read: it is read again.
    if (seen !== events) return dirty.resolve();
    buy = asResting(asks);
    sell = asResting(bids);
    const levels = levelsOf(market, { asks, bids });
    const before = current?.sequence;
    adopt(levels, head.sequence);
    if (before !== undefined && before !== current!.sequence && seen > 0) {
      options.gap(market, 'a snapshot shows changes that the stream did not tell of');
    }
  }

  const isFresh = (): boolean => current !== undefined && now() - current.at <= STALE_MS;
  return {
    market,
    book: () => current && { ...current, fresh: isFresh() },
    pool: () => pool,
    edges: () => (isFresh() ? { sell: { offers: sell, pool }, buy: { offers: buy, pool } } : undefined),
    touch: () => dirty.resolve(),
    async start(signal) {
      ledger.watchBook(base, quote, { event: heard, open: () => dirty.resolve() }, signal);
      while (!signal.aborted) {
        dirty = Promise.withResolvers();
        let pauseMs = PAUSE_MS;
        try {
          await snapshot(signal);
        } catch (error) {
          if (signal.aborted) return;
          options.gap(market, messageOf(error));
          pauseMs = RETRY_MS;
        }
        const over = new AbortController();
        const either = AbortSignal.any([signal, over.signal]);
        await wait(pauseMs, signal).catch(() => undefined);
        await Promise.race([dirty.promise, wait(SNAPSHOT_MS, either).catch(() => undefined)]);
        over.abort();
      }
    },
  };
}
