import { backoffMs, type Clock, type Random } from './clock.ts';

/** Keys that wait for work. A key is never in two hands at once, and is in the queue at most once. */
export interface WorkQueue {
  /** Asks for work on a key, as soon as a worker is free; if one has it now, once more after it. */
  add(key: string): void;
  /** The same in `ms` milliseconds; of several waits for one key the shortest counts. */
  addAfter(key: string, ms: number): void;
  /** After a failure: asks again after a pause that grows with each failure in a row (milliseconds, returned). */
  addFailed(key: string): number;
  /** Ends the row of failures of a key. */
  forget(key: string): void;
  /** The next key, which the caller must give back by `done`; undefined when the signal is aborted. */
  take(signal: AbortSignal): Promise<string | undefined>;
  done(key: string): void;
  /** Keys that wait for a worker now. */
  depth(): number;
  /** Drops what is delayed, so that no timer keeps the process alive. */
  close(): void;
}

/** As client-go's, but a ceiling that an operator at the console can wait for. */
const BACKOFF = { baseMs: 50, maxMs: 60_000, jitter: 0.2 };

export function createWorkQueue(clock: Clock, random: Random): WorkQueue {
  const waiting = new Set<string>();
  const working = new Set<string>();
  /** Asked for while a worker had the key. */
  const again = new Set<string>();
  const delayed = new Map<string, { due: number; cancel: () => void }>();
  const failures = new Map<string, number>();
  const takers: ((key: string) => void)[] = [];

  function serve(): void {
    for (const key of waiting) {
      const taker = takers.shift();
      if (taker === undefined) return;
      waiting.delete(key);
      working.add(key);
      taker(key);
    }
  }

  function add(key: string): void {
    if (working.has(key)) again.add(key);
    else {
      waiting.add(key);
      serve();
    }
  }

  function addAfter(key: string, ms: number): void {
    const due = clock.now() + ms;
    const other = delayed.get(key);
    if (other !== undefined) {
      if (other.due <= due) return;
      other.cancel();
    }
    const cancel = clock.after(ms, () => {
      delayed.delete(key);
      add(key);
    });
    delayed.set(key, { due, cancel });
  }

  return {
    add,
    addAfter,
    addFailed(key) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      const ms = backoffMs(count, BACKOFF, random);
      addAfter(key, ms);
      return ms;
    },
    forget: (key) => {
      failures.delete(key);
    },
    take(signal) {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve(undefined);
        const onAbort = (): void => {
          takers.splice(takers.indexOf(taker), 1);
          resolve(undefined);
        };
        const taker = (key: string): void => {
          signal.removeEventListener('abort', onAbort);
          resolve(key);
        };
        signal.addEventListener('abort', onAbort, { once: true });
        takers.push(taker);
        serve();
      });
    },
    done(key) {
      working.delete(key);
      if (again.delete(key)) add(key);
    },
    depth: () => waiting.size,
    close() {
      for (const { cancel } of delayed.values()) cancel();
      delayed.clear();
    },
  };
}
