import { messageOf } from '../../common/errors.ts';
import type { sleep } from '../../common/shutdown.ts';
import type { Ledger, LedgerTrade } from '../ledger/types.ts';
import type { State } from '../state.ts';
import type { Market } from './asset.ts';
import type { Fill } from './types.ts';

export const marketSchema = `
  CREATE TABLE IF NOT EXISTS market_fills (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, base TEXT NOT NULL, quote TEXT NOT NULL,
    side TEXT NOT NULL, base_amount TEXT NOT NULL, quote_amount TEXT NOT NULL, offer TEXT, pool TEXT,
    role TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS market_fills_offer ON market_fills (offer);
  CREATE TABLE IF NOT EXISTS market_cursor (one INTEGER PRIMARY KEY CHECK (one = 1), cursor TEXT NOT NULL) STRICT`;

/** Offer ids from here on are made up by Horizon for takers that have none. */
const SYNTHETIC_OFFER = 2n ** 62n;
const PAGE = 200;
const RETRY_MS = 3_000;
/** Kept fills; the oldest go first. */
const KEPT = 200_000;

/** Our part of a trade of a listed market; undefined for all others. Pure. */
export function fillOf(trade: LedgerTrade, account: string, markets: readonly Market[]): Fill | undefined {
  const { baseAsset, quoteAsset, baseAccount, quoteAccount, baseIsSeller, poolId } = trade;
  const market = markets.find(
    ({ base, quote }) =>
      (base === baseAsset && quote === quoteAsset) || (base === quoteAsset && quote === baseAsset),
  );
  if (market === undefined || (baseAccount !== account && quoteAccount !== account)) return undefined;
  const isTurned = market.base !== baseAsset;
  const gaveBase = baseAccount === account;
  const isMaker = poolId === undefined && gaveBase === baseIsSeller;
  const offerId = gaveBase ? trade.baseOfferId : trade.quoteOfferId;
  const isReal = offerId !== undefined && BigInt(offerId) < SYNTHETIC_OFFER;
  return {
    id: trade.cursor,
    at: trade.at,
    market,
    side: gaveBase !== isTurned ? 'SELL' : 'BUY',
    baseAmount: isTurned ? trade.quoteAmount : trade.baseAmount,
    quoteAmount: isTurned ? trade.baseAmount : trade.quoteAmount,
    offerId: isMaker && isReal ? offerId : undefined,
    poolId,
    role: isMaker ? 'maker' : 'taker',
  };
}

export interface FillsOptions {
  account: string;
  markets: readonly Market[];
  ledger: Pick<Ledger, 'head' | 'tradesOf' | 'watchTradesOf'>;
  state: State;
  sleep: typeof sleep;
  filled(fill: Fill): void;
  failed(reason: string): void;
}

/** Own fills, each kept once together with the cursor after it: no restart loses or repeats one. */
export function createFills(options: FillsOptions) {
  const { account, markets, ledger, state } = options;
  const { db, transact } = state;
  const statements = {
    add: db.prepare('INSERT OR IGNORE INTO market_fills VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    prune: db.prepare('DELETE FROM market_fills WHERE number <= (SELECT MAX(number) FROM market_fills) - ?'),
    cursor: db.prepare('SELECT cursor FROM market_cursor'),
    putCursor: db.prepare('INSERT OR REPLACE INTO market_cursor VALUES (1, ?)'),
    list: db.prepare(
      `SELECT * FROM market_fills WHERE (?1 IS NULL OR (base = ?1 AND quote = ?2))
       AND (?3 IS NULL OR number < (SELECT number FROM market_fills WHERE id = ?3)) ORDER BY number DESC LIMIT ?4`,
    ),
    ofOffer: db.prepare('SELECT * FROM market_fills WHERE offer = ? ORDER BY number'),
  };
  type Row = Record<string, string | number | null>;
  const fromRow = (row: Row): Fill => ({
    id: String(row.id),
    at: Number(row.at),
    market: { base: String(row.base), quote: String(row.quote) },
    side: row.side as Fill['side'],
    baseAmount: BigInt(row.base_amount!),
    quoteAmount: BigInt(row.quote_amount!),
    offerId: row.offer === null ? undefined : String(row.offer),
    poolId: row.pool === null ? undefined : String(row.pool),
    role: row.role as Fill['role'],
  });

  let kept = 0;
  /** Keeps what trades mean to us and, if they are the newest, where reading goes on, in one commit; then tells. */
  const take = (trades: readonly LedgerTrade[], isNewest = true): void => {
    const last = trades.at(-1);
    if (last === undefined) return;
    const fresh: Fill[] = [];
    transact(() => {
      for (const trade of trades) {
        const it = fillOf(trade, account, markets);
        if (it === undefined) continue;
        const { id, at, market, side, baseAmount, quoteAmount, offerId = null, poolId = null, role } = it;
        const amounts = [String(baseAmount), String(quoteAmount)] as const;
        const { changes } = statements.add.run(
          ...[id, at, market.base, market.quote, side, ...amounts, offerId, poolId, role],
        );
        if (Number(changes) > 0) fresh.push(it);
      }
      if (isNewest) statements.putCursor.run(last.cursor);
      kept += fresh.length;
      if (kept > 1_000) {
        statements.prune.run(KEPT);
        kept = 0;
      }
    });
    for (const fill of fresh) options.filled(fill);
  };

  const queued: LedgerTrade[] = [];
  /** What came in one turn of the event loop is kept in one commit: each waits for the disk, and a ledger may fill hundreds. */
  const takeSoon = (trade: LedgerTrade, signal: AbortSignal): void => {
    queued.push(trade);
    if (queued.length === 1) setImmediate(takeQueued, signal);
  };
  const takeQueued = (signal: AbortSignal): void => {
    // The cursor that is kept comes back to them.
    if (signal.aborted) return;
    const trades = [...queued];
    try {
      take(trades);
    } catch (error) {
      options.failed(messageOf(error));
      const again = (): void => takeQueued(signal);
      options.sleep(RETRY_MS, signal).then(again, () => undefined);
      return;
    }
    queued.splice(0, trades.length);
  };

  const cursorOf = async (signal: AbortSignal): Promise<string> => {
    const row = statements.cursor.get() as Row | undefined;
    if (row !== undefined) return String(row.cursor);
    // The first start: what was traded before is not ours to tell. A paging token begins with the ledger (SEP-35).
    const { sequence } = await ledger.head(signal);
    const cursor = `${BigInt(sequence + 1) << 32n}-0`;
    transact(() => void statements.putCursor.run(cursor));
    return cursor;
  };

  /** All that was traded while nobody looked. */
  const catchUp = async (signal: AbortSignal): Promise<string> => {
    for (;;) {
      const cursor = await cursorOf(signal);
      const page = await ledger.tradesOf(account, cursor, PAGE, signal);
      take(page);
      if (page.length < PAGE) return page.at(-1)?.cursor ?? cursor;
    }
  };

  return {
    async start(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        try {
          const cursor = await catchUp(signal);
          ledger.watchTradesOf(
            ...([account, cursor] as const),
            {
              event: (trade) => takeSoon(trade, signal),
              open: (gap) => gap && options.failed('the history of trades was cut: fills may be missing'),
            },
            signal,
          );
          return;
        } catch (error) {
          if (signal.aborted) return;
          options.failed(messageOf(error));
          await options.sleep(RETRY_MS, signal).catch(() => undefined);
        }
      }
    },
    /** Trades of the account that were read elsewhere: those that the stream left out become fills too. */
    heard: (trades: readonly LedgerTrade[]): void => take(trades, false),
    list: ({
      market,
      before,
      limit,
    }: {
      market?: Market | undefined;
      before?: string | undefined;
      limit: number;
    }) =>
      (statements.list.all(market?.base ?? null, market?.quote ?? null, before ?? null, limit) as Row[]).map(
        fromRow,
      ),
    ofOffer: (offerId: string) => (statements.ofOffer.all(offerId) as Row[]).map(fromRow),
  };
}
