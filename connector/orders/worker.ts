import { randomUUID } from 'node:crypto';
import { isCoded } from '../../common/errors.ts';
import type { ConnectorFile } from '../config.ts';
import { connectorError, errorRow } from '../errors.ts';
import type { OfferEntry } from '../ledger/types.ts';
import { marketKey, NATIVE } from '../market/asset.ts';
import type { MarketData } from '../market/types.ts';
import type { Metrics } from '../metrics.ts';
import type { BuildState, Ending, Engine, Intent, Plan, Receipt } from '../transactions/types.ts';
import { afterEnd, type End } from './lifecycle.ts';
import { toPrice, tradeAmounts } from './price.ts';
import { type Changes, isDone, type Registry } from './registry.ts';
import { type Facts, judge, lastPrice } from './safety.ts';
import { operationOf, readOutcome, type Step } from './steps.ts';
import type { KeptOrder, KeptPosition, PositionDelta } from './store.ts';

export interface WorkerOptions {
  file: Pick<ConnectorFile, 'account' | 'trading'>;
  engine: Engine;
  market: MarketData;
  registry: Registry;
  metrics: Pick<Metrics, 'orders'>;
  /** Offers on the ledger that no order of ours has. */
  foreign: ReadonlyMap<string, OfferEntry>;
  now(): number;
}

export interface Job {
  id: string;
  /** 1 to 100; those of orders have them as their intent already. */
  steps: readonly Step[];
  signal: AbortSignal;
}

interface Settled {
  id: string;
  end: End;
}

/** Carries steps out as one intent of the engine and takes its end over, once. */
export type Worker = ReturnType<typeof createWorker>;

export function createWorker({ file, engine, market, registry, metrics, foreign, now }: WorkerOptions) {
  const { account, trading } = file;
  const running = new Map<string, Promise<unknown>>();

  /** Steps with the amount that is left now; those of offers that are gone fall to the ledger's word. */
  const current = (step: Step): Step => {
    const filled =
      step.id === undefined || step.to === undefined ? undefined : registry.get(step.id)?.filledBase;
    if (filled === undefined) return step;
    const left = step.to!.amount - filled;
    if (left <= 0n)
      throw connectorError('conflict', 'the order was filled beyond the amount asked for meanwhile');
    return left < step.amount ? { ...step, amount: left } : step;
  };

  const ownOpposite = (order: KeptOrder): Facts['ownOpposite'] => {
    const { side, market: of } = order;
    const key = marketKey(of);
    const own = [...registry.live()].filter(
      (other) => other.side !== side && other.type !== 'market' && marketKey(other.market) === key,
    );
    const [selling, buying] = side === 'SELL' ? [of.quote, of.base] : [of.base, of.quote];
    const others = [...foreign.values()].filter((o) => o.selling === selling && o.buying === buying);
    return [
      ...own.map(({ fraction }) => toPrice(fraction)),
      ...others.map(({ price: { numerator: n, denominator: d } }) =>
        side === 'SELL' ? { numerator: d, denominator: n } : { numerator: n, denominator: d },
      ),
    ];
  };

  function plan(steps: readonly Step[], state: BuildState): Plan {
    const spends = new Map<string, bigint>();
    const incoming = new Map<string, bigint>();
    let newOffers = 0;
    const add = (to: Map<string, bigint>, asset: string, amount: bigint) =>
      to.set(asset, (to.get(asset) ?? 0n) + (amount > 0n ? amount : 0n));
    const operations = steps.map((asked, index) => {
      const step = current(asked);
      const order = step.id === undefined ? undefined : registry.get(step.id);
      if (step.action === 'delete' || order === undefined) return operationOf(step, account);
      const { baseReserve } = state.head;
      const replaces =
        step.action === 'amend' ? tradeAmounts(order.side, order.remaining, order.fraction) : undefined;
      const { give, get } = tradeAmounts(step.side, step.amount, step.price);
      const reserved = new Map(state.reserved);
      for (const [asset, amount] of spends) add(reserved, asset, amount);
      add(reserved, NATIVE, BigInt(index) * state.bid);
      const refusal = judge(
        {
          market: order.market,
          side: step.side,
          type: order.type,
          price: step.price,
          amount: step.amount,
          replaces,
        },
        {
          ...{
            self: account,
            account: state.account,
            baseReserve,
            bid: state.bid,
            reserved,
            incoming,
            newOffers,
          },
          ...{
            book: market.book(order.market),
            lastTrade: lastPrice(market, order.market),
          },
          ...{ ownOpposite: ownOpposite(order), now: now(), staleMs: trading.staleSeconds * 1000 },
          ...{ nativeBuffer: trading.nativeBuffer, collarPct: trading.collarPct },
        },
      );
      if (refusal !== undefined) {
        metrics.orders.inc({ outcome: refusal.code });
        throw connectorError(refusal.code, refusal.message, { field: refusal.field });
      }
      const [out, into] =
        step.side === 'SELL'
          ? [order.market.base, order.market.quote]
          : [order.market.quote, order.market.base];
      add(spends, out, give - (replaces?.give ?? 0n));
      add(incoming, into, get - (replaces?.get ?? 0n));
      if (step.action === 'place') {
        newOffers++;
        add(spends, NATIVE, baseReserve);
      }
      return operationOf(step, account);
    });
    return { operations, spends };
  }

  /**
   * Takes ends over, all in one commit. Once: an order that does not wait for an intent any more is left alone.
   */
  function settle(ends: readonly Settled[]): void {
    const byIntent = new Map<string, KeptOrder[]>();
    for (const order of registry.live()) {
      if (order.intent === undefined) continue;
      const same = byIntent.get(order.intent.id);
      if (same) same.push(order);
      else byIntent.set(order.intent.id, [order]);
    }
    const positions = registry.store.positions();
    const changed: KeptOrder[] = [];
    registry.change(({ put }) => {
      for (const { id, end } of ends) {
        for (const order of byIntent.get(id) ?? []) {
          changed.push(catchUp(afterEnd(order, end, account)));
          put(changed.at(-1)!);
        }
        const position = positions.find(({ pending }) => pending?.intent === id);
        if (position) settlePosition(position, position.pending!, end);
      }
    });
    for (const { state } of changed) metrics.orders.inc({ outcome: state });
  }

  function settlePosition(position: KeptPosition, delta: PositionDelta, end: End): void {
    const ended = { ...position, pending: undefined, updatedAt: now() };
    if (end.kind === 'failed') {
      const state = position.state === 'opening' ? 'closed' : position.state;
      registry.store.putPosition({ ...ended, state });
    } else {
      const [base, quote] = [position.base + delta.base, position.quote + delta.quote];
      registry.store.putPosition({ ...ended, base, quote, state: delta.state, hash: end.receipt.hash });
    }
  }

  let queued: { ends: Settled[]; written: Promise<void> } | undefined;
  /** With the others that end in the same turn of the event loop: one commit for all orders of a ledger. */
  function settleSoon(one: Settled): Promise<void> {
    if (queued === undefined) {
      const ends: Settled[] = [];
      const written = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        queued = undefined;
        settle(ends);
      });
      queued = { ends, written };
    }
    queued.ends.push(one);
    return queued.written;
  }

  /** Fills of an offer that were seen before its order knew that it has it. */
  function catchUp(order: KeptOrder): KeptOrder {
    if (order.state !== 'open' || order.offerId === undefined) return order;
    let { filledBase, filledQuote, remaining } = order;
    for (const { id, baseAmount, quoteAmount } of market.fillsOf(order.offerId)) {
      if (!registry.store.countFill(id, order.clientOrderId)) continue;
      filledBase += baseAmount;
      filledQuote += quoteAmount;
      remaining = remaining > baseAmount ? remaining - baseAmount : 0n;
    }
    const counted = { ...order, filledBase, filledQuote, remaining };
    return isDone(counted) ? { ...counted, state: 'filled', remaining: 0n } : counted;
  }

  async function execute({ id, steps, signal }: Job): Promise<Receipt> {
    const deletes = steps.every(({ action }) => action === 'delete');
    let doubted = false;
    const intent: Intent = {
      id,
      kind: 'orders',
      // The orders themselves say what they wait for.
      payload: null,
      lane: deletes ? 'delete' : 'trade',
      // A path payment fails more easily than an offer, and would take others along.
      shared: steps.every(({ action }) => action !== 'take'),
      plan: async (state) => plan(steps, state),
      plausible: (results) =>
        results.length === steps.length && steps.every((step, i) => readOutcome(step, results[i]!, account)),
      // Nobody waits any more: the end comes to the orders with the engine's own record of it.
      ended: (ending) => {
        if (doubted) settle([{ id, end: endOf(ending) }]);
      },
    };
    let receipt: Receipt;
    try {
      receipt = await engine.run(intent, signal);
    } catch (error) {
      const { code } = errorRow(error);
      const message = isCoded(error) ? error.message : 'internal error';
      const hash = engine.intent(id)?.hash;
      doubted = code === 'transaction-timeout';
      if (doubted) doubt(id, hash, message);
      else await settleSoon({ id, end: { kind: 'failed', hash, code, message } });
      throw error;
    }
    await settleSoon({ id, end: { kind: 'applied', receipt } });
    return receipt;
  }

  /** Sent, and no one knows yet what became of it. */
  function doubt(id: string, hash: string | undefined, reason: string): void {
    registry.change(({ put }) => {
      for (const order of [...registry.live()].filter(({ intent }) => intent?.id === id)) {
        const isNew = order.state === 'pending';
        put({ ...order, reason, ...(isNew ? { state: 'unknown', hash } : {}) });
      }
    });
  }

  return {
    /**
     * Writes down, in one commit, which orders wait for which intents; `also` may put them first. An order that waits for
     * something else is left out: its offer is then found gone, or changed, by what watches the ledger.
     * @throws `state-unavailable`
     */
    prepare(
      plans: readonly (readonly Step[])[],
      signal: AbortSignal,
      also?: (changes: Changes, ids: readonly string[]) => void,
    ): Job[] {
      const ids = plans.map(() => `orders-${randomUUID()}`);
      return registry.change((changes) => {
        also?.(changes, ids);
        return plans.map((steps, plan) => {
          const id = ids[plan]!;
          const linked = steps.map((step, index) => {
            const order = step.id === undefined ? undefined : changes.get(step.id);
            if (order === undefined || order.intent !== undefined) return { ...step, id: undefined };
            changes.put({ ...order, intent: { id, step, index, of: steps.length } });
            return step;
          });
          return { id, steps: linked, signal };
        });
      });
    },
    /** @throws what the engine throws; the orders have taken over the end by then, or wait for it as `unknown` */
    run(job: Job): Promise<Receipt> {
      const work = execute(job);
      running.set(job.id, work);
      return work.finally(() => running.delete(job.id));
    },
    isRunning: (id: string): boolean => running.has(id),
    /** Resolves when all that is under way now has ended, one way or another. */
    idle: async (): Promise<void> => {
      await Promise.allSettled(running.values());
    },
    /** For the engine: the end of an intent that an earlier process, or a request that timed out, left. */
    recovered(id: string, ending: Ending): void {
      settle([{ id, end: endOf(ending) }]);
    },
    /** At start: takes over the ends that the engine knows, and ends what it was never asked or never signed. */
    settleKnown(): void {
      const open = new Set([...registry.live()].flatMap(({ intent }) => (intent ? [intent.id] : [])));
      for (const { pending } of registry.store.positions()) if (pending) open.add(pending.intent);
      for (const id of open) {
        const known = engine.intent(id);
        if (known?.ending !== undefined) settle([{ id, end: endOf(known.ending) }]);
        else if (known === undefined) {
          const message = 'the connector ended before it was signed for';
          settle([{ id, end: { kind: 'failed', hash: undefined, code: 'transaction-failed', message } }]);
        }
      }
    },
  };
}

function endOf(ending: Ending): End {
  if (ending.kind === 'applied') return ending;
  const { hash, code = 'transaction-failed', message } = ending;
  return { kind: 'failed', hash, code, message };
}
