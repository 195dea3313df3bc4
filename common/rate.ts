/** Seconds' worth that may come at once, where nothing else is said. */
export const BURST_SECONDS = 5;

export interface RateLimit {
  /** Whether one more may be had now, at that many a second. Only looks. */
  has(perSecond: number): boolean;
  /** Counts one, at the smallest rate that was asked for since the last. */
  take(): void;
}

/**
 * A token bucket: `perSecond` on average, `burstSeconds` seconds' worth at once. The rate is given with each call, so
 * that a changed one holds at once; of several the smallest fills the bucket. `now` gives monotonic milliseconds.
 */
export function createRateLimit(now: () => number, burstSeconds: number = BURST_SECONDS): RateLimit {
  let tokens = Number.POSITIVE_INFINITY;
  let last = now();
  let smallest = Number.POSITIVE_INFINITY;
  const at = (perSecond: number): number =>
    Math.min(perSecond * burstSeconds, tokens + ((now() - last) / 1000) * perSecond);
  return {
    has(perSecond) {
      smallest = Math.min(smallest, perSecond);
      return at(perSecond) >= 1;
    },
    take() {
      tokens = at(smallest) - 1;
      last = now();
      smallest = Number.POSITIVE_INFINITY;
    },
  };
}
