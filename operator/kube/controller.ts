import { CodedError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import type { Clock, Random } from './clock.ts';
import { createWorkQueue, type WorkQueue } from './workqueue.ts';

/**
 * Work on the key must not be repeated until something it depends on changes, or, where that cannot be watched,
 * until `retryAfterMs` milliseconds have passed. Never a fault of the API server.
 */
export class TerminalError extends CodedError {
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(code, message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

export interface Context {
  signal: AbortSignal;
  log: Logger;
}

export type Result = { requeueAfterMs?: number };

/** Brings the world to what the object of this key asks for. Level-triggered: it is not told what changed. */
export type Reconcile = (key: string, context: Context) => Promise<Result>;

/** How one call ended, in controller-runtime's words. */
export type Outcome = 'success' | 'requeue_after' | 'error' | 'terminal_error';

export interface ControllerModules {
  reconcile: Reconcile;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Called after each reconcile, for metrics. */
  observe?: (outcome: Outcome, seconds: number) => void;
}

export interface Controller {
  /** Asks for a reconcile of the key. */
  enqueue(key: string): void;
  depth(): number;
  /**
   * Takes keys until `stop` is aborted, then waits for the reconciles under way; `abandon` cuts those off too. Two
   * signals, because a reconcile cut in the middle may lose the uid of a Secret that it has just made.
   */
  run(workers: number, stop: AbortSignal, abandon: AbortSignal): Promise<void>;
}

/**
 * Calls `reconcile` for each key that is asked for, never twice at once for one key. A throw is tried again after a
 * growing pause, a TerminalError only when the key is asked for again.
 */
export function createController(modules: ControllerModules): Controller {
  const { reconcile, clock, random, log, observe = () => {} } = modules;
  const queue: WorkQueue = createWorkQueue(clock, random);

  async function handle(key: string, signal: AbortSignal): Promise<void> {
    const startedAt = clock.now();
    const ended = (outcome: Outcome): void => observe(outcome, (clock.now() - startedAt) / 1000);
    const own = log.child({ object: key });
    try {
      const { requeueAfterMs } = await reconcile(key, { signal, log: own });
      queue.forget(key);
      if (requeueAfterMs !== undefined) queue.addAfter(key, requeueAfterMs);
      ended(requeueAfterMs === undefined ? 'success' : 'requeue_after');
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof TerminalError) {
        queue.forget(key);
        if (error.retryAfterMs !== undefined) queue.addAfter(key, error.retryAfterMs);
        ended('terminal_error');
        own.warn({ reason: error.code }, error.message);
        return;
      }
      const retryMs = Math.round(queue.addFailed(key));
      ended('error');
      own.error({ err: error, retryMs }, 'reconcile failed');
    }
  }

  async function work(stop: AbortSignal, abandon: AbortSignal): Promise<void> {
    for (let key = await queue.take(stop); key !== undefined; key = await queue.take(stop)) {
      try {
        await handle(key, abandon);
      } finally {
        queue.done(key);
      }
    }
  }

  return {
    enqueue: queue.add,
    depth: queue.depth,
    async run(workers, stop, abandon) {
      await Promise.all(Array.from({ length: workers }, () => work(stop, abandon)));
      queue.close();
    },
  };
}
