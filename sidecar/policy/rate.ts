/** Seconds' worth of signatures that may come at once. */
const BURST_SECONDS = 5;

/**
 * A token bucket: `perSecond` signatures on average, five seconds' worth at once. The rate is given with each call, so
 * that a changed policy holds at once. `now` gives monotonic milliseconds.
 * @returns whether one more may be made now; it is counted then
 */
export function createRateLimit(now: () => number): (perSecond: number) => boolean {
  let tokens = Number.POSITIVE_INFINITY;
  let last = now();
  return (perSecond) => {
    const time = now();
    tokens = Math.min(perSecond * BURST_SECONDS, tokens + ((time - last) / 1000) * perSecond);
    last = time;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
