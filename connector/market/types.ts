import type { BookLevels, LedgerTrade, PoolEntry } from '../ledger/types.ts';
import type { AssetId, Market } from './asset.ts';
import type { Quote, SwapRequest } from './quote.ts';

/** How old what a quote was made from is, and from where. */
export interface Freshness {
  /** `local`: our own book and pools with the ledger's arithmetic; `paths`: the server's path search. */
  source: 'local' | 'paths';
  /** Ledger that it holds for. */
  ledger: number;
  /** Milliseconds since that ledger closed. */
  ageMs: number;
}

/** A book as we keep it. `sequence` rises by one with each change; `checksum` is over the first 25 levels a side. */
export interface LocalBook extends BookLevels {
  market: Market;
  sequence: number;
  checksum: number;
  /** Ledger and time (milliseconds since 1970) of the last confirmation, also when nothing changed. */
  ledger: number;
  at: number;
  /** False: the stream is down or silent for too long, it must not be traded on. */
  fresh: boolean;
}

/** What changed from `sequence - 1` to `sequence`: levels with their new amount, 0n for one that is gone. */
export interface BookDiff extends BookLevels {
  market: Market;
  sequence: number;
  checksum: number;
  ledger: number;
  at: number;
}

/** One own fill, kept durably once; also of path payments, and of offers that were crossed while we were away. */
export interface Fill {
  /** Unique: Horizon's paging token of the trade. */
  id: string;
  at: number;
  market: Market;
  /** Ours: BUY got base. */
  side: 'BUY' | 'SELL';
  baseAmount: bigint;
  quoteAmount: bigint;
  /** Our offer that was filled as maker; undefined as taker. */
  offerId: string | undefined;
  poolId: string | undefined;
  role: 'maker' | 'taker';
}

export interface MarketData {
  readonly markets: readonly Market[];
  /** Undefined before the first snapshot. */
  book(market: Market): LocalBook | undefined;
  pool(market: Market): PoolEntry | undefined;
  trades(market: Market): readonly LedgerTrade[];
  /**
   * A quote with the ledger's own arithmetic over books and pools of the listed markets; from the server's paths, checked
   * the same way, when ours are stale.
   * @throws `no-route-found`, `ledger-stale`
   */
  quote(request: SwapRequest, signal: AbortSignal): Promise<{ quote: Quote; freshness: Freshness }>;
  /** Calls back on each change; gives what ends it. */
  onBook(market: Market, changed: (diff: BookDiff, book: LocalBook) => void): () => void;
  onTrade(market: Market, traded: (trade: LedgerTrade) => void): () => void;
  onFill(filled: (fill: Fill) => void): () => void;
  /** Kept fills, newest first. */
  fills(query: { market?: Market | undefined; before?: string | undefined; limit: number }): readonly Fill[];
  fillsOf(offerId: string): readonly Fill[];
  /** Trades of the account that somebody has read: a server can leave one out of its stream. */
  heardOf(trades: readonly LedgerTrade[]): void;
}

export type { AssetId, Market };
