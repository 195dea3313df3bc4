import type { AssetId, Market } from '../market/asset.ts';
import type { Price, Side } from '../market/quote.ts';

/** `limit` may cross; `maker-only` never crosses others nor ourselves; `market` takes now and leaves nothing. */
export type OrderType = 'limit' | 'maker-only' | 'market';

export interface OrderRequest {
  /** The client's name of it, its idempotency key: 1 to 64 of [A-Za-z0-9_-]. */
  clientOrderId: string;
  market: Market;
  side: Side;
  type: OrderType;
  /** Quote per base; for `market` the worst price that is taken. */
  price: Price;
  /** Base, stroops. */
  amount: bigint;
  /** TLS identity of who asked, for the audit. */
  client: string;
}

export type OrderState = 'pending' | 'open' | 'filled' | 'cancelled' | 'failed' | 'unknown';

/** An order of ours. Amounts in stroops, times in milliseconds since 1970. */
export interface Order extends OrderRequest {
  state: OrderState;
  /** Of the ledger, once it rests in the book. */
  offerId: string | undefined;
  filledBase: bigint;
  filledQuote: bigint;
  /** What still rests in the book. */
  remaining: bigint;
  /** Hash of the transaction that placed it. */
  hash: string | undefined;
  fee: bigint;
  reason: string | undefined;
  /** Of one that failed: its code in the error table. */
  code?: string | undefined;
  createdAt: number;
  updatedAt: number;
  /** Ladder position that it belongs to. */
  position: string | undefined;
}

/** A ladder of offers, shown to Hummingbot as a CLMM position. */
export interface Position {
  /** Our own id, lower-case hex. */
  address: string;
  /** Hash of the last transaction that changed it. */
  hash?: string | undefined;
  market: Market;
  lower: Price;
  upper: Price;
  levels: number;
  state: 'open' | 'closed';
  /** What still rests plus what was filled and not collected, stroops. */
  base: bigint;
  quote: bigint;
  orders: readonly Order[];
}

/** What ended a mass cancellation. */
export interface CancelReport {
  cancelled: readonly string[];
  /** Offers that are left, with the reason; `order <clientOrderId>` where nobody knows whether there is one. */
  left: readonly { offerId: string; market: Market | undefined; reason: string }[];
}

export interface Orders {
  /** Each is durable before it is tried; the same `clientOrderId` with the same content gives the order that stands. */
  place(requests: readonly OrderRequest[], signal: AbortSignal): Promise<Order[]>;
  amend(
    clientOrderId: string,
    change: { price?: Price | undefined; amount?: bigint | undefined },
    signal: AbortSignal,
  ): Promise<Order>;
  cancel(clientOrderId: string, signal: AbortSignal): Promise<Order>;
  /** Largest exposure first, own offers that we do not know included. */
  cancelAll(market: Market | undefined, signal: AbortSignal): Promise<CancelReport>;
  get(clientOrderId: string): Order | undefined;
  list(query: {
    market?: Market | undefined;
    state?: OrderState | undefined;
    limit: number;
  }): readonly Order[];
  /** Calls back on each change of an order; gives what ends it. */
  onOrder(changed: (order: Order) => void): () => void;

  openPosition(request: PositionRequest, signal: AbortSignal): Promise<PositionChange>;
  position(address: string): Position | undefined;
  positions(): readonly Position[];
  addToPosition(
    address: string,
    amounts: { base: bigint; quote: bigint },
    signal: AbortSignal,
  ): Promise<PositionChange>;
  /** `share` of what rests, 0 < numerator/denominator ≤ 1. */
  removeFromPosition(address: string, share: Price, signal: AbortSignal): Promise<PositionChange>;
  closePosition(address: string, signal: AbortSignal): Promise<PositionChange>;
}

export interface PositionRequest {
  market: Market;
  lower: Price;
  upper: Price;
  base: bigint;
  quote: bigint;
  /** Offers a side at most. */
  levels: number;
  client: string;
}

/** Amounts in stroops; `base` and `quote` moved between the account's free funds and the position. */
export interface PositionChange {
  hash: string;
  position: Position;
  base: bigint;
  quote: bigint;
  fee: bigint;
}

export type { AssetId };
