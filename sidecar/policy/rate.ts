/** Seconds' worth of signatures that may come at once. */
const BURST_SECONDS = 5;

export interface RateLimit {
  /** Whether one more signature may be made now. */
  has(perSecond: number): boolean;
  /** Counts one. */
  take(): void;
}

/**
 * A token bucket: `perSecond` signatures on average, five seconds' worth at once. The rate is given with each call, so
 * that a changed policy holds at once. `now` gives monotonic milliseconds.
 */
export function createRateLimit(now: () => number): RateLimit {
  let tokens = Number.POSITIVE_INFINITY;
  let last = now();
  return {
    has(perSecond) {
      const time = now();
      tokens = Math.min(perSecond * BURST_SECONDS, tokens + ((time - last) / 1000) * perSecond);
      last = time;
      return tokens >= 1;
    },
    take() {
      tokens -= 1;
    },
  };
}
