import type { ConnectorFile } from '../config.ts';
import type { MarketData } from '../market/types.ts';
import type { Metrics } from '../metrics.ts';
import type { OrdersRoom } from './orders.ts';
import { isFresh } from './safety.ts';
import type { CancelReport } from './types.ts';

/** What makes all offers go. */
export type Cause = 'shutdown' | 'dead-man' | 'stale-data';

/** How often the conditions are looked at, and what was left is tried again, milliseconds. */
const LOOK_MS = 1_000;
const AGAIN_MS = 10_000;
/** While a cause lasts: an order that nobody knew the fate of may come to the book after all the others are gone. */
const CHECK_MS = 30_000;
/** At shutdown time is short. */
const HURRY_MS = 2_000;
/** How long one mass cancellation may take: a `maxTime` and what it takes to be sure of it. */
const PATIENCE_MS = 60_000;

export interface GuardOptions {
  trading: Pick<ConnectorFile['trading'], 'deadManSeconds' | 'staleSeconds'>;
  orders: Pick<OrdersRoom, 'cancelAll' | 'hold'>;
  market: MarketData;
  metrics: Pick<Metrics, 'offersLeft'>;
  log: { warn(fields: object, message: string): void; error(fields: object, message: string): void };
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `run` every `ms` until its result is called. */
  every(ms: number, run: () => void): () => void;
}

export interface Guard {
  /** A client with a certificate called. The dead-man timer begins anew. */
  heard(): void;
  start(): void;
  /** SIGTERM and pause: nothing is placed any more, and all offers go. Resolves with what is left, within the signal. */
  shutdown(signal: AbortSignal): Promise<CancelReport>;
  stop(): void;
  /** What holds now, for `/status`. */
  causes(): readonly Cause[];
}

/** Which conditions hold. Times in milliseconds. Pure. */
export function judgeCauses(facts: {
  now: number;
  heardAt: number;
  deadManMs: number;
  /** Whether the data of every market is fresh enough. */
  fresh: boolean;
}): Exclude<Cause, 'shutdown'>[] {
  const { now, heardAt, deadManMs, fresh } = facts;
  const causes: Exclude<Cause, 'shutdown'>[] = [];
  if (deadManMs > 0 && now - heardAt >= deadManMs) causes.push('dead-man');
  if (!fresh) causes.push('stale-data');
  return causes;
}

/**
 * Takes the offers from the book when nobody watches them: largest exposure first, tried again while the cause lasts and
 * something is left. While it lasts nothing new is placed.
 */
export function createGuard({ trading, orders, market, metrics, log, now, every }: GuardOptions): Guard {
  let heardAt = now();
  /** Since when data is missing that was never there: the time to start. */
  const startedAt = now();
  const holds = new Map<Cause, () => void>();
  let busy: AbortController | undefined;
  /** The next is the first since a cause came. */
  let first = false;
  /** When to try again; undefined while it is tried, or there never was a cause. */
  let due: number | undefined;
  let end: (() => void) | undefined;

  const staleMs = trading.staleSeconds * 1000;
  const fresh = (): boolean =>
    market.markets.every((of) => {
      const book = market.book(of);
      // A stream that was just cut is not yet old data: only the time since the last confirmation counts.
      return book === undefined
        ? now() - startedAt <= staleMs
        : isFresh({ ...book, fresh: true }, now(), staleMs);
    });

  function tell(cause: Cause, { cancelled, left }: CancelReport): void {
    const fields = { cause, cancelled: cancelled.length, left };
    if (left.length > 0) {
      metrics.offersLeft.inc({ cause }, left.length);
      log.error({ ...fields, event: 'offers-left' }, 'offers are left on the book');
    } else if (cancelled.length > 0 || cause === 'shutdown' || first) {
      log.warn({ ...fields, event: 'offers-cancelled' }, 'all offers were cancelled');
    }
    first = false;
  }

  /** Not while offers are being taken away: what is placed now would go with them. */
  function release(cause: Cause): void {
    if (busy !== undefined) return;
    holds.get(cause)?.();
    holds.delete(cause);
  }

  function look(): void {
    const causes = judgeCauses({
      now: now(),
      heardAt,
      deadManMs: trading.deadManSeconds * 1000,
      fresh: fresh(),
    });
    for (const cause of holds.keys()) if (cause !== 'shutdown' && !causes.includes(cause)) release(cause);
    for (const cause of causes) {
      if (holds.has(cause)) continue;
      holds.set(cause, orders.hold(REASONS[cause]));
      due = now();
      first = true;
    }
    const [cause] = causes;
    if (cause === undefined || busy !== undefined || due === undefined || now() < due) return;
    due = undefined;
    busy = new AbortController();
    const patience = setTimeout(() => busy?.abort(), PATIENCE_MS);
    patience.unref();
    orders
      .cancelAll(undefined, busy.signal)
      .then((report) => {
        tell(cause, report);
        due = now() + (report.left.length > 0 ? AGAIN_MS : CHECK_MS);
      })
      .catch((error: unknown) => {
        due = now() + AGAIN_MS;
        log.error({ err: error, cause, event: 'offers-left' }, 'the offers could not be cancelled');
      })
      .finally(() => {
        clearTimeout(patience);
        busy = undefined;
      });
  }

  const pause = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const over = (): void => {
        stop();
        resolve();
      };
      const stop = every(ms, over);
      signal.addEventListener('abort', over, { once: true });
    });

  return {
    heard() {
      heardAt = now();
      // The call itself may be the order of a client that has come back.
      release('dead-man');
    },
    start() {
      end ??= every(LOOK_MS, look);
    },
    async shutdown(signal) {
      end?.();
      if (!holds.has('shutdown')) holds.set('shutdown', orders.hold(REASONS.shutdown));
      const cancelled: string[] = [];
      for (;;) {
        const report = await orders.cancelAll(undefined, signal);
        cancelled.push(...report.cancelled);
        const { left } = report;
        // What was in the way may be gone in a moment: a limit of rates, a signer that starts anew.
        if (left.length > 0) await pause(HURRY_MS, signal);
        if (left.length > 0 && !signal.aborted) continue;
        tell('shutdown', { cancelled, left });
        return { cancelled, left };
      }
    },
    stop() {
      end?.();
      busy?.abort();
    },
    causes: () => [...holds.keys()],
  };
}

const REASONS: Record<Cause, string> = {
  shutdown: 'the connector is shutting down',
  'dead-man': 'no client was heard for trading.deadManSeconds',
  'stale-data': 'the data of the market is older than trading.staleSeconds',
};
