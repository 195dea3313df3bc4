import type { AssetId } from '../../market/asset.ts';
import type { Transport } from '../transport.ts';
import type { BookLevels, Ledger, LedgerHead, LedgerTransaction, SubmitAnswer } from '../types.ts';
import type { TradesOf } from './queries.ts';

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

/** Reads of history, as the ledger has them. Pages are read one after the other up to the limit, of a pair one page. */
type History = Pick<Ledger, 'feeStatistics' | 'poolMovements' | 'tradesOf' | 'trades'>;

/**
 * Reads of state, as the ledger has them. At most 1,000 offers of an account (none can have more subentries); of a book up to
 * 2,000 are read, since Horizon pages them by id.
 */
type State = {
  [Name in 'account' | 'offersOf' | 'offers' | 'pool' | 'paths']: (
    ...asked: Parameters<Ledger[Name]>
  ) => Promise<AtLedger<Awaited<ReturnType<Ledger[Name]>>>>;
};

/**
 * One Horizon. Every answer has its form and is bounded, and is what was asked for (the account, the assets, the hash).
 * Nothing is compared with another server here, and no age is judged: `ledger.ts` does both.
 *
 * Every read throws `ledger-unreachable` (also `address-unknown`, `pin-mismatch`, breaker open), `rate-limited`,
 * `ledger-stale` (`still_ingesting`, `stale_history`) or `ledger-untrusted` (not its form, not what was asked).
 */
export interface HorizonClient extends History, State {
  readonly url: string;
  readonly transport: Transport;
  root(signal: AbortSignal): Promise<HorizonRoot>;
  head(signal: AbortSignal): Promise<HorizonHead>;
  /** The book's levels, best first, at most 200 a side. */
  book(base: AssetId, quote: AssetId, limit: number, signal: AbortSignal): Promise<AtLedger<BookLevels>>;
  /**
   * By outer or inner hash; checked by `verify.ts`. Undefined: this history has it not (`root` says how far it reaches).
   */
  transaction(hash: string, signal: AbortSignal): Promise<LedgerTransaction | undefined>;
  /** The paging token of the newest trade of a pair or account, `0-0` if there is none. */
  newestTrade(of: TradesOf, signal: AbortSignal): Promise<string>;
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
