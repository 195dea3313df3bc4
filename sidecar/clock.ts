/** The clocks of the signer, passed in everywhere. */
export interface Clock {
  /** Milliseconds since the epoch, the wall clock: what time bounds are judged by. It may jump. */
  wallMs(): number;
  /** Milliseconds since some moment, never back. */
  monotonicMs(): number;
  /** Milliseconds since the epoch at the start, and from then on by the monotonic clock alone, whole: what windows are counted by. */
  windowMs(): number;
}

/** @param atLeastMs the latest time that windows were counted by before, so that they never go back over a restart */
export function createClock(wallMs: () => number, monotonicMs: () => number, atLeastMs = 0): Clock {
  const anchor = Math.max(wallMs(), atLeastMs) - monotonicMs();
  return { wallMs, monotonicMs, windowMs: () => Math.floor(anchor + monotonicMs()) };
}
