import { Pool } from 'undici';
import { isCoded, messageOf } from '../../common/errors.ts';
import { connectorError } from '../errors.ts';
import type { Addresses } from './addresses.ts';
import { createDial, type DialEvents, type DialOptions } from './dial.ts';

/** An `Endpoint` of the connector's file is one. */
export interface TransportOptions extends DialOptions {
  /** `https://host[:port][/prefix]`. */
  url: string;
}

export interface Request {
  method: 'GET' | 'POST';
  /** Path and query below the endpoint's URL. */
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** For the whole exchange, connecting included. */
  timeoutMs: number;
  /** A submission: it waits for no token of the rate limit, which keeps some back for it. */
  urgent?: boolean;
}

/** State of an endpoint's transport: `reason` says why it is not up (the file that is missing, the last failure). */
export interface TransportStatus {
  state: 'up' | 'down' | 'open-breaker';
  reason: string | undefined;
}

export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
}

export interface Transport {
  /**
   * One exchange, no redirects, no retries.
   * @throws `address-unknown`, `pin-mismatch`, `ledger-unreachable` (`isDialFailure` tells whether anything was sent)
   */
  request(request: Request, signal: AbortSignal): Promise<Answer>;
  /** Where those of our host changed: open sockets are let finish for a moment, later requests dial anew. */
  setAddresses(addresses: Addresses): void;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const LINGER_MS = 5_000;

/** HTTP/1.1 over TLS 1.3 to one pinned endpoint, through no proxy. */
export function createTransport(options: TransportOptions, events: DialEvents): Transport {
  const { origin, pathname, hostname } = new URL(options.url);
  const prefix = pathname.replace(/\/$/, '');
  const own = hostname.replace(/^\[|\]$/g, '');
  let addresses: readonly string[] = [];
  let pool: Pool | undefined;

  const open = (): Pool =>
    new Pool(origin, {
      connections: 8,
      pipelining: 1,
      allowH2: false,
      maxResponseSize: MAX_BODY_BYTES,
      connect: createDial(options, (host) => (host === own ? addresses : []), events),
    });

  return {
    async request({ method, path, headers, body, timeoutMs }, signal) {
      pool ??= open();
      try {
        const answer = await pool.request({
          method,
          path: `${prefix}${path}`,
          headers: { accept: 'application/json', 'accept-encoding': 'identity', ...headers },
          body: body ?? null,
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        });
        return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
      } catch (error) {
        if (isCoded(error)) throw error;
        throw connectorError('ledger-unreachable', `no answer from Horizon: ${messageOf(error)}`, {
          cause: error,
        });
      }
    },
    setAddresses(next) {
      const ours = next[own] ?? [];
      if (ours.join() === addresses.join()) return;
      addresses = ours;
      const before = pool;
      pool = undefined;
      if (before !== undefined) void retire(before);
    },
    async close() {
      if (pool !== undefined) await retire(pool);
    },
  };
}

/** Lets what is under way finish for a moment, then cuts it. */
async function retire(pool: Pool): Promise<void> {
  const timer = setTimeout(() => void pool.destroy(), LINGER_MS);
  await pool.close().catch(() => undefined);
  clearTimeout(timer);
}
