/** Time as this runtime sees it, passed in so that tests own it. */
export interface Clock {
  /** Milliseconds that only go forward; the zero is arbitrary. */
  now(): number;
  /** Calls `fire` once after `ms` milliseconds; the answer cancels it. */
  after(ms: number, fire: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, fire) {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};

/** A number in [0, 1), as `uniform` of common/random.ts gives; passed in so that tests own it. */
export type Random = () => number;

/** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** Exponential delay for the n-th failure in a row (n from 0), with up to `jitter` of it added at random. */
export function backoffMs(
  failures: number,
  limits: { baseMs: number; maxMs: number; jitter: number },
  random: Random,
): number {
  const plain = Math.min(limits.baseMs * 2 ** Math.min(failures, 40), limits.maxMs);
  return plain * (1 + limits.jitter * random());
}
