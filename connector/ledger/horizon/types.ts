import type { AssetId } from '../../market/asset.ts';
import type { AccountState } from '../../market/balance.ts';
import type { Route, Side } from '../../market/quote.ts';
import type { Transport } from '../transport.ts';
import type {
  BookLevels,
  FeeStatistics,
  LedgerHead,
  LedgerTrade,
  LedgerTransaction,
  OfferEntry,
  PoolEntry,
  PoolMovement,
  SubmitAnswer,
} from '../types.ts';

/** What Horizon says of itself; times in milliseconds since 1970. */
export interface HorizonRoot {
  networkPassphrase: string;
  /** The last ledger that Horizon's history has, and when it closed. */
  historyLatest: number;
  historyClosedAt: number;
  /** The first ledger that history has: what was before it cannot be found. */
  historyElder: number;
}

/** Horizon's head: hashes too, so that two servers can be compared, and the chain followed. */
export interface HorizonHead extends LedgerHead {
  hash: string;
  previousHash: string;
}

/** An answer from state and the ledger after which it held (header `Latest-Ledger`), if the server said so. */
export interface AtLedger<T> {
  value: T;
  ledger: number | undefined;
}

/**
 * One Horizon. Every answer has its form and is bounded, and is what was asked for (the account, the assets, the hash).
 * Nothing is compared with another server here, and no age is judged: `ledger.ts` does both.
 *
 * Every read throws `ledger-unreachable` (also `address-unknown`, `pin-mismatch`, breaker open), `rate-limited`,
 * `ledger-stale` (`still_ingesting`, `stale_history`) or `ledger-untrusted` (not its form, not what was asked).
 */
export interface HorizonClient {
  readonly url: string;
  readonly transport: Transport;
  root(signal: AbortSignal): Promise<HorizonRoot>;
  head(signal: AbortSignal): Promise<HorizonHead>;
  feeStatistics(signal: AbortSignal): Promise<FeeStatistics>;
  /** Value undefined: the ledger has no such account. */
  account(id: string, signal: AbortSignal): Promise<AtLedger<AccountState | undefined>>;
  /** All of them, page by page, at most 1,000 (no account can have more subentries). */
  offersOf(account: string, signal: AbortSignal): Promise<AtLedger<OfferEntry[]>>;
  /**
   * Offers that sell one asset for the other, best price first, of one price the oldest first. Horizon pages them by id, so
   * that up to 2,000 are read to give the best `limit`. Undefined when the book has more: the best may be among those.
   */
  offers(
    selling: AssetId,
    buying: AssetId,
    limit: number,
    signal: AbortSignal,
  ): Promise<AtLedger<OfferEntry[] | undefined>>;
  /** The book's levels, best first, at most 200 a side. */
  book(base: AssetId, quote: AssetId, limit: number, signal: AbortSignal): Promise<AtLedger<BookLevels>>;
  pool(id: string, signal: AbortSignal): Promise<AtLedger<PoolEntry | undefined>>;
  /** SELL: strict send of `amount` (stroops) of `from`; BUY: strict receive of `amount` of `to`. */
  paths(
    side: Side,
    from: AssetId,
    to: AssetId,
    amount: bigint,
    signal: AbortSignal,
  ): Promise<AtLedger<Route[]>>;
  /**
   * By outer or inner hash; checked by `verify.ts`. Undefined: this history has it not (`root` says how far it reaches).
   */
  transaction(hash: string, signal: AbortSignal): Promise<LedgerTransaction | undefined>;
  /** What a transaction's deposits into pools and withdrawals moved. */
  poolMovements(hash: string, signal: AbortSignal): Promise<PoolMovement[]>;
  /** Trades of an account after a cursor (`0-0` for the first), oldest first, page by page, at most `limit`. */
  tradesOf(account: string, cursor: string, limit: number, signal: AbortSignal): Promise<LedgerTrade[]>;
  /** The latest trades of a pair, newest first, at most 200. */
  trades(base: AssetId, quote: AssetId, limit: number, signal: AbortSignal): Promise<LedgerTrade[]>;
  /** The paging token of the newest trade of a pair or account, `0-0` if there is none: where a watch begins. */
  newestTrade(
    of: { account: string } | { base: AssetId; quote: AssetId },
    signal: AbortSignal,
  ): Promise<string>;
  /**
   * `sync` waits for the ledger as long as Horizon (30 s) or `timeoutMs` allow, `async` asks core only. Never throws except
   * when aborted, and then it may have been taken.
   */
  submit(
    envelopeXdr: string,
    mode: 'sync' | 'async',
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<SubmitAnswer>;
}

export interface HorizonEvents {
  /** After each exchange: `outcome` is the HTTP status or `error`. */
  answered(route: string, outcome: string): void;
}
