import { randomBytes } from 'node:crypto';
import { connectorError } from '../errors.ts';
import type { MarketData } from '../market/types.ts';
import type { Canceller } from './cancel.ts';
import { deposits, ladder, type Rung } from './ladder.ts';
import { canRest, toPrice } from './price.ts';
import type { Registry } from './registry.ts';
import { isFresh, lastPrice, middle } from './safety.ts';
import type { Step } from './steps.ts';
import type { KeptOrder, KeptPosition } from './store.ts';
import type { Orders, Position, PositionChange, PositionRequest } from './types.ts';
import type { Worker } from './worker.ts';

/** Offers of one opening must fit one transaction. */
export const MAX_LEVELS = 50;

export interface PositionOptions {
  market: MarketData;
  registry: Registry;
  worker: Worker;
  canceller: Canceller;
  /** One after the other for each key. */
  exclusive<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** @throws when nothing new may be placed */
  mayPlace(): void;
  readTrades(signal: AbortSignal): Promise<void>;
  /** A new order of a market that is listed. */
  draft(
    fields: Pick<KeptOrder, 'clientOrderId' | 'market' | 'side' | 'type' | 'price' | 'amount' | 'client'>,
  ): KeptOrder;
  now(): number;
  staleMs: number;
}

type Positions = Pick<
  Orders,
  'openPosition' | 'position' | 'positions' | 'addToPosition' | 'removeFromPosition' | 'closePosition'
>;

/**
 * Ladders of maker-only offers. A position is the funds that were put into it, changed by its fills; an offer that was
 * cancelled from elsewhere (a guard) leaves its funds in it until it is closed.
 */
export function createPositions(options: PositionOptions): Positions {
  const { market, registry, worker, canceller, exclusive, mayPlace, now } = options;
  const { store } = registry;

  function show(kept: KeptPosition): Position {
    const orders = store.ordersOfPosition(kept.address);
    let { base, quote } = kept;
    for (const { side, filledBase, filledQuote } of orders) {
      base += side === 'BUY' ? filledBase : -filledBase;
      quote += side === 'BUY' ? -filledQuote : filledQuote;
    }
    const { address, lower, upper, levels, hash } = kept;
    const state = kept.state === 'closed' ? 'closed' : 'open';
    return { address, hash, market: kept.market, lower, upper, levels, state, base, quote, orders };
  }

  function required(address: string): KeptPosition {
    const kept = store.position(address);
    if (kept?.state === 'open') return kept;
    throw connectorError('not-found', `Position not found: ${address}`, { field: 'positionAddress' });
  }

  /** The middle of a book that may be traded on; of an empty one the middle of the range. */
  function middleFor({ market: of, lower, upper }: Pick<PositionRequest, 'market' | 'lower' | 'upper'>) {
    const book = market.book(of);
    if (!isFresh(book, now(), options.staleMs)) {
      throw connectorError(
        'ledger-stale',
        'the book of this market is not known well enough now to trade on it',
      );
    }
    return (
      middle(book, lastPrice(market, of)) ??
      middle({ bids: [{ price: lower, amount: 1n }], asks: [{ price: upper, amount: 1n }] }, undefined)!
    );
  }

  const draftRung = (kept: KeptPosition, index: number, { side, price, amount }: Rung): KeptOrder => ({
    ...options.draft({
      clientOrderId: `${kept.address}-${index}`,
      ...{ market: kept.market, side, type: 'maker-only', price, amount, client: kept.client },
    }),
    position: kept.address,
  });

  /** Runs steps as one intent that changes the position when it is applied. */
  async function change(
    kept: KeptPosition,
    steps: readonly Step[],
    fresh: readonly KeptOrder[],
    delta: { base: bigint; quote: bigint },
    signal: AbortSignal,
  ): Promise<PositionChange> {
    const [job] = worker.prepare([steps], signal, ({ put }, [intent]) => {
      for (const order of fresh) put(order);
      store.putPosition({ ...kept, pending: { intent: intent!, ...delta, state: 'open' }, updatedAt: now() });
    });
    const { hash, fee } = await worker.run(job!);
    const position = show(store.position(kept.address)!);
    return { hash, fee, position, base: magnitude(delta.base), quote: magnitude(delta.quote) };
  }

  const openOrders = (address: string): KeptOrder[] =>
    store.ordersOfPosition(address).filter(({ state, offerId }) => state === 'open' && offerId !== undefined);

  const idle = (kept: KeptPosition): void => {
    if (kept.pending === undefined && store.ordersOfPosition(kept.address).every(({ intent }) => !intent))
      return;
    throw connectorError('conflict', 'an earlier change of this position is still under way');
  };

  /** Fills just before may not have been told: an offer would be set to more than is left of it. */
  const catchUp = (signal: AbortSignal): Promise<void> => options.readTrades(signal).catch(() => undefined);

  const placing = ({ clientOrderId: id, market: of, side, fraction: price, amount }: KeptOrder): Step => ({
    ...{ action: 'place', id, offerId: '0', market: of, side, price, amount },
  });
  const amending = (order: KeptOrder, rest: bigint): Step => ({
    ...{ id: order.clientOrderId, offerId: order.offerId!, market: order.market, side: order.side },
    ...{ action: rest === 0n ? 'delete' : 'amend', price: order.fraction, amount: rest },
    to: rest === 0n ? undefined : { price: toPrice(order.fraction), amount: order.filledBase + rest },
  });

  return {
    async openPosition(request, signal) {
      mayPlace();
      const { market: of, lower, upper, levels, client } = request;
      if (!(Number.isInteger(levels) && levels >= 1 && levels <= MAX_LEVELS)) {
        throw connectorError('invalid-params', `levels must be 1 to ${MAX_LEVELS}`, { field: 'levels' });
      }
      const rungs = ladder({ ...request, middle: middleFor(request) });
      const kept: KeptPosition = {
        ...{ address: randomBytes(16).toString('hex'), market: of, lower, upper, levels, client },
        ...{
          state: 'opening',
          base: 0n,
          quote: 0n,
          hash: undefined,
          pending: undefined,
          updatedAt: now(),
        },
      };
      const orders = rungs.map((rung, index) => draftRung(kept, index, rung));
      return change(kept, orders.map(placing), orders, deposits(orders), signal);
    },
    position(address) {
      const kept = store.position(address);
      return kept?.state === 'open' ? show(kept) : undefined;
    },
    positions: () =>
      store
        .positions()
        .filter(({ state }) => state === 'open')
        .map(show),
    addToPosition: (address, { base, quote }, signal) =>
      exclusive(address, async () => {
        mayPlace();
        const kept = required(address);
        idle(kept);
        await catchUp(signal);
        const open = openOrders(address);
        const sides = { SELL: base, BUY: quote };
        const steps: Step[] = [];
        const added: Pick<Rung, 'side' | 'amount' | 'fraction'>[] = [];
        // A side that still rests grows in place; one that is empty gets new levels.
        for (const order of open) {
          const { side, remaining, fraction } = order;
          const whole = open.reduce((sum, other) => sum + (other.side === side ? other.remaining : 0n), 0n);
          const share = (sides[side] * remaining) / whole;
          const amount = side === 'SELL' ? share : (share * fraction.d) / fraction.n;
          if (amount === 0n) continue;
          steps.push(amending(order, remaining + amount));
          added.push({ side, amount, fraction });
        }
        const rests = (side: 'SELL' | 'BUY'): boolean => open.some((order) => order.side === side);
        const missing = { base: rests('SELL') ? 0n : base, quote: rests('BUY') ? 0n : quote };
        const first = store.ordersOfPosition(address).length;
        const rungs =
          missing.base + missing.quote > 0n || steps.length === 0
            ? ladder({ ...kept, ...missing, middle: middleFor(kept) })
            : [];
        const fresh = rungs.map((rung, index) => draftRung(kept, first + index, rung));
        return change(kept, [...steps, ...fresh.map(placing)], fresh, deposits([...added, ...rungs]), signal);
      }),
    removeFromPosition: (address, { numerator, denominator }, signal) =>
      exclusive(address, async () => {
        const kept = required(address);
        idle(kept);
        await catchUp(signal);
        const now = show(kept);
        const part = (amount: bigint): bigint => (amount * numerator) / denominator;
        const steps = openOrders(address).map((order) => {
          const rest = order.remaining - part(order.remaining);
          return amending(order, canRest(order.side, rest, order.fraction) ? rest : 0n);
        });
        const delta = { base: -part(now.base), quote: -part(now.quote) };
        if (steps.length > 0) return change(kept, steps, [], delta, signal);
        // All of it was filled or cancelled: the funds are free already.
        const left = {
          ...kept,
          base: kept.base + delta.base,
          quote: kept.quote + delta.quote,
          updatedAt: options.now(),
        };
        store.putPosition(left);
        return settled(left, { base: -delta.base, quote: -delta.quote });
      }),
    closePosition: (address, signal) =>
      exclusive(address, async () => {
        const kept = required(address);
        idle(kept);
        const steps = openOrders(address).map((order) => amending(order, 0n));
        const { left, hash = kept.hash, fee } = await canceller.remove(steps, signal);
        if (left.length > 0) throw left[0]!.error;
        // What was filled just before the deletion must not be reported as given back.
        await catchUp(signal);
        const { base, quote } = show(kept);
        store.putPosition({
          ...kept,
          base: kept.base - base,
          quote: kept.quote - quote,
          hash,
          state: 'closed',
          updatedAt: now(),
        });
        return { ...settled({ ...kept, hash }, { base, quote }), fee };
      }),
  };

  function settled(kept: KeptPosition, { base, quote }: { base: bigint; quote: bigint }): PositionChange {
    const position = show(store.position(kept.address)!);
    return { hash: kept.hash ?? '', fee: 0n, position, base, quote };
  }
}

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);
