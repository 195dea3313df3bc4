import { Agent, type Dispatcher } from 'undici';
import { messageOf } from '../../common/errors.ts';
import { uniform } from '../../common/random.ts';
import type { Access } from './access.ts';
import { backoffMs, type Clock, pause, type Random, systemClock } from './clock.ts';
import { apiError, KubeError } from './errors.ts';

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string>;
  /** Serialized JSON. */
  body?: string;
  contentType?: string;
  signal: AbortSignal;
}

export interface Transport {
  /** The body of a 2xx answer. @throws KubeError */
  request(call: Call): Promise<string>;
  /** The body of a 2xx answer as it arrives, without a time limit of its own. @throws KubeError */
  stream(call: Call): Promise<AsyncIterable<Uint8Array>>;
  close(): Promise<void>;
}

/** Called once per answer (status 0: none came), for metrics and for tests that count. */
export type Observe = (call: Call, status: number, seconds: number) => void;

export interface TransportOptions {
  clock?: Clock;
  random?: Random;
  observe?: Observe;
  /** Milliseconds for one try of one request, connection included. */
  deadlineMs?: number;
}

/** Requests in flight at once; more wait for a connection of the pool. */
const CONNECTIONS = 16;
const TRIES = 4;
const MAX_RETRY_AFTER_MS = 10_000;
const RETRY = { baseMs: 200, maxMs: 5_000, jitter: 1 };
const SAFE_TO_REPEAT = new Set(['GET', 'PUT', 'PATCH', 'DELETE']);

/**
 * HTTP with the API server over one keep-alive pool (a watch holds a connection of its own beside it), with its
 * manners: 429 and 5xx are tried again when it says or after a growing pause, a 401 once with credentials read anew.
 * A POST whose answer is lost is not repeated: what it created would come back as a conflict with ourselves.
 */
export function createTransport(access: Access, options: TransportOptions = {}): Transport {
  const { clock = systemClock, random = uniform, observe = () => {}, deadlineMs = 30_000 } = options;
  // HTTP/1.1: a stalled stream must not hold up the requests that share its connection.
  const connect = { ...access.tls, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 30_000 };
  const pool = new Agent({ connections: CONNECTIONS, allowH2: false, keepAliveTimeout: 60_000, connect });
  const watches = new Agent({ allowH2: false, connect });
  const { origin, pathname } = new URL(access.server);
  const prefix = pathname.replace(/\/+$/, '');

  /** One try, whatever its status; throws when no answer came. */
  async function attempt(agent: Agent, call: Call, signal: AbortSignal, fresh: boolean) {
    const started = clock.now();
    let status = 0;
    try {
      const authorization = await access.authorization(fresh);
      const answer = await agent.request({
        origin,
        path: prefix + call.path + queryOf(call.query),
        method: call.method,
        headers: {
          accept: 'application/json',
          'user-agent': 'stellar-operator',
          ...(authorization === undefined ? {} : { authorization }),
          ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
        },
        body: call.body ?? null,
        signal,
        headersTimeout: deadlineMs,
        bodyTimeout: 0,
      });
      status = answer.statusCode;
      return answer;
    } catch (cause) {
      throw lost(call, signal, cause);
    } finally {
      observe(call, status, (clock.now() - started) / 1000);
    }
  }

  async function send<T>(
    agent: Agent,
    call: Call,
    limit: () => AbortSignal,
    take: (answer: Dispatcher.ResponseData, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    let fresh = false;
    for (let tries = 1; ; tries++) {
      let failure: KubeError;
      let waitMs = backoffMs(tries - 1, RETRY, random);
      const signal = limit();
      try {
        const answer = await attempt(agent, call, signal, fresh);
        if (answer.statusCode < 400) return await take(answer, signal);
        failure = apiError(describe(call), answer.statusCode, await answer.body.text().catch(() => ''));
        const retryAfter = Number(answer.headers['retry-after']);
        if (retryAfter > 0) waitMs = Math.min(retryAfter * 1000, MAX_RETRY_AFTER_MS);
      } catch (cause) {
        if (!(cause instanceof KubeError)) throw cause;
        failure = cause;
      }
      if (failure.status === 401 && !fresh) {
        fresh = true;
        continue;
      }
      if (tries >= TRIES || !mayRepeat(call, failure)) throw failure;
      await pause(clock, waitMs, call.signal);
    }
  }

  return {
    request: (call) =>
      send(
        pool,
        call,
        () => AbortSignal.any([call.signal, AbortSignal.timeout(deadlineMs)]),
        async (answer, signal) => {
          try {
            return await answer.body.text();
          } catch (cause) {
            throw lost(call, signal, cause);
          }
        },
      ),
    // The reflector has its own pace: a watch is tried once here.
    async stream(call) {
      const take = async (fresh: boolean): Promise<AsyncIterable<Uint8Array>> => {
        const answer = await attempt(watches, call, call.signal, fresh);
        if (answer.statusCode < 400) return answer.body;
        const body = await answer.body.text().catch(() => '');
        if (answer.statusCode === 401 && !fresh) return take(true);
        throw apiError(describe(call), answer.statusCode, body);
      };
      return take(false);
    },
    async close() {
      await Promise.all([pool.destroy(), watches.destroy()]);
    },
  };
}

/** 429 and 503 were refused before anything was done; any other failure may have happened after the deed. */
function mayRepeat(call: Call, failure: KubeError): boolean {
  if (failure.status === 429 || failure.status === 503) return true;
  const passing = failure.status >= 500 || failure.code === 'unreachable' || failure.code === 'deadline';
  return passing && SAFE_TO_REPEAT.has(call.method);
}

function lost(call: Call, signal: AbortSignal, cause: unknown): unknown {
  if (call.signal.aborted) return call.signal.reason;
  if (signal.aborted) return new KubeError('deadline', `${describe(call)}: no answer in time`, { cause });
  return new KubeError('unreachable', `${describe(call)}: ${messageOf(cause)}`, { cause });
}

function describe(call: Call): string {
  return `${call.method} ${call.path}`;
}

function queryOf(query: Record<string, string> | undefined): string {
  const text = new URLSearchParams(query).toString();
  return text === '' ? '' : `?${text}`;
}
