import { createRateLimit, type RateLimit } from '../../common/rate.ts';
import { connectorError } from '../errors.ts';

/** Requests of one client: how many a second on average, and how many at once. */
export interface Budget {
  perSecond: number;
  inFlight: number;
}

/**
 * Reads are bounded only so that one client cannot take the processor: a bot's monitor makes 30 a minute and one a second
 * for each open order. Trades are held until a ledger has them, 5 s each as a rule.
 */
export const BUDGETS = {
  read: { perSecond: 3_000, inFlight: 512 },
  trade: { perSecond: 50, inFlight: 64 },
} as const satisfies Record<string, Budget>;

/** Trades of all clients at once. */
const TRADES_IN_FLIGHT = 256;
/** Identities that are remembered; the one that was idle longest goes first. */
const CLIENTS = 1_000;

export interface Limits {
  /**
   * Takes a place for a request; the result gives it back. Reads and trades never wait for each other.
   * @throws `rate-limited`: nothing was done
   */
  enter(client: string, kind: keyof typeof BUDGETS): () => void;
}

/** Limits per client identity. `now` gives monotonic milliseconds. */
export function createLimits(
  now: () => number,
  budgets: Record<keyof typeof BUDGETS, Budget> = BUDGETS,
  tradesInFlight = TRADES_IN_FLIGHT,
): Limits {
  const clients = new Map<string, { rate: RateLimit; inFlight: number }>();
  let trades = 0;
  const refuse = (why: string) => {
    throw connectorError('rate-limited', `${why}; nothing was done, try again in a second`);
  };
  return {
    enter(client, kind) {
      const { perSecond, inFlight } = budgets[kind];
      const name = `${kind} ${client}`;
      const own = clients.get(name) ?? { rate: createRateLimit(now), inFlight: 0 };
      clients.delete(name);
      clients.set(name, own);
      if (clients.size > 2 * CLIENTS) {
        const idle = [...clients].find(([, { inFlight: open }]) => open === 0);
        if (idle !== undefined) clients.delete(idle[0]);
      }
      if (own.inFlight >= inFlight) refuse(`this client has ${inFlight} requests of this kind under way`);
      if (kind === 'trade' && trades >= tradesInFlight) refuse(`${tradesInFlight} trades are under way`);
      if (!own.rate.has(perSecond)) refuse(`this client sends more than ${perSecond} requests a second`);
      own.rate.take();
      own.inFlight++;
      if (kind === 'trade') trades++;
      let left = false;
      return () => {
        if (left) return;
        left = true;
        own.inFlight--;
        if (kind === 'trade') trades--;
      };
    },
  };
}
