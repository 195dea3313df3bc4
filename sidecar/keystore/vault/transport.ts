import { Pool } from 'undici';
import { isCoded } from '../../../common/errors.ts';
import { type KeystoreFaultCode, keystoreFault } from '../keystore.ts';
import { faultOfAnswer, faultOfTransport, type Purpose } from './faults.ts';

/** Runs one exchange, connecting included, with a signal that ends it in time. */
export type Deadline = <Result>(exchange: (signal: AbortSignal) => Promise<Result>) => Promise<Result>;

export interface TransportOptions {
  /** Origin of Vault. */
  address: string;
  /** PEM. */
  ca: string | undefined;
  deadline: Deadline;
  /** Milliseconds of a clock that is never set back. */
  now: () => number;
}

/** What node-vault hands to its HTTP library, with what our calls add as request options. */
export interface TransportRequest extends Purpose {
  method: string;
  uri: string;
  headers: Record<string, string>;
  json?: object;
  /** One more attempt, on a fresh connection, after an exchange that brought no answer. */
  retry?: boolean;
  signal?: AbortSignal;
}

export interface Transport {
  /** @throws KeystoreFault for every answer that is not 200 or 204 with a JSON object, or the signal's reason */
  request(
    request: TransportRequest,
  ): Promise<{ statusCode: number; body: object; request: { path: string } }>;
  /** Cuts what is under way. */
  close(): Promise<void>;
}

/** 32 signatures are 5 kB. */
const MAX_BODY_BYTES = 256 * 1024;
const CONNECTIONS = 8;
const KEEP_ALIVE_MS = 60_000;
const CONNECT_MS = 2_000;
/** However long a Retry-After is, somebody may have raised the quota meanwhile. */
const MAX_PAUSE_MS = 30_000;

/**
 * HTTP/1.1 to one origin over TLS 1.3. It replaces what node-vault would use, which follows redirects with the token, sends it
 * through a proxy of the environment, has no deadline, and takes VAULT_SKIP_VERIFY from the environment.
 */
export function createTransport({ address, ca, deadline, now }: TransportOptions): Transport {
  const open = (): Pool =>
    new Pool(address, {
      connections: CONNECTIONS,
      pipelining: 1,
      allowH2: false,
      maxResponseSize: MAX_BODY_BYTES,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: {
        timeout: CONNECT_MS,
        minVersion: 'TLSv1.3',
        // Said here, so that NODE_TLS_REJECT_UNAUTHORIZED cannot say otherwise.
        rejectUnauthorized: true,
        ...(ca === undefined ? {} : { ca }),
      },
    });
  let pool = open();
  let isClosed = false;
  let throttledUntil = -Infinity;

  const exchange = async ({ method, uri, headers, json, signal }: TransportRequest) => {
    const used = pool;
    try {
      return await deadline(async (late) => {
        const answer = await used.request({
          method: method as 'GET' | 'POST',
          path: new URL(uri).pathname,
          headers: { ...headers, ...(json === undefined ? {} : { 'content-type': 'application/json' }) },
          body: json === undefined ? null : JSON.stringify(json),
          signal: signal === undefined ? late : AbortSignal.any([signal, late]),
        });
        return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
      });
    } catch (error) {
      signal?.throwIfAborted();
      // What is wrong with one connection is often wrong with its sisters: later requests dial anew.
      if (pool === used && !isClosed) {
        pool = open();
        void used.close().catch(() => undefined);
      }
      throw faultOfTransport(error);
    }
  };

  return {
    async request(request) {
      if (now() < throttledUntil)
        throw keystoreFault('vault-throttled', 'Vault throttles and said when to come again');
      const answer = await exchange(request).catch((error: unknown) => {
        if (request.retry !== true || !isCoded<KeystoreFaultCode>(error, 'vault-unreachable')) throw error;
        return exchange(request);
      });
      const body = parse(answer.text);
      if (answer.status === 200 || answer.status === 204) {
        if (body === undefined) throw keystoreFault('keystore-failed', 'the answer of Vault is not JSON');
        return { statusCode: answer.status, body, request: { path: '' } };
      }
      const pause = Number(answer.headers['retry-after']);
      if (answer.status === 429 && pause > 0) throttledUntil = now() + Math.min(pause * 1000, MAX_PAUSE_MS);
      throw faultOfAnswer(answer.status, Array.isArray(body?.errors) ? body.errors : [], request);
    },
    close() {
      isClosed = true;
      return pool.destroy();
    },
  };
}

/** A JSON object, `{}` for nothing at all; undefined for anything else. */
function parse(text: string): Record<string, unknown> | undefined {
  if (text === '') return {};
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
