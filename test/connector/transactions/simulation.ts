import type { sleep } from '../../../common/shutdown.ts';

/** Time that passes only when nothing else can happen: what waits for it is woken in order, at once. */
export interface Simulation {
  /** Milliseconds since 1970. */
  now(): number;
  sleep: typeof sleep;
  every(ms: number, run: () => void): () => void;
  /** Lets time pass until the promise settles. */
  run<T>(promise: Promise<T>): Promise<T>;
  /** Lets so many milliseconds pass. */
  pass(ms: number): Promise<void>;
}

export function createSimulation(start: number): Simulation {
  let time = start;
  const timers = new Set<{ at: number; wake: () => void }>();

  /** Whatever follows from what happened; ten turns of the event loop are more than any chain of promises here. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  };
  const next = async (until: number): Promise<boolean> => {
    await settle();
    const [first] = [...timers].sort((a, b) => a.at - b.at);
    if (first === undefined || first.at > until) return false;
    timers.delete(first);
    time = Math.max(time, first.at);
    first.wake();
    return true;
  };

  return {
    now: () => time,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const timer = { at: time + ms, wake: resolve };
        timers.add(timer);
        const onAbort = (): void => {
          timers.delete(timer);
          reject(signal.reason);
        };
        signal.addEventListener('abort', onAbort, { once: true });
      }),
    every(ms, run) {
      let timer: { at: number; wake: () => void };
      const arm = (): void => {
        timer = {
          at: time + ms,
          wake: () => {
            arm();
            run();
          },
        };
        timers.add(timer);
      };
      arm();
      return () => timers.delete(timer);
    },
    async run(promise) {
      let over = false;
      const end = (): void => {
        over = true;
      };
      promise.then(end, end);
      for (let steps = 0; ; steps++) {
        await settle();
        if (over) return promise;
        if (steps > 5_000 || !(await next(Number.POSITIVE_INFINITY))) throw new Error('it never ends');
      }
    },
    async pass(ms) {
      const end = time + ms;
      while (await next(end));
      time = end;
    },
  };
}
