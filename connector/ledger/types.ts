import type { AssetId } from '../market/asset.ts';
import type { AccountState } from '../market/balance.ts';
import type { Price, Route, Side } from '../market/quote.ts';
import type { DecodedResult } from '../transactions/result.ts';

/** The last closed ledger of our network. Amounts in stroops, `closedAt` in milliseconds since 1970. */
export interface LedgerHead {
  sequence: number;
  closedAt: number;
  baseFee: bigint;
  baseReserve: bigint;
}

/** One offer of the book. `price` is buying per selling, as the ledger keeps it (32-bit fraction). */
export interface OfferEntry {
  id: string;
  seller: string;
  selling: AssetId;
  buying: AssetId;
  /** Of the selling asset, stroops. */
  amount: bigint;
  price: Price;
}

/** A constant product pool; its assets in the ledger's order, `feeBps` 30 in every pool of the protocol. */
export interface PoolEntry {
  id: string;
  assets: readonly [AssetId, AssetId];
  reserves: readonly [bigint, bigint];
  totalShares: bigint;
  feeBps: number;
}

/** What one deposit into a pool or withdrawal from it moved, in the pool's order of assets; never negative. */
export interface PoolMovement {
  poolId: string;
  kind: 'deposit' | 'withdrawal';
  amounts: readonly [bigint, bigint];
  shares: bigint;
}

/** What the network took for operations in recent ledgers, stroops an operation. */
export interface FeeStatistics {
  baseFee: bigint;
  /** Share of the ledgers' capacity that was used, 0 to 1. */
  capacityUsage: number;
  /** By percentile of the bids: 10, 20 … 90, 95, 99. */
  bids: Readonly<Record<number, bigint>>;
}

/** A transaction that a ledger has and that was believed: its own hash, the result's XDR and the JSON beside agree. */
export interface LedgerTransaction {
  hash: string;
  ledger: number;
  result: DecodedResult;
  /** As the ledger holds it, base64. A fee bump holds the inner one that was asked for. */
  envelopeXdr: string;
}

/** One trade of an account or a pair. Amounts in stroops; `price` is quote per base of the pair as asked. */
export interface LedgerTrade {
  /** Horizon's paging token. */
  cursor: string;
  /** Milliseconds since 1970. */
  at: number;
  baseAsset: AssetId;
  quoteAsset: AssetId;
  baseAmount: bigint;
  quoteAmount: bigint;
  price: Price;
  /** True when the base's side was the maker that sold. */
  baseIsSeller: boolean;
  baseAccount: string | undefined;
  baseOfferId: string | undefined;
  quoteAccount: string | undefined;
  quoteOfferId: string | undefined;
  /** Of a trade with a pool. */
  poolId: string | undefined;
}

/** A server's answer to an envelope. Only the first says that a ledger has it; see `transactions/decide.ts`. */
export type SubmitAnswer =
  | { kind: 'included'; transaction: LedgerTransaction }
  /** Refused by core before any ledger, or failed in one: the server does not say which. */
  | { kind: 'failed'; resultXdr: string | undefined }
  /** The server did not take it as an envelope. */
  | { kind: 'malformed'; reason: string }
  /** Core has it in its queue (asynchronous answers PENDING and DUPLICATE). */
  | { kind: 'queued' }
  /** TRY_AGAIN_LATER: the queue is full or holds another transaction of this account; it was not taken. */
  | { kind: 'try-again' }
  /** 504, 5xx, a broken connection, no answer in time, an unreadable answer: it may have been taken. */
  | { kind: 'unknown'; reason: string }
  | { kind: 'rate-limited'; retryAfterMs: number }
  /** No connection stood: it was not taken. */
  | { kind: 'unsent'; cause: unknown };

/** Handlers of a stream that does not end by itself: it dials again, resumes at its cursor and drops what came twice. */
export interface StreamHandlers<T> {
  event(value: T, cursor: string): void;
  /** The stream stands (again) and has all since the cursor; `gap` true when some events may be missing. */
  open?(gap: boolean): void;
  /** It broke or fell silent; it is dialled again. */
  down?(reason: string): void;
}

/**
 * The ledger as the connector believes it, over all endpoints: failover, verification, agreement of `quorum` sources,
 * quarantine of liars. Every read throws `ledger-unreachable`, `ledger-untrusted`, `ledger-stale`, `network-mismatch`
 * or `rate-limited`; none answers what it did not check.
 */
export interface Ledger {
  /** The freshest head that the quorum confirms; never goes back. A verdict of the last second is used again. */
  head(signal: AbortSignal): Promise<LedgerHead>;
  feeStatistics(signal: AbortSignal): Promise<FeeStatistics>;
  /** Undefined when the ledger has no such account. Sequence and balances are agreed by the quorum. */
  account(id: string, signal: AbortSignal): Promise<AccountState | undefined>;
  /** All live offers of an account. */
  offersOf(account: string, signal: AbortSignal): Promise<OfferEntry[]>;
  /**
   * Offers that sell one asset for the other, best price first, at most `limit`. Undefined: there are more than are read,
   * and the best may be among the others.
   */
  offers(
    selling: AssetId,
    buying: AssetId,
    limit: number,
    signal: AbortSignal,
  ): Promise<OfferEntry[] | undefined>;
  pool(id: string, signal: AbortSignal): Promise<PoolEntry | undefined>;
  /** The pool of two assets, if there is one. */
  poolOf(a: AssetId, b: AssetId, signal: AbortSignal): Promise<PoolEntry | undefined>;
  /** Horizon's path search. SELL: strict send of `amount` of `from`; BUY: strict receive of `amount` of `to`. */
  paths(side: Side, from: AssetId, to: AssetId, amount: bigint, signal: AbortSignal): Promise<Route[]>;
  /**
   * Undefined only when the quorum's history is complete up to a head that was read before, and has it not; that head is
   * given. Looks for an inner hash too.
   * @param since when it was signed (milliseconds since 1970): a history that does not reach back to it says nothing
   */
  transaction(
    hash: string,
    signal: AbortSignal,
    since?: number,
  ): Promise<{ found: LedgerTransaction } | { absentAt: LedgerHead }>;
  /**
   * What the deposits and withdrawals of an applied transaction moved, from its effects: its result does not say. No
   * proof stands behind them; whoever asks checks them against the limits that it signed.
   */
  poolMovements(hash: string, signal: AbortSignal): Promise<PoolMovement[]>;
  /** Trades of an account after a cursor, oldest first, at most `limit`. */
  tradesOf(account: string, cursor: string, limit: number, signal: AbortSignal): Promise<LedgerTrade[]>;
  /** The latest trades of a pair, newest first. */
  trades(base: AssetId, quote: AssetId, limit: number, signal: AbortSignal): Promise<LedgerTrade[]>;
  /**
   * Sends to one server (by preference and health, never to one in quarantine), never throws except when aborted.
   * @param attempt how often the envelope was sent before: each time another server is the first to be tried, since one
   *   that reads well may lose all that is sent to it
   */
  submit(envelopeXdr: string, signal: AbortSignal, attempt?: number): Promise<SubmitAnswer>;
  /** Heads as ledgers close. Ends with the signal. */
  watchHeads(handlers: StreamHandlers<LedgerHead>, signal: AbortSignal): void;
  /** Says that the book of a pair changed (Horizon streams whole books; levels are quote per base). */
  watchBook(base: AssetId, quote: AssetId, handlers: StreamHandlers<BookLevels>, signal: AbortSignal): void;
  watchTrades(
    base: AssetId,
    quote: AssetId,
    cursor: string,
    handlers: StreamHandlers<LedgerTrade>,
    signal: AbortSignal,
  ): void;
  watchTradesOf(
    account: string,
    cursor: string,
    handlers: StreamHandlers<LedgerTrade>,
    signal: AbortSignal,
  ): void;
  /** Health, breaker and quarantine of each endpoint, for `/status`. */
  endpoints(): EndpointStatus[];
  close(): Promise<void>;
}

/** Levels of a book, best first. `amount` is base, stroops, on both sides. */
export interface BookLevels {
  bids: readonly BookLevel[];
  asks: readonly BookLevel[];
}
export interface BookLevel {
  price: Price;
  amount: bigint;
}

export interface EndpointStatus {
  url: string;
  kind: 'horizon' | 'rpc';
  state: 'up' | 'down' | 'open-breaker' | 'quarantined';
  reason: string | undefined;
  head: number | undefined;
}
