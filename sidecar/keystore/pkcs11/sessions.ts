import { keystoreFault } from '../keystore.ts';

export interface SessionPool<Session> {
  /** Runs `task` with a session of its own; an aborted `signal` frees the caller, the session only when `task` ends. */
  use<Result>(task: (session: Session) => Promise<Result>, signal: AbortSignal): Promise<Result>;
  /** Refuses new work, waits for what runs, closes all sessions. */
  close(): Promise<void>;
}

export interface SessionPoolOptions<Session> {
  open(): Session;
  close(session: Session): void;
  size: number;
  /** How many may wait for a session; one more is refused with `keystore-busy`. */
  maxWaiting: number;
}

/**
 * At most `size` sessions, opened when needed, first come first served. A session in which anything failed is closed
 * and never used again: PKCS#11 leaves it with an operation active for ever.
 */
export function createSessionPool<Session>(options: SessionPoolOptions<Session>): SessionPool<Session> {
  const idle: Session[] = [];
  const waiting: (() => void)[] = [];
  const running = new Set<Promise<unknown>>();
  let free = options.size;
  let closed = false;

  const acquire = async (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    if (closed) throw keystoreFault('keystore-busy', 'the key store is being closed');
    if (free > 0) {
      free--;
      return;
    }
    if (waiting.length >= options.maxWaiting)
      throw keystoreFault('keystore-busy', 'too many signatures are waiting for the token');
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        waiting.splice(waiting.indexOf(granted), 1);
        reject(signal.reason);
      };
      const granted = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      waiting.push(granted);
    });
  };

  /** Hands the place on to the first in the queue, so that nobody overtakes. */
  const release = (): void => {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
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

  return {
    use(task, signal) {
      // Counted from here on, also while it waits: `close` lets all that was taken on come to its end.
      const work = acquire(signal).then(() => run(task).finally(release));
      running.add(work);
      work.catch(() => undefined).finally(() => running.delete(work));
      return orAborted(work, signal);
    },
    async close() {
      closed = true;
      while (running.size > 0) await Promise.allSettled(running);
      for (const session of idle.splice(0)) discard(session);
    },
  };
}

function orAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
