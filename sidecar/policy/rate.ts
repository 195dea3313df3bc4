/** Seconds' worth of signatures that may come at once. */
export const BURST_SECONDS = 5;

export interface RateLimit {
  /** Whether one more signature may be made now, at that many a second. Only looks. */
  has(perSecond: number): boolean;
  /** Counts one, at the smallest rate that was asked for since the last. */
  take(): void;
}

/**
 * A token bucket: `perSecond` signatures on average, five seconds' worth at once. The rate is given with each call, so
 * that a changed policy holds at once; of several policies the smallest fills the bucket. `now` gives monotonic
 * milliseconds.
 */
export function createRateLimit(now: () => number): RateLimit {
  let tokens = Number.POSITIVE_INFINITY;
  let last = now();
  let smallest = Number.POSITIVE_INFINITY;
  const at = (perSecond: number): number =>
    Math.min(perSecond * BURST_SECONDS, tokens + ((now() - last) / 1000) * perSecond);
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
