import { isCoded, messageOf } from '../../common/errors.ts';
import type { Ledger, OfferEntry } from '../ledger/types.ts';
import { type Market, marketKey } from '../market/asset.ts';
import type { MarketData } from '../market/types.ts';
import { exposure, marketOf } from './exposure.ts';
import type { Registry } from './registry.ts';
import { middle } from './safety.ts';
import { deletionOf, type Step } from './steps.ts';
import type { CancelReport } from './types.ts';
import type { Worker } from './worker.ts';

/** How often deletions that a ledger failed are tried anew: one of a gone offer fails all of its transaction. */
const ROUNDS = 3;

export interface Canceller {
  /** Deletes offers in the order given, as few transactions as possible. Never throws. */
  remove(steps: readonly Step[], signal: AbortSignal): Promise<Removal>;
  /** Deletes what the ledger has of ours, what is still on its way included. Never throws. */
  all(market: Market | undefined, signal: AbortSignal): Promise<CancelReport>;
}

export interface Removal {
  done: Step[];
  /** The ledger had them no more. */
  gone: Step[];
  left: { step: Step; error: unknown }[];
  /** Of the last transaction. */
  hash: string | undefined;
  fee: bigint;
}

export interface CancellerOptions {
  account: string;
  /** Of one transaction; read at each use. */
  limits: { readonly maxOperations: number };
  ledger: Pick<Ledger, 'offersOf'>;
  market: MarketData;
  registry: Registry;
  worker: Worker;
  foreign: Map<string, OfferEntry>;
}

export function createCanceller(options: CancellerOptions): Canceller {
  const { account, limits, ledger, market, registry, worker, foreign } = options;

  const offersNow = async (signal: AbortSignal): Promise<OfferEntry[] | undefined> =>
    ledger.offersOf(account, signal).catch(() => undefined);

  async function remove(steps: readonly Step[], signal: AbortSignal): Promise<Removal> {
    const removal: Removal = { done: [], gone: [], left: [], hash: undefined, fee: 0n };
    let todo: readonly Step[] = steps;
    for (let round = 1; todo.length > 0; round++) {
      const chunks: Step[][] = [];
      const { maxOperations } = limits;
      for (let i = 0; i < todo.length; i += maxOperations) chunks.push(todo.slice(i, i + maxOperations));
      const jobs = worker.prepare(chunks, signal);
      const failed: { step: Step; error: unknown }[] = [];
      await Promise.all(
        jobs.map(async (job, index) => {
          const chunk = chunks[index]!;
          try {
            const { hash, fee } = await worker.run(job);
            removal.hash = hash;
            removal.fee += fee;
            removal.done.push(...chunk);
          } catch (error) {
            failed.push(...chunk.map((step) => ({ step, error })));
          }
        }),
      );
      for (const { offerId } of removal.done) foreign.delete(offerId);
      if (failed.length === 0) break;
      const offers = await offersNow(signal);
      const there = new Set(offers?.map(({ id }) => id));
      // Only what a ledger failed can be asked for again: the others would fail alike, or are still on their way.
      const again = (error: unknown): boolean =>
        offers !== undefined && round < ROUNDS && !signal.aborted && isCoded(error, 'transaction-failed');
      for (const entry of failed) {
        if (offers !== undefined && !there.has(entry.step.offerId)) removal.gone.push(entry.step);
        else if (!again(entry.error)) removal.left.push(entry);
      }
      todo = failed
        .filter(({ step, error }) => there.has(step.offerId) && again(error))
        .map(({ step }) => step);
    }
    return removal;
  }

  /** What we believe to be on the book, when the ledger does not answer. */
  const believed = (): OfferEntry[] => [
    ...foreign.values(),
    ...[...registry.live()].flatMap(({ offerId, side, market: of, fraction, remaining }) => {
      if (offerId === undefined) return [];
      const sells = side === 'SELL';
      const [selling, buying] = sells ? [of.base, of.quote] : [of.quote, of.base];
      const { n, d } = fraction;
      const [numerator, denominator] = sells ? [n, d] : [d, n];
      const amount = sells ? remaining : (remaining * n) / d;
      return [{ id: offerId, seller: account, selling, buying, amount, price: { numerator, denominator } }];
    }),
  ];

  async function all(only: Market | undefined, signal: AbortSignal): Promise<CancelReport> {
    const done = new Set<string>();
    const left = new Map<string, CancelReport['left'][number]>();
    const { markets } = market;
    const mid = (of: Market) => {
      const book = market.book(of);
      return book && middle(book, undefined);
    };
    const cancelled: string[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const offers = (await offersNow(signal)) ?? believed();
      const todo = offers
        .filter(({ id }) => !done.has(id) && !left.has(id))
        .map((offer) => ({ offer, of: marketOf(offer, markets), risk: exposure(offer, markets, mid) }))
        .filter(({ of }) => only === undefined || (of?.base === only.base && of?.quote === only.quote))
        .sort((a, b) => (a.risk === b.risk ? 0 : a.risk > b.risk ? -1 : 1));
      const steps = todo.map(({ offer }) => deletionOf(offer, registry.ofOffer(offer.id)?.clientOrderId));
      const removal = await remove(steps, signal);
      for (const { offerId } of [...removal.done, ...removal.gone]) done.add(offerId);
      cancelled.push(...removal.done.map(({ offerId }) => offerId));
      for (const { step, error } of removal.left) {
        const found = todo.find(({ offer }) => offer.id === step.offerId);
        left.set(step.offerId, { offerId: step.offerId, market: found?.of, reason: messageOf(error) });
      }
      if (signal.aborted) break;
      // What is on its way to the book now stands there afterwards.
      const waiting = [...registry.live()].some(
        ({ intent, state }) => intent && state !== 'open' && worker.isRunning(intent.id),
      );
      if (!waiting && steps.length === 0) break;
      if (waiting) await Promise.race([worker.idle(), aborted(signal)]);
    }
    // Sent, and its fate is not known: it may stand on the book, or come to it.
    for (const { clientOrderId, offerId, state, market: of, hash } of registry.live()) {
      if (state !== 'unknown' || offerId !== undefined || (only && marketKey(of) !== marketKey(only)))
        continue;
      const reason = `nobody knows yet whether this order is on the book: transaction ${hash}`;
      left.set(clientOrderId, { offerId: `order ${clientOrderId}`, market: of, reason });
    }
    return { cancelled, left: [...left.values()] };
  }

  return { remove, all };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
