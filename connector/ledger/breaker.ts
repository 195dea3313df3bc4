/** How an exchange ended; `unknown` when we gave it up ourselves, which says nothing of the server. */
export type Outcome = 'good' | 'bad' | 'unknown';

export interface Breaker {
  /**
   * A slot for one exchange, to be ended with its outcome; undefined while the server is let be. After a pause one
   * exchange may try (half-open); `force` gives a slot in every state.
   */
  enter(force: boolean): ((outcome: Outcome) => void) | undefined;
  state(): 'closed' | 'open' | 'half-open';
  /** Milliseconds until one may try; 0 unless open. */
  waitMs(): number;
  /** Forgets all failures: what is dialled is another server now. */
  reset(): void;
}

export interface BreakerOptions {
  /** Failures in a row that open it. */
  failures: number;
  /** The first pause, in milliseconds; it doubles with each failed trial up to `longestMs`. */
  pauseMs: number;
  longestMs: number;
}

/**
 * Circuit breaker of one endpoint: after some failures in a row it fails at once instead of waiting for a server that does
 * not answer. Pauses are jittered (half to whole), so that many connectors do not come back together. `now` gives
 * milliseconds, `random` a number in [0, 1). `changed` hears of opening and closing.
 */
export function createBreaker(
  options: BreakerOptions,
  { now, random }: { now(): number; random(): number },
  changed: (state: 'open' | 'closed') => void,
): Breaker {
  let failed = 0;
  let pauses = 0;
  let until: number | undefined;
  let trying = false;

  const close = (): void => {
    const wasOpen = until !== undefined;
    failed = 0;
    pauses = 0;
    until = undefined;
    if (wasOpen) changed('closed');
  };
  const open = (): void => {
    const wasOpen = until !== undefined;
    const pause = Math.min(options.longestMs, options.pauseMs * 2 ** Math.min(pauses, 30));
    pauses += 1;
    until = now() + pause * (0.5 + random() / 2);
    if (!wasOpen) changed('open');
  };
  const state = (): 'closed' | 'open' | 'half-open' => {
    if (until === undefined) return 'closed';
    return until > now() ? 'open' : 'half-open';
  };

  return {
    state,
    waitMs: () => (state() === 'open' ? until! - now() : 0),
    enter(force) {
      const at = state();
      const isTrial = at === 'half-open' && !trying;
      if (at !== 'closed' && !isTrial && !force) return undefined;
      if (isTrial) trying = true;
      let ended = false;
      return (outcome) => {
        if (ended) return;
        ended = true;
        if (isTrial) trying = false;
        if (outcome === 'good') return close();
        if (outcome === 'unknown') return;
        failed += 1;
        // What was under way when it opened tells nothing new.
        if (isTrial || (until === undefined && failed >= options.failures)) open();
      };
    },
    reset: close,
  };
}
