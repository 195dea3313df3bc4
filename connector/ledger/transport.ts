import { isIP } from 'node:net';
import { TLSSocket } from 'node:tls';
import { buildConnector, Pool } from 'undici';
import { isCoded, messageOf } from '../../common/errors.ts';
import { connectorError } from '../errors.ts';
import type { Addresses } from './addresses.ts';
import { pinsMatch } from './pins.ts';

export interface TransportOptions {
  /** `https://host[:port][/prefix]`. */
  url: string;
  spkiPins?: readonly string[] | undefined;
  /** PEM; in place of the well-known authorities. */
  ca?: string | undefined;
}

export interface Request {
  method: 'GET' | 'POST';
  /** Path and query below the endpoint's URL. */
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** For the whole exchange, connecting included. */
  timeoutMs: number;
}

export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
}

export interface Transport {
  /**
   * One exchange, no redirects, no retries.
   * @throws `address-unknown`, `pin-mismatch` or `ledger-unreachable`. `isUnsent` tells whether anything was sent.
   */
  request(request: Request, signal: AbortSignal): Promise<Answer>;
  /** New addresses: open sockets are let finish for a moment, and all later requests dial anew. */
  setAddresses(addresses: Addresses): void;
  close(): Promise<void>;
}

export interface TransportEvents {
  pinMismatch(host: string): void;
  unknownHost(host: string): void;
}

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 5_000;
const LINGER_MS = 5_000;
const unsent = new WeakSet<object>();

/** True when the exchange failed before a connection stood: the server cannot have seen the request. */
export const isUnsent = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && unsent.has(error);

/**
 * HTTP/1.1 over TLS 1.3 to one pinned endpoint. Names are never resolved: a host is dialled only at the addresses
 * given for it. The certificate is checked against the authorities and the host's name as always, pins come on top.
 * TLS sessions are never resumed, since a resumed one skips the identity check.
 */
export function createTransport(options: TransportOptions, events: TransportEvents): Transport {
  const { origin, pathname } = new URL(options.url);
  const prefix = pathname.replace(/\/$/, '');
  let addresses: Addresses = {};
  let pool: Pool | undefined;

  const open = (): Pool =>
    new Pool(origin, {
      connections: 8,
      pipelining: 1,
      allowH2: false,
      maxResponseSize: MAX_BODY_BYTES,
      connect: (target, callback) => {
        const host = target.hostname.replace(/^\[|\]$/g, '');
        const known = addresses[host] ?? [];
        if (known.length === 0) {
          events.unknownHost(host);
          return callback(unsentError('address-unknown', `no address is given for the host ${host}`), null);
        }
        if (isIP(host) !== 0 && !known.includes(host)) {
          events.unknownHost(host);
          return callback(unsentError('address-unknown', `${host} is not among its own addresses`), null);
        }
        dial(known, options.ca)(target, (error, socket) => {
          if (error !== null) {
            const text = `cannot connect to ${host}: ${messageOf(error)}`;
            return callback(unsentError('ledger-unreachable', text, error), null);
          }
          const leaf = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
          if (leaf === undefined || !pinsMatch(leaf, options.spkiPins)) {
            socket.destroy();
            events.pinMismatch(host);
            return callback(unsentError('pin-mismatch', `no certificate of ${host} matches a pin`), null);
          }
          callback(null, socket);
        });
      },
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
      const before = pool;
      addresses = next;
      pool = undefined;
      if (before !== undefined) void retire(before);
    },
    async close() {
      if (pool !== undefined) await retire(pool);
    },
  };
}

function unsentError(
  code: 'address-unknown' | 'pin-mismatch' | 'ledger-unreachable',
  text: string,
  cause?: Error,
) {
  const error = connectorError(code, text, { cause });
  unsent.add(error);
  return error;
}

/** Dials one of `known` in place of resolving the name; the name itself stays in SNI and in the certificate check. */
function dial(known: readonly string[], ca: string | undefined): buildConnector.connector {
  const records = known.map((address) => ({ address, family: isIP(address) }));
  return buildConnector({
    allowH2: false,
    maxCachedSessions: 0,
    timeout: CONNECT_TIMEOUT_MS,
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    lookup: (_host, { all }, callback) => {
      if (all === true) return callback(null, records);
      const [first] = records;
      callback(null, first!.address, first!.family);
    },
  });
}

/** Lets what is under way finish for a moment, then cuts it. */
async function retire(pool: Pool): Promise<void> {
  const timer = setTimeout(() => void pool.destroy(), LINGER_MS);
  await pool.close().catch(() => undefined);
  clearTimeout(timer);
}
