import type { ConnectorFile } from '../config.ts';
import { connectorError } from '../errors.ts';
import type { Ledger, OfferEntry } from '../ledger/types.ts';
import { MAX_STROOPS } from '../market/amount.ts';
import { marketKey } from '../market/asset.ts';
import { priceKey } from '../market/levels.ts';
import type { MarketData } from '../market/types.ts';
import type { Metrics } from '../metrics.ts';
import type { State } from '../state.ts';
import type { Ending, Engine } from '../transactions/types.ts';
import { createCanceller } from './cancel.ts';
import { marketOf } from './exposure.ts';
import { createPositions } from './positions.ts';
import { ledgerPrice, toPrice, tradeAmounts } from './price.ts';
import { createReconciler } from './reconcile.ts';
import { createRegistry } from './registry.ts';
import { deletionOf, type Step } from './steps.ts';
import type { KeptOrder } from './store.ts';
import type { Order, OrderRequest, Orders } from './types.ts';
import { createWorker } from './worker.ts';

/** How often the orders are held to the ledger's own word, milliseconds. */
const SWEEP_MS = 15_000;
const FOREIGN = 'foreign-';
const ID = /^[A-Za-z0-9_-]{1,64}$/;

export interface OrdersOptions {
  file: Pick<ConnectorFile, 'account' | 'trading'>;
  /** In force now: read at each use. */
  limits: Pick<ConnectorFile['fees'], 'maxOperations'>;
  state: State;
  engine: Engine;
  ledger: Pick<Ledger, 'head' | 'offersOf' | 'tradesOf'>;
  market: MarketData;
  metrics: Pick<Metrics, 'orders'>;
  log: { warn(fields: object, message: string): void };
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `run` every `ms` until its result is called. */
  every(ms: number, run: () => void): () => void;
}

export interface OrdersRoom extends Orders {
  /** Settles what the engine says of what an earlier process left. Call it before `Engine.resume`. */
  start(): void;
  /** Looks at the ledger once, now. */
  sweep(signal: AbortSignal): Promise<void>;
  /** For the engine: the end of an intent (kind `orders`) that it took up from an earlier process. */
  recovered(intent: { id: string }, ending: Ending): void;
  /** Refuses whatever would place or change an offer, until the result is called. Deletions go on. */
  hold(reason: string): () => void;
  stop(): void;
}

/** The orders of the account. @throws `state-unavailable` */
export function createOrders(options: OrdersOptions): OrdersRoom {
  const { file, limits, state, engine, ledger, market, metrics, log, now, every } = options;
  const { account, trading } = file;
  const foreign = new Map<string, OfferEntry>();
  const registry = createRegistry(state, now);
  const worker = createWorker({ file, engine, market, registry, metrics, foreign, now });
  const canceller = createCanceller({ account, limits, ledger, market, registry, worker, foreign });
  const reconciler = createReconciler({ account, ledger, market, registry, foreign, now });
  const holds = new Set<{ reason: string }>();
  const turns = new Map<string, Promise<unknown>>();
  const closed = new AbortController();
  const endings: (() => void)[] = [];

  function exclusive<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (turns.get(key) ?? Promise.resolve()).then(work, work);
    turns.set(key, turn);
    const over = () => {
      if (turns.get(key) === turn) turns.delete(key);
    };
    turn.then(over, over);
    return turn;
  }

  function mayPlace(): void {
    const [first] = holds;
    if (first) throw connectorError('shutting-down', `no orders are placed now: ${first.reason}`);
  }

  type Fields = Pick<KeptOrder, 'clientOrderId' | 'market' | 'side' | 'type' | 'price' | 'amount' | 'client'>;

  /** @throws `invalid-params`, which names the field */
  function draft(request: Fields): KeptOrder {
    const { clientOrderId, market: of, side, type, price, amount, client } = request;
    if (!ID.test(clientOrderId) || clientOrderId.startsWith(FOREIGN)) {
      const message = `clientOrderId must be 1 to 64 of A-Z a-z 0-9 _ - and not begin with ${FOREIGN}`;
      throw connectorError('invalid-params', message, { field: 'clientOrderId' });
    }
    if (!market.markets.some((listed) => marketKey(listed) === marketKey(of))) {
      throw connectorError('invalid-params', 'market is not one of the listed markets', { field: 'market' });
    }
    if (amount < 1n) {
      throw connectorError('invalid-params', 'amount must be at least 0.0000001', { field: 'amount' });
    }
    const fraction = ledgerPrice(side, price);
    const { give, get } = tradeAmounts(side, amount, fraction);
    if (give > MAX_STROOPS || get > MAX_STROOPS) {
      throw connectorError('invalid-params', 'amount is above the largest of the ledger at this price', {
        field: 'amount',
      });
    }
    return {
      ...{ clientOrderId, market: of, side, type, price, amount, client, fraction },
      ...{ state: 'pending', offerId: undefined, filledBase: 0n, filledQuote: 0n, remaining: amount },
      ...{
        hash: undefined,
        fee: 0n,
        reason: undefined,
        code: undefined,
        position: undefined,
        intent: undefined,
      },
      ...{ content: contentOf(request), createdAt: now(), updatedAt: now() },
    };
  }

  const stepOf = (order: KeptOrder): Step => ({
    ...{ action: order.type === 'market' ? 'take' : 'place', id: order.clientOrderId, offerId: '0' },
    ...{ market: order.market, side: order.side, price: order.fraction, amount: order.amount },
  });

  async function placeAll(requests: readonly OrderRequest[], signal: AbortSignal): Promise<Order[]> {
    const fresh = new Map<string, KeptOrder>();
    for (const request of requests) {
      const { clientOrderId } = request;
      const known = fresh.get(clientOrderId) ?? registry.get(clientOrderId);
      if (known === undefined) {
        mayPlace();
        fresh.set(clientOrderId, draft(request));
      } else if (known.content !== contentOf(request)) {
        const message = `clientOrderId ${clientOrderId} was used for another order`;
        throw connectorError('conflict', message, { field: 'clientOrderId' });
      }
    }
    const orders = [...fresh.values()];
    // One intent each, so that the fault of one fails no other; the engine puts them into few transactions.
    const jobs = worker.prepare(
      orders.map((order) => [stepOf(order)]),
      signal,
      ({ put }) => {
        for (const order of orders) put(order);
      },
    );
    const runs = jobs.map((job, index) =>
      exclusive(orders[index]!.clientOrderId, () => worker.run(job).catch(() => undefined)),
    );
    const others = requests.map(({ clientOrderId }) => turns.get(clientOrderId));
    await Promise.allSettled([...runs, ...others]);
    return requests.map(({ clientOrderId }) => registry.get(clientOrderId)!);
  }

  /** @throws `not-found`; `conflict` while its last change is not known to have ended */
  function changeable(id: string): KeptOrder {
    const order = registry.get(id);
    if (order === undefined) throw connectorError('not-found', 'no such order', { field: 'clientOrderId' });
    if (order.intent === undefined) return order;
    throw connectorError(
      'conflict',
      `the order is still on its way (${order.hash ?? 'not sent'}): ask again later`,
    );
  }

  async function amendOne(
    id: string,
    change: Parameters<Orders['amend']>[1],
    signal: AbortSignal,
  ): Promise<Order> {
    mayPlace();
    const order = changeable(id);
    if (order.state !== 'open' || order.offerId === undefined) {
      throw connectorError('conflict', `the order is ${order.state}: only an open one can be amended`);
    }
    const { side, offerId, market: of, filledBase } = order;
    const to = { price: change.price ?? order.price, amount: change.amount ?? order.amount };
    const { fraction } = draft({ ...order, ...to });
    if (to.amount <= filledBase) {
      throw connectorError('invalid-params', 'amount must be above what is filled', { field: 'amount' });
    }
    const amount = to.amount - filledBase;
    const step: Step = { action: 'amend', id, offerId, market: of, side, price: fraction, amount, to };
    const [job] = worker.prepare([[step]], signal);
    await worker.run(job!);
    return registry.get(id)!;
  }

  async function cancelOne(id: string, signal: AbortSignal): Promise<Order> {
    const stranger = id.startsWith(FOREIGN) ? foreign.get(id.slice(FOREIGN.length)) : undefined;
    if (stranger !== undefined) {
      const shown = adopted(stranger)!;
      const { left } = await canceller.remove([deletionOf(stranger, undefined)], signal);
      if (left.length > 0) throw left[0]!.error;
      return { ...shown, state: 'cancelled', remaining: 0n, updatedAt: now() };
    }
    const order = changeable(id);
    if (order.state !== 'open' && order.state !== 'unknown') return order;
    if (order.offerId === undefined) {
      registry.change(({ put }) => put({ ...order, state: 'cancelled', remaining: 0n }));
      return registry.get(id)!;
    }
    const { offerId, market: of, side, fraction: price } = order;
    const step: Step = { action: 'delete', id, offerId, market: of, side, price, amount: 0n };
    const { left, gone } = await canceller.remove([step], signal);
    if (left.length > 0) throw left[0]!.error;
    // It was filled, or someone else cancelled it: the trades tell.
    if (gone.length > 0) await reconciler.gone(id, signal);
    return registry.get(id)!;
  }

  /** An offer of the account that nobody placed here, as an order. Undefined when its market is not listed. */
  function adopted(offer: OfferEntry): Order | undefined {
    const of = marketOf(offer, market.markets);
    if (of === undefined) return undefined;
    const side = of.base === offer.selling ? 'SELL' : 'BUY';
    const { numerator: n, denominator: d } = offer.price;
    const amount = side === 'SELL' ? offer.amount : (offer.amount * n) / d;
    return {
      ...{ clientOrderId: `${FOREIGN}${offer.id}`, market: of, side, type: 'limit', amount, client: '' },
      ...{ price: toPrice(side === 'SELL' ? { n, d } : { n: d, d: n }), state: 'open', offerId: offer.id },
      ...{ filledBase: 0n, filledQuote: 0n, remaining: amount, hash: undefined, fee: 0n, code: undefined },
      ...{ reason: 'not placed here', createdAt: 0, updatedAt: 0, position: undefined },
    };
  }

  const positions = createPositions({
    ...{ market, registry, worker, canceller, exclusive, mayPlace, draft, now },
    readTrades: reconciler.readTrades,
    staleMs: trading.staleSeconds * 1000,
  });

  const get = (id: string): Order | undefined => {
    const stranger = id.startsWith(FOREIGN) ? foreign.get(id.slice(FOREIGN.length)) : undefined;
    return stranger ? adopted(stranger) : registry.get(id);
  };

  return {
    ...positions,
    place: placeAll,
    amend: (id, change, signal) => exclusive(id, () => amendOne(id, change, signal)),
    cancel: (id, signal) => exclusive(id, () => cancelOne(id, signal)),
    cancelAll: canceller.all,
    get,
    list({ market: of, state: in_, limit }) {
      const strangers =
        in_ === undefined || in_ === 'open' ? [...foreign.values()].flatMap((o) => adopted(o) ?? []) : [];
      const shown = strangers.filter(
        (order) => of === undefined || marketKey(order.market) === marketKey(of),
      );
      return [...registry.store.list(of, in_, limit), ...shown].slice(0, limit);
    },
    onOrder: registry.onOrder,
    start() {
      worker.settleKnown();
      endings.push(
        market.onFill(({ id, offerId, role, baseAmount, quoteAmount }) => {
          if (role === 'maker' && offerId !== undefined) registry.fill(id, offerId, baseAmount, quoteAmount);
        }),
      );
      let busy = false;
      const sweep = () => {
        if (busy) return;
        busy = true;
        reconciler
          .sweep(closed.signal)
          .catch((error: unknown) => log.warn({ err: error }, 'orders could not be compared with the ledger'))
          .finally(() => {
            busy = false;
          });
      };
      endings.push(every(SWEEP_MS, sweep));
      sweep();
    },
    sweep: reconciler.sweep,
    recovered: ({ id }, ending) => worker.recovered(id, ending),
    hold(reason) {
      const hold = { reason };
      holds.add(hold);
      return () => holds.delete(hold);
    },
    stop() {
      closed.abort();
      for (const end of endings) end();
    },
  };
}

/** What makes two requests the same: all but who asks. */
const contentOf = ({
  market,
  side,
  type,
  price,
  amount,
}: Omit<OrderRequest, 'client' | 'clientOrderId'>): string =>
  [market.base, market.quote, side, type, priceKey(price), amount].join(' ');
