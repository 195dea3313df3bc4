import type { State } from '../state.ts';
import { canRest } from './price.ts';
import { createOrderStore, isLive, type KeptOrder, type OrderStore } from './store.ts';
import type { Order } from './types.ts';

export interface Changes {
  get(id: string): KeptOrder | undefined;
  put(order: KeptOrder): void;
}

/**
 * The orders: live ones in memory, all in the store. What is changed is durable before anyone is told, and what fails to
 * be written has not happened.
 */
export interface Registry {
  store: OrderStore;
  get(id: string): KeptOrder | undefined;
  ofOffer(offerId: string): KeptOrder | undefined;
  live(): Iterable<KeptOrder>;
  /** @throws `state-unavailable` */
  change<T>(work: (changes: Changes) => T): T;
  /** Counts a fill of an offer of ours, once; false when no order of ours has that offer or it was counted. */
  fill(fillId: string, offerId: string, base: bigint, quote: bigint): boolean;
  onOrder(changed: (order: Order) => void): () => void;
}

/** `now` is milliseconds since 1970. */
export function createRegistry(state: State, now: () => number): Registry {
  const store = createOrderStore(state);
  const listeners = new Set<(order: Order) => void>();
  const live = new Map(store.liveOrders().map((order) => [order.clientOrderId, order]));
  const offers = new Map(
    [...live.values()].flatMap(({ offerId, clientOrderId }) =>
      offerId ? [[offerId, clientOrderId]] : [],
    ) as [string, string][],
  );
  const get = (id: string): KeptOrder | undefined => live.get(id) ?? store.order(id);
  const registry: Registry = {
    store,
    get,
    ofOffer(offerId) {
      const id = offers.get(offerId);
      return id === undefined ? store.orderOfOffer(offerId) : live.get(id);
    },
    live: () => live.values(),
    change(work) {
      const changed = new Map<string, KeptOrder>();
      const result = state.transact(() => {
        const done = work({
          get: (id) => changed.get(id) ?? get(id),
          put: (order) => changed.set(order.clientOrderId, { ...order, updatedAt: now() }),
        });
        for (const order of changed.values()) store.putOrder(order);
        return done;
      });
      for (const order of changed.values()) {
        const { clientOrderId, offerId } = order;
        if (isLive(order)) live.set(clientOrderId, order);
        else live.delete(clientOrderId);
        if (offerId !== undefined) {
          if (isLive(order)) offers.set(offerId, clientOrderId);
          else offers.delete(offerId);
        }
      }
      for (const order of changed.values()) for (const listener of listeners) listener(order);
      return result;
    },
    fill(fillId, offerId, base, quote) {
      const order = registry.ofOffer(offerId);
      if (order === undefined) return false;
      return registry.change(({ put }) => {
        if (!store.countFill(fillId, order.clientOrderId)) return false;
        const filledBase = order.filledBase + base;
        const remaining = order.remaining > base ? order.remaining - base : 0n;
        const counted = { ...order, filledBase, filledQuote: order.filledQuote + quote };
        if (order.state !== 'open') put(counted);
        else put({ ...counted, remaining, state: isDone(counted) ? 'filled' : 'open' });
        return true;
      });
    },
    onOrder(changed) {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
  };
  return registry;
}

/** Whether so much of an order is traded that the ledger keeps no offer for the rest. */
export const isDone = ({ side, amount, filledBase, fraction }: KeptOrder): boolean =>
  filledBase >= amount || (filledBase > 0n && !canRest(side, amount - filledBase, fraction));
