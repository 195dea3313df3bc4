import { createRateLimit } from '../../common/rate.ts';
import { signerError } from '../errors.ts';

export interface Limits {
  /**
   * Counts one request in; the function that is returned counts it out.
   * @throws SignerError `overloaded`, `too-many-requests`
   */
  enter(): () => void;
}

/** In work and waiting together. */
const MAX_REQUESTS = 64;
/** On average; five seconds' worth may come at once. A policy allows at most as many signatures. */
const REQUESTS_PER_SECOND = 1_000;

/**
 * What one socket takes at once and per second. All clients of a unix socket look alike, and one key serves them all:
 * they share it. `now` gives monotonic milliseconds.
 */
export function createLimits({
  now,
  maxRequests = MAX_REQUESTS,
  requestsPerSecond = REQUESTS_PER_SECOND,
}: {
  now: () => number;
  maxRequests?: number;
  requestsPerSecond?: number;
}): Limits {
  const rate = createRateLimit(now);
  let inWork = 0;
  return {
    enter() {
      if (inWork >= maxRequests)
        throw signerError('overloaded', `${maxRequests} requests are in work or waiting`);
      if (!rate.has(requestsPerSecond))
        throw signerError('too-many-requests', `more than ${requestsPerSecond} requests a second`);
      rate.take();
      inWork += 1;
      return () => {
        inWork -= 1;
      };
    },
  };
}
