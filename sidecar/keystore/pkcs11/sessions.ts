/** The pool was closed while the caller waited for a session: nothing of it has reached the token. */
export class PoolClosed extends Error {}

export interface SessionPool<Session> {
  /**
   * Runs `task` with a session of its own; an aborted `signal` frees the caller, the session only when `task` ends.
   * @throws PoolClosed, or the signal's reason
   */
  use<Result>(task: (session: Session) => Promise<Result>, signal: AbortSignal): Promise<Result>;
  /** Closes the sessions that stand idle, so that the next task gets a new one. */
  freshen(): void;
  /** Sends those away that wait, waits for what runs, closes all sessions. */
  close(): Promise<void>;
}

export interface SessionPoolOptions<Session> {
  open(): Session;
  close(session: Session): void;
  size: number;
}

/**
 * At most `size` sessions, opened when needed, first come first served. A session in which anything failed is closed
 * and never used again: PKCS#11 leaves it with an operation active for ever.
 */
export function createSessionPool<Session>(options: SessionPoolOptions<Session>): SessionPool<Session> {
  const idle: Session[] = [];
  const waiting: PromiseWithResolvers<void>[] = [];
  const running = new Set<Promise<unknown>>();
  let free = options.size;
  let closed = false;

  const acquire = async (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    if (closed) throw new PoolClosed();
    if (free > 0) {
      free--;
      return;
    }
    const place = Promise.withResolvers<void>();
    const onAbort = (): void => {
      const at = waiting.indexOf(place);
      // Not there any more: its turn has come in this very moment, and whoever is last in the queue is not to pay for it.
      if (at >= 0) waiting.splice(at, 1);
      place.reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    waiting.push(place);
    await place.promise.finally(() => signal.removeEventListener('abort', onAbort));
  };

  /** Hands the place on to the first in the queue, so that nobody overtakes. */
  const release = (): void => {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next.resolve();
  };

  const discard = (session: Session): void => {
    try {
      options.close(session);
    } catch {
      // The session is broken already; what matters is that it is not used again.
    }
  };

  const run = async <Result>(task: (session: Session) => Promise<Result>): Promise<Result> => {
    const session = idle.pop() ?? options.open();
    try {
      const result = await task(session);
      idle.push(session);
      return result;
    } catch (error) {
      discard(session);
      throw error;
    }
  };

  const freshen = (): void => {
    for (const session of idle.splice(0)) discard(session);
  };

  return {
    freshen,
    use(task, signal) {
      const work = acquire(signal).then(async () => {
        try {
          // Granted and given up in the same turn: nothing is begun for a caller who has left.
          signal.throwIfAborted();
          return await run(task);
        } finally {
          release();
        }
      });
      running.add(work);
      work.catch(() => undefined).finally(() => running.delete(work));
      return orAborted(work, signal);
    },
    async close() {
      closed = true;
      for (const place of waiting.splice(0)) place.reject(new PoolClosed());
      while (running.size > 0) await Promise.allSettled(running);
      freshen();
    },
  };
}

/** What `work` gives, or the signal's reason as soon as it is aborted; `work` itself goes on. */
export function orAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
