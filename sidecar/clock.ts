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

/** A wall clock that is this far from where the monotonic one expects it has jumped. A clock that is slewed does not. */
export const STEP_MS = 2_000;

/**
 * Tells by how many milliseconds the wall clock has jumped since the last call, ahead when above zero; undefined when it
 * has not. `lastMs`: a time by the wall clock that has passed already (the newest line of the journal).
 */
export function createStepWatch(
  wallMs: () => number,
  monotonicMs: () => number,
  lastMs: number,
): () => number | undefined {
  // Before the first call nothing is known but that it must not be earlier than what was written.
  let offset = Math.max(wallMs(), lastMs) - monotonicMs();
  return () => {
    const byMs = Math.round(wallMs() - monotonicMs() - offset);
    if (Math.abs(byMs) <= STEP_MS) {
      // Follows a clock that is slewed, so that its drift does not add up to a jump.
      offset += byMs;
      return undefined;
    }
    offset += byMs;
    return byMs;
  };
}
