import type { Ledger, LedgerTrade, OfferEntry } from '../ledger/types.ts';
import type { MarketData } from '../market/types.ts';
import { isDone, type Registry } from './registry.ts';
import type { KeptOrder } from './store.ts';

const PAGE = 200;
const PAGES = 50;
/** Ledgers that are read again, since servers do not all have the last ones at the same time. */
const OVERLAP = 3;
/** What ended is kept for so long, milliseconds. */
const RETENTION = 7 * 86_400_000;

export interface ReconcilerOptions {
  account: string;
  ledger: Pick<Ledger, 'head' | 'offersOf' | 'tradesOf'>;
  market: Pick<MarketData, 'heardOf'>;
  registry: Registry;
  /** Kept up to date here: offers on the ledger that no order of ours has. */
  foreign: Map<string, OfferEntry>;
  now(): number;
}

/** Holds the orders to the ledger's own word. */
export interface Reconciler {
  /** Counts fills that nobody told us of. @throws the ledger's errors */
  readTrades(signal: AbortSignal): Promise<void>;
  /** Ends, fills, offers that are gone or not of ours. @throws the ledger's errors, `state-unavailable` */
  sweep(signal: AbortSignal): Promise<void>;
  /** Ends an order whose offer the ledger has no more. @throws the ledger's errors */
  gone(id: string, signal: AbortSignal): Promise<void>;
}

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { account, ledger, market, registry, foreign, now } = options;
  const { store } = registry;
  /** Offers that one look at the ledger did not find; a second makes it certain. */
  let missing = new Set<string>();
  /** Offers of nobody's that one look found; those of an order whose end is on its way become its own before the second. */
  let strangers = new Set<string>();

  async function readTrades(signal: AbortSignal): Promise<void> {
    const { sequence } = await ledger.head(signal);
    let cursor = store.cursor() ?? ledgerCursor(sequence - OVERLAP);
    for (let page = 0; page < PAGES; page++) {
      const trades = await ledger.tradesOf(account, cursor, PAGE, signal);
      market.heardOf(trades);
      for (const trade of trades) count(trade);
      cursor = trades.at(-1)?.cursor ?? cursor;
      if (trades.length < PAGE) {
        store.putCursor(ledgerCursor(sequence - OVERLAP));
        return;
      }
      store.putCursor(cursor);
    }
  }

  /** The side that rested: what an offer took before it rested stands in its result, though its trades name it too. */
  function count(trade: LedgerTrade): void {
    const [owner, offerId] = trade.baseIsSeller
      ? [trade.baseAccount, trade.baseOfferId]
      : [trade.quoteAccount, trade.quoteOfferId];
    const order = owner === account && offerId ? registry.ofOffer(offerId) : undefined;
    if (order === undefined) return;
    const { baseAmount, quoteAmount } = trade;
    const [base, quote] =
      order.market.base === trade.baseAsset ? [baseAmount, quoteAmount] : [quoteAmount, baseAmount];
    registry.fill(trade.cursor, offerId!, base, quote);
  }

  const settled = (order: KeptOrder): boolean =>
    order.state === 'open' && order.offerId !== undefined && order.intent === undefined;

  async function sweep(signal: AbortSignal): Promise<void> {
    const before = [...registry.live()].filter(settled);
    const offers = new Map((await ledger.offersOf(account, signal)).map((offer) => [offer.id, offer]));
    const absent = before.filter(({ offerId }) => !offers.has(offerId!));
    const certain = absent.filter(({ offerId }) => missing.has(offerId!));
    // Before anything is called cancelled: it may have been filled.
    await readTrades(signal);
    for (const { clientOrderId } of certain) end(clientOrderId);
    missing = new Set(absent.map(({ offerId }) => offerId!));

    const unknown = [...offers.values()].filter(({ id }) => registry.ofOffer(id) === undefined);
    for (const id of foreign.keys()) if (!offers.has(id) || registry.ofOffer(id)) foreign.delete(id);
    const quiet = [...registry.live()].every(({ state }) => state === 'open');
    for (const offer of unknown) if (quiet || strangers.has(offer.id)) foreign.set(offer.id, offer);
    strangers = new Set(unknown.map(({ id }) => id));
    store.prune(now() - RETENTION);
  }

  function end(id: string): void {
    const order = registry.get(id);
    if (order === undefined || !settled(order)) return;
    const filled = isDone(order);
    const reason = filled
      ? undefined
      : 'the offer is on the ledger no more, and its trades do not account for it';
    const state = filled ? 'filled' : 'cancelled';
    registry.change(({ put }) => put({ ...order, state, remaining: 0n, reason }));
  }

  async function gone(id: string, signal: AbortSignal): Promise<void> {
    await readTrades(signal);
    end(id);
  }

  return { readTrades, sweep, gone };
}

/** Horizon's paging token before everything in the ledger after `sequence` (SEP-35). */
const ledgerCursor = (sequence: number): string => `${BigInt(Math.max(0, sequence)) << 32n}-0`;
