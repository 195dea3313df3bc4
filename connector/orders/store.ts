import type { ErrorCode } from '../errors.ts';
import { type Market, marketKey } from '../market/asset.ts';
import type { Price } from '../market/quote.ts';
import type { State } from '../state.ts';
import type { Fraction } from './price.ts';
import type { Step } from './steps.ts';
import type { Order, OrderState } from './types.ts';

/** Tables of the orders. An order's and a position's own JSON is in `body`; the other columns are what is looked for. */
export const ordersSchema = `
CREATE TABLE IF NOT EXISTS orders (
  id TEXT PRIMARY KEY, live INTEGER NOT NULL, state TEXT NOT NULL, market TEXT NOT NULL, offer_id TEXT, position TEXT,
  updated_at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS orders_live ON orders (live) WHERE live = 1;
CREATE INDEX IF NOT EXISTS orders_offer ON orders (offer_id);
CREATE INDEX IF NOT EXISTS orders_position ON orders (position) WHERE position IS NOT NULL;
CREATE INDEX IF NOT EXISTS orders_updated ON orders (updated_at);
CREATE TABLE IF NOT EXISTS orders_fills (id TEXT PRIMARY KEY, order_id TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS orders_fills_order ON orders_fills (order_id);
CREATE TABLE IF NOT EXISTS orders_positions (
  address TEXT PRIMARY KEY, state TEXT NOT NULL, updated_at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS orders_cursor (one INTEGER PRIMARY KEY CHECK (one = 1), value TEXT NOT NULL)`;

/** An order with what only this room needs. */
export interface KeptOrder extends Order {
  code: ErrorCode | undefined;
  /** What was asked, in one text: the same id with another is refused. */
  content: string;
  fraction: Fraction;
  /** What may still change it. */
  intent: Wait | undefined;
}

/** An intent that is waited for, and which of its operations is the order's. */
export interface Wait {
  id: string;
  step: Step;
  index: number;
  of: number;
}

/** A ladder: what was put in and what was taken out of it, stroops. */
export interface KeptPosition {
  address: string;
  market: Market;
  lower: Price;
  upper: Price;
  levels: number;
  client: string;
  state: 'opening' | 'open' | 'closed';
  base: bigint;
  quote: bigint;
  hash: string | undefined;
  /** What the intent on its way does to it once it is applied. */
  pending: PositionDelta | undefined;
  updatedAt: number;
}

export interface PositionDelta {
  intent: string;
  base: bigint;
  quote: bigint;
  state: 'open' | 'closed';
}

/** Orders that may still change; the others are kept in the store only. */
export const isLive = ({ state, intent }: KeptOrder): boolean =>
  state === 'pending' || state === 'open' || state === 'unknown' || intent !== undefined;

/** JSON with whole numbers of any size. */
export const pack = (value: unknown): string =>
  JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? { $n: item.toString() } : item));
export const unpack = <T>(text: string): T =>
  JSON.parse(text, (_key, item) =>
    typeof item === 'object' && item !== null && typeof item.$n === 'string' ? BigInt(item.$n) : item,
  ) as T;

export type OrderStore = ReturnType<typeof createOrderStore>;

/** Statements over the tables; whoever changes several things wraps them in `state.transact`. */
export function createOrderStore({ db }: State) {
  const putOrder = db.prepare(
    `INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET live = excluded.live,
     state = excluded.state, offer_id = excluded.offer_id, updated_at = excluded.updated_at, body = excluded.body`,
  );
  const order = db.prepare('SELECT body FROM orders WHERE id = ?');
  const byOffer = db.prepare('SELECT body FROM orders WHERE offer_id = ?');
  const byPosition = db.prepare('SELECT body FROM orders WHERE position = ?');
  const live = db.prepare('SELECT body FROM orders WHERE live = 1');
  const list = db.prepare(
    `SELECT body FROM orders WHERE (?1 IS NULL OR market = ?1) AND (?2 IS NULL OR state = ?2)
     ORDER BY updated_at DESC LIMIT ?3`,
  );
  const putFill = db.prepare('INSERT OR IGNORE INTO orders_fills VALUES (?, ?)');
  const putPosition = db.prepare(
    `INSERT INTO orders_positions VALUES (?, ?, ?, ?)
     ON CONFLICT (address) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at, body = excluded.body`,
  );
  const position = db.prepare('SELECT body FROM orders_positions WHERE address = ?');
  const positions = db.prepare("SELECT body FROM orders_positions WHERE state <> 'closed'");
  const cursor = db.prepare('SELECT value FROM orders_cursor');
  const putCursor = db.prepare('INSERT OR REPLACE INTO orders_cursor VALUES (1, ?)');
  const old = `live = 0 AND updated_at < ? AND (position IS NULL OR position NOT IN
    (SELECT address FROM orders_positions WHERE state <> 'closed'))`;
  const prune = [
    db.prepare(`DELETE FROM orders_fills WHERE order_id IN (SELECT id FROM orders WHERE ${old})`),
    db.prepare(`DELETE FROM orders WHERE ${old}`),
    db.prepare("DELETE FROM orders_positions WHERE state = 'closed' AND updated_at < ?"),
  ];
  const read = <T>(row: unknown): T | undefined =>
    row === undefined ? undefined : unpack<T>((row as { body: string }).body);
  const readAll = <T>(rows: unknown[]): T[] => rows.map((row) => read<T>(row)!);
  return {
    putOrder(kept: KeptOrder): void {
      const { clientOrderId, state, market, offerId, position: of, updatedAt } = kept;
      const flags = [isLive(kept) ? 1 : 0, state, marketKey(market), offerId ?? null, of ?? null] as const;
      putOrder.run(clientOrderId, ...flags, updatedAt, pack(kept));
    },
    order: (id: string) => read<KeptOrder>(order.get(id)),
    orderOfOffer: (offerId: string) => read<KeptOrder>(byOffer.get(offerId)),
    ordersOfPosition: (address: string) => readAll<KeptOrder>(byPosition.all(address)),
    liveOrders: () => readAll<KeptOrder>(live.all()),
    list: (market: Market | undefined, state: OrderState | undefined, limit: number) =>
      readAll<KeptOrder>(
        list.all(market === undefined ? null : marketKey(market), state ?? null, Math.max(0, limit)),
      ),
    /** False when that fill was counted before. */
    countFill: (fillId: string, orderId: string) => putFill.run(fillId, orderId).changes > 0,
    putPosition: (kept: KeptPosition) =>
      putPosition.run(kept.address, kept.state, kept.updatedAt, pack(kept)),
    position: (address: string) => read<KeptPosition>(position.get(address)),
    positions: () => readAll<KeptPosition>(positions.all()),
    /** Up to where the account's trades were looked at (Horizon's paging token). */
    cursor: () => (cursor.get() as { value: string } | undefined)?.value,
    putCursor: (value: string) => putCursor.run(value),
    /** Forgets what ended before `before` (milliseconds since 1970). */
    prune(before: number): void {
      for (const statement of prune) statement.run(before);
    },
  };
}
