import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { close, createApp, errorHandler, listen } from '../../../common/http.ts';
import { createApi } from '../../../connector/api/api.ts';
import { apiSchema } from '../../../connector/api/idempotency.ts';
import { sendApiProblem } from '../../../connector/api/problem.ts';
import { connectorError } from '../../../connector/errors.ts';
import type { OrderNote } from '../../../connector/gateway/caller.ts';
import type { Context } from '../../../connector/gateway/context.ts';
import { mount } from '../../../connector/gateway/route.ts';
import type { LedgerTrade } from '../../../connector/ledger/types.ts';
import { listTokens, type Market } from '../../../connector/market/asset.ts';
import type { BookDiff, Fill, LocalBook } from '../../../connector/market/types.ts';
import type { Order, OrderRequest, Orders } from '../../../connector/orders/types.ts';
import { openState, type State } from '../../../connector/state.ts';

export const ACCOUNT = 'GCWSBR5KAS7MWM5WOZJCOMG2YDP5XJ2WYAPYGSZEKGPEEOI2CO6RA3VV';
export const USDC = 'USDC:GB6AW4NE7GS76LM7HAYCPVZF2KLLMUPBS5YXEC2UEAWQ2IG4GB2FFPEB';
export const MARKET: Market = { base: 'native', quote: USDC };
export const UNIT = 10_000_000n;
export const price = (numerator: number, denominator: number) => ({
  numerator: BigInt(numerator),
  denominator: BigInt(denominator),
});

export const orderOf = (request: OrderRequest, change: Partial<Order> = {}): Order => ({
  ...request,
  ...{ state: 'open', offerId: '77', filledBase: 0n, filledQuote: 0n, remaining: request.amount },
  ...{ hash: 'ab'.repeat(32), fee: 100n, code: undefined, reason: undefined, position: undefined },
  ...{ createdAt: 1_000, updatedAt: 2_000 },
  ...change,
});

export const bookOf = (change: Partial<LocalBook> = {}): LocalBook => ({
  ...{ market: MARKET, sequence: 5, checksum: 12345, ledger: 9, at: 1_000, fresh: true },
  bids: [{ price: price(1198, 10_000), amount: 100n * UNIT }],
  asks: [
    { price: price(601, 5_000), amount: 2n * UNIT },
    { price: price(1, 3), amount: 5n },
  ],
  ...change,
});

export const fillOf = (id: string, change: Partial<Fill> = {}): Fill => ({
  ...{ id, at: 1_000, market: MARKET, side: 'BUY', baseAmount: 10n * UNIT, quoteAmount: (12n * UNIT) / 10n },
  ...{ offerId: '77', poolId: undefined, role: 'maker' },
  ...change,
});

export const tradeOf = (cursor: string, at: number, change: Partial<LedgerTrade> = {}): LedgerTrade => ({
  ...{ cursor, at, baseAsset: 'native', quoteAsset: USDC, baseAmount: UNIT, quoteAmount: 1_202_000n },
  ...{ price: price(601, 5_000), baseIsSeller: true, baseAccount: ACCOUNT, baseOfferId: '1' },
  ...{ quoteAccount: undefined, quoteOfferId: undefined, poolId: undefined },
  ...change,
});

/** Doubles of market and orders: what they are asked is kept, what they answer can be set. */
export interface Doubles {
  context: Context;
  calls: [name: string, ...args: unknown[]][];
  book: LocalBook | undefined;
  trades: LedgerTrade[];
  fills: Fill[];
  orders: Map<string, Order>;
  place: (requests: readonly OrderRequest[], signal: AbortSignal) => Promise<Order[]>;
  emit: {
    book(diff: BookDiff, book: LocalBook): void;
    trade(trade: LedgerTrade): void;
    fill(fill: Fill): void;
    order(order: Order): void;
  };
  /** How many listeners there are. */
  listeners(): number;
}

export function createDoubles(): Doubles {
  const sets = { book: new Set(), trade: new Set(), fill: new Set(), order: new Set() } as Record<
    string,
    Set<(...args: never[]) => void>
  >;
  const on = (name: string, callback: (...args: never[]) => void) => {
    sets[name]!.add(callback);
    return () => void sets[name]!.delete(callback);
  };
  const send =
    (name: string) =>
    (...args: unknown[]): void => {
      for (const callback of [...sets[name]!]) (callback as (...all: unknown[]) => void)(...args);
    };
  const doubles: Omit<Doubles, 'context'> = {
    ...{ calls: [], book: bookOf(), trades: [], fills: [], orders: new Map() },
    place: async (requests) => requests.map((request) => orderOf(request)),
    emit: { book: send('book'), trade: send('trade'), fill: send('fill'), order: send('order') },
    listeners: () => Object.values(sets).reduce((sum, { size }) => sum + size, 0),
  };
  const note = (...call: Doubles['calls'][number]): void => void doubles.calls.push(call);
  const need = (id: string): Order => {
    const found = doubles.orders.get(id);
    if (found === undefined) throw connectorError('not-found', 'no such order');
    return found;
  };
  const orders: Partial<Orders> = {
    async place(requests, signal) {
      note('place', requests);
      const placed = await doubles.place(requests, signal);
      for (const order of placed) doubles.orders.set(order.clientOrderId, order);
      return placed;
    },
    async amend(id, change) {
      note('amend', id, change);
      return { ...need(id), ...(change.price && { price: change.price }), amount: change.amount ?? 1n };
    },
    async cancel(id) {
      note('cancel', id);
      return { ...need(id), state: 'cancelled', remaining: 0n };
    },
    async cancelAll(market) {
      note('cancelAll', market);
      return { cancelled: ['77'], left: [{ offerId: '78', market: MARKET, reason: 'the signer refused' }] };
    },
    get: (id) => doubles.orders.get(id),
    list(query) {
      note('list', query);
      return [...doubles.orders.values()];
    },
    onOrder: (callback) => on('order', callback as never),
  };
  const context = {
    file: {
      account: ACCOUNT,
      markets: [MARKET],
      trading: { deadManSeconds: 120, nativeBuffer: UNIT, collarPct: 50 },
    },
    limits: { perOperation: 20_000n, perTransaction: 2_020_000n, percentile: 90, window: undefined },
    ...{ network: 'sandbox', tokens: listTokens([MARKET]), orders, now: () => 5_000 },
    market: {
      markets: [MARKET],
      book: () => doubles.book,
      trades: () => doubles.trades,
      fills(query: unknown) {
        note('fills', query);
        return doubles.fills.slice(0, (query as { limit: number }).limit);
      },
      heardOf: () => undefined,
      fillsOf: (offerId: string) => doubles.fills.filter((fill) => fill.offerId === offerId),
      onBook: (_market: Market, callback: never) => on('book', callback),
      onTrade: (_market: Market, callback: never) => on('trade', callback),
      onFill: (callback: never) => on('fill', callback),
    },
    engine: { load: () => ({ waiting: 1, inFlight: 2, channels: 3 }) },
    ledger: {
      head: async () => ({ sequence: 9, closedAt: 4_000, baseFee: 100n, baseReserve: 5_000_000n }),
      feeStatistics: async () => ({ baseFee: 100n, capacityUsage: 0.9, bids: { 90: 30_000n } }),
      endpoints: () => [{ url: 'https://h', kind: 'horizon', state: 'up', reason: undefined, head: 9 }],
      account: async () => ({
        ...{ sequence: 1n, subentries: 6, sponsoring: 1, sponsored: 2 },
        balances: [
          {
            ...{ asset: 'native', balance: 100n * UNIT, limit: undefined, authorized: true },
            ...{ sellingLiabilities: 10n * UNIT, buyingLiabilities: 0n },
          },
          {
            ...{ asset: USDC, balance: 50n * UNIT, limit: 1000n * UNIT, authorized: true },
            ...{ sellingLiabilities: 0n, buyingLiabilities: 20n * UNIT },
          },
        ],
        poolShares: [{ poolId: 'ab'.repeat(32), balance: 3n * UNIT, limit: 9n * UNIT }],
      }),
    },
  } as unknown as Context;
  return Object.assign(doubles, { context });
}

export interface Reply {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of every shape
  body: any;
}

export interface Stand extends Doubles {
  server: Server;
  state: State;
  notes: OrderNote[];
  /** Milliseconds since 1970. */
  clock: { now: number };
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  /** Another process on the same state folder. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** `/v1` over HTTP, mounted as the gateway does; `x-client` says who asks. */
export async function startStand(): Promise<Stand> {
  const doubles = createDoubles();
  const folder = mkdtempSync(join(tmpdir(), 'api-'));
  const clock = { now: 1_000_000_000_000 };
  const notes: OrderNote[] = [];
  const stand = {} as Stand;
  const start = async (): Promise<void> => {
    stand.state = openState(folder, [apiSchema]);
    const app = createApp();
    app.use((request, response, next) => {
      response.locals.client = request.headers['x-client'] ?? 'bot';
      next();
    });
    app.use(express.json({ limit: 16_384, inflate: false, strict: true }));
    for (const route of createApi({ state: stand.state, now: () => clock.now })) {
      mount(app, route, doubles.context, (_route, client) => {
        const note: OrderNote = {};
        notes.push(note);
        const caller = {
          client,
          requestId: 'r',
          note: (fields: OrderNote) => void Object.assign(note, fields),
        };
        return { caller, end: () => undefined };
      });
    }
    app.use(errorHandler((error, response) => sendApiProblem(response, error)));
    stand.server = createServer(app);
    await listen(stand.server, { host: '127.0.0.1', port: 0 });
  };
  await start();
  return Object.assign(stand, doubles, {
    ...{ notes, clock },
    async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
      const { port } = stand.server.address() as AddressInfo;
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await answer.text();
      return {
        status: answer.status,
        headers: answer.headers,
        body: text === '' ? undefined : JSON.parse(text),
      };
    },
    async restart() {
      await close(stand.server, 0);
      stand.state.close();
      await start();
    },
    async stop() {
      await close(stand.server, 0);
      stand.state.close();
      rmSync(folder, { recursive: true, force: true });
    },
  });
}
