import type { Answer } from './transport.ts';

/** Leave for one request: to be used after `waitMs`, and to be ended by the answer's headers or by `cancel`. */
export interface Leave {
  waitMs: number;
  /** `undefined`: it was sent, and there was no answer. */
  answered(answer: Pick<Answer, 'status' | 'headers'> | undefined): void;
  /** It was not sent. */
  cancel(): void;
}

export interface Pace {
  /** Undefined when a read had to wait longer than `patienceMs`. Urgent ones never wait. */
  enter(urgent: boolean, patienceMs: number): Leave | undefined;
}

/** Tokens that reads leave in the bucket, for submissions. */
const RESERVE = 20;
/** Whatever a server says, it is asked again after this long: a wrong header must not mute it for a day. */
const LONGEST_MS = 60_000;
const DEFAULT_RETRY_MS = 1_000;

/**
 * Keeps to a server's rate limit as its answers tell it: `X-RateLimit-Limit`, `-Remaining` and `-Reset` (Horizon: seconds
 * until the bucket is full, so that used tokens by that time are its rate) and `Retry-After`. Without such headers
 * nothing waits. Reads wait for tokens above a reserve; submissions take from the reserve. `now`: milliseconds.
 */
export function createPace(now: () => number): Pace {
  let limit = Number.POSITIVE_INFINITY;
  let tokens = Number.POSITIVE_INFINITY;
  let perMs = 1 / LONGEST_MS;
  let at = now();
  let blockedUntil = Number.NEGATIVE_INFINITY;
  let underWay = 0;
  /** When the last one was let go. */
  let granted = Number.NEGATIVE_INFINITY;

  const refill = (): void => {
    const time = now();
    tokens = Math.min(limit, tokens + (time - at) * perMs);
    at = time;
  };
  const blockedMs = (): number => Math.max(0, blockedUntil - now());
  const learn = ({ status, headers }: Pick<Answer, 'status' | 'headers'>): void => {
    if (status === 429) blockedUntil = now() + retryAfterMs(headers, Date.now());
    const most = whole(headers['x-ratelimit-limit'], 1_000_000_000);
    const left = whole(headers['x-ratelimit-remaining'], 1_000_000_000);
    const reset = whole(headers['x-ratelimit-reset'], 86_400);
    if (most === undefined || left === undefined || most < 1) return;
    limit = most;
    at = now();
    tokens = left - underWay;
    if (reset !== undefined && reset > 0 && left < most) {
      perMs = Math.max((most - left) / (reset * 1_000), 1 / LONGEST_MS);
    }
  };

  return {
    enter(urgent, patienceMs) {
      refill();
      const reserve = Math.min(RESERVE, Math.floor(limit / 10));
      const missing = Math.max(0, reserve + 1 - tokens);
      // One goes after the longest wait in any case: only an answer can say that there are tokens again.
      const probeMs = Math.max(0, granted + LONGEST_MS - now());
      const waitMs = urgent ? 0 : Math.max(Math.min(missing / perMs, probeMs), blockedMs());
      if (waitMs > patienceMs) return undefined;
      granted = now() + waitMs;
      tokens -= 1;
      underWay += 1;
      return {
        waitMs,
        answered(answer) {
          underWay -= 1;
          if (answer !== undefined) learn(answer);
        },
        cancel() {
          underWay -= 1;
          tokens += 1;
        },
      };
    },
  };
}

/** The wait that a 429 asks for (RFC 9110: seconds or a date), 1 ms to a minute; a second when it says nothing. */
export function retryAfterMs(headers: Answer['headers'], wallClock: number): number {
  const text = headers['retry-after'];
  if (typeof text !== 'string') return DEFAULT_RETRY_MS;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - wallClock;
  return Number.isNaN(ms) ? DEFAULT_RETRY_MS : Math.min(Math.max(ms, 1), LONGEST_MS);
}

function whole(text: string | string[] | undefined, most: number): number | undefined {
  if (typeof text !== 'string' || !/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= most ? value : undefined;
}
