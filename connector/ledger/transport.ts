import { isIP } from 'node:net';
import { performance } from 'node:perf_hooks';
import { Pool } from 'undici';
import { type CodedError, isCoded, messageOf } from '../../common/errors.ts';
import { uniform } from '../../common/random.ts';
import { sleep } from '../../common/shutdown.ts';
import { connectorError } from '../errors.ts';
import type { Addresses } from './addresses.ts';
import { createBreaker, type Outcome } from './breaker.ts';
import { beforeSending, createDial, type DialEvents, isDialFailure } from './dial.ts';
import { type EndpointFilesOptions, endpointFiles } from './endpoint-files.ts';
import { createPace } from './pace.ts';
import { createStreams, type OpenStream } from './streams.ts';

/** An `Endpoint` of the connector's file is one. */
export interface TransportOptions extends EndpointFilesOptions {
  /** `https://host[:port][/prefix]`. */
  url: string;
  spkiPins?: readonly string[] | undefined;
  /** Of the host; without them those of `setAddresses` count. */
  addresses?: readonly string[] | undefined;
}

export interface Request {
  method: 'GET' | 'POST';
  /** Path and query below the endpoint's URL. */
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** For the whole exchange, waiting for the rate limit and connecting included. */
  timeoutMs: number;
  /** A submission: it waits for no token of the rate limit, which keeps some back for it, and tries an open breaker. */
  urgent?: boolean;
}

export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
}

/** State of an endpoint's transport: `reason` says why it is not up (the file that is missing, the last failure). */
export interface TransportStatus {
  state: 'up' | 'down' | 'open-breaker';
  reason: string | undefined;
}

export interface Transport {
  readonly url: string;
  /**
   * One exchange, no redirects, no retries. An aborted `signal` throws its reason.
   * @throws `address-unknown`, `pin-mismatch`, `ledger-unreachable` (also when the breaker is open or a file is missing),
   * `rate-limited` (reads that had to wait too long); `isDialFailure` tells that nothing was sent
   */
  request(request: Request, signal: AbortSignal): Promise<Answer>;
  /**
   * A GET whose body does not end, on a connection of its own, without a time limit once its headers are there. Throws as
   * `request` does; the chunks throw when the connection breaks or is dropped.
   */
  stream(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<OpenStream>;
  /**
   * Where those of our host changed, later requests dial anew, requests under way are let finish for a moment, and streams
   * to an address that left are cut at once.
   */
  setAddresses(addresses: Addresses): void;
  /** All sockets and streams are dropped where pins changed: they were checked against others. */
  setPins(spkiPins: readonly string[] | undefined): void;
  status(): TransportStatus;
  close(): Promise<void>;
}

export interface TransportEvents extends DialEvents {
  /** The endpoint failed too often and is let be for a while, or it answers again. */
  breaker?(host: string, state: 'open' | 'closed'): void;
  /** Sockets were dropped since their trust or address changed. */
  dropped?(host: string, reason: 'addresses' | 'pins' | 'authorities', streams: number): void;
}

/** Milliseconds of a clock that is never set, a wait by it, a number in [0, 1). */
export interface Clock {
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  random(): number;
}

export const realClock: Clock = { now: () => performance.now(), sleep, random: uniform };

const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** Horizon keeps a submission for a ledger and longer: those of all channels must leave some to reads. */
const CONNECTIONS = 32;
const LINGER_MS = 5_000;
const STREAM_OPEN_MS = 10_000;
const BREAKER = { failures: 5, pauseMs: 1_000, longestMs: 15_000 };

/** HTTP/1.1 over TLS 1.3 to one pinned endpoint, through no proxy, at its pace. */
export function createTransport(
  options: TransportOptions,
  events: TransportEvents,
  clock: Clock = realClock,
): Transport {
  const { origin, pathname, hostname } = new URL(options.url);
  const prefix = pathname.replace(/\/$/, '');
  const host = hostname.replace(/^\[|\]$/g, '');
  const files = endpointFiles(options);
  const pace = createPace(clock.now);
  const breaker = createBreaker(BREAKER, clock, (state) => events.breaker?.(host, state));
  let { spkiPins: pins, addresses = [] } = options;
  let trusted: string | undefined;
  let pool: Pool | undefined;
  let failure: string | undefined = 'it was not asked yet';

  const connect = createDial(
    {
      addresses: (asked) => (asked === host ? addresses : []),
      pins: () => pins,
      authorities: files.authorities,
    },
    events,
  );
  const streams = createStreams(origin, connect);

  const open = (): Pool =>
    new Pool(origin, {
      connections: CONNECTIONS,
      pipelining: 1,
      allowH2: false,
      maxResponseSize: MAX_BODY_BYTES,
      connect,
    });
  const renew = (reason: 'addresses' | 'pins' | 'authorities', cut: number): void => {
    const before = pool;
    pool = undefined;
    if (before !== undefined) void retire(before);
    events.dropped?.(host, reason, cut);
  };

  /** What our files say now; other authorities than those of the open sockets drop these. */
  const lookAtFiles = (): Record<string, string> => {
    const authorities = files.authorities();
    if (trusted !== undefined && authorities !== trusted) {
      renew(
        'authorities',
        streams.cut(() => true),
      );
    }
    trusted = authorities;
    const credential = files.credential();
    return credential === undefined
      ? {}
      : { [credential.header]: credential.value.reveal().toString('latin1') };
  };

  /** Runs one exchange between the checks that come before it and what is learnt from its end. */
  const exchange = async <T extends Pick<Answer, 'status' | 'headers'>>(
    { urgent, timeoutMs }: { urgent: boolean; timeoutMs: number },
    send: (ours: Record<string, string>) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> => {
    signal.throwIfAborted();
    let ours: Record<string, string>;
    try {
      ours = lookAtFiles();
    } catch (error) {
      throw beforeSending(error as CodedError);
    }
    // The other half is for the answer: what is sent too late fails, and would be held against the server.
    const leave = pace.enter(urgent, timeoutMs / 2);
    if (leave === undefined) {
      throw beforeSending(connectorError('rate-limited', `${host} limits our requests; later ones will go`));
    }
    const slot = breaker.enter(urgent);
    if (slot === undefined) {
      leave.cancel();
      const rest = Math.ceil(breaker.waitMs() / 1_000);
      const text = `${host} failed repeatedly and is asked again in ${rest} s; last: ${failure}`;
      throw beforeSending(connectorError('ledger-unreachable', text));
    }
    let outcome: Outcome = 'unknown';
    try {
      if (leave.waitMs > 0) {
        await clock.sleep(leave.waitMs, signal).catch((error: unknown) => {
          leave.cancel();
          throw error;
        });
      }
      const answer = await send(ours).catch((error: unknown) => {
        leave.answered(undefined);
        throw error;
      });
      leave.answered(answer);
      // A submission's 503 and 504 tell of the envelope, not of the server.
      outcome = answer.status >= 500 && !urgent ? 'bad' : 'good';
      failure = outcome === 'bad' ? `HTTP ${answer.status}` : undefined;
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      const coded = isCoded(error)
        ? error
        : connectorError('ledger-unreachable', `no answer from ${host}: ${messageOf(error)}`, {
            cause: error,
          });
      // A submission is answered when a ledger has it, or too late: that alone says nothing of the server.
      if (urgent && !isDialFailure(error)) throw coded;
      failure = coded.message;
      // Nobody was asked, so that it says nothing of the server.
      if (!isCoded(error, 'address-unknown')) outcome = 'bad';
      throw coded;
    } finally {
      slot(outcome);
    }
  };

  return {
    url: options.url,
    request: ({ method, path, headers, body, timeoutMs, urgent = false }, signal) => {
      const deadline = AbortSignal.timeout(timeoutMs);
      const send = async (ours: Record<string, string>): Promise<Answer> => {
        pool ??= open();
        const answer = await pool.request({
          method,
          path: `${prefix}${path}`,
          headers: { accept: 'application/json', 'accept-encoding': 'identity', ...headers, ...ours },
          body: body ?? null,
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
          signal: AbortSignal.any([signal, deadline]),
        });
        return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
      };
      return exchange({ urgent, timeoutMs }, send, signal);
    },
    stream: (path, headers, signal) =>
      exchange(
        { urgent: false, timeoutMs: STREAM_OPEN_MS },
        (ours) =>
          streams.open(
            `${prefix}${path}`,
            { 'accept-encoding': 'identity', ...headers, ...ours },
            STREAM_OPEN_MS,
            signal,
          ),
        signal,
      ),
    setAddresses(next) {
      if (options.addresses !== undefined) return;
      const ours = next[host] ?? [];
      if (ours.join() === addresses.join()) return;
      addresses = ours;
      breaker.reset();
      renew(
        'addresses',
        streams.cut((address) => !holds(ours, address)),
      );
    },
    setPins(next) {
      if (next?.join() === pins?.join()) return;
      pins = next;
      breaker.reset();
      renew(
        'pins',
        streams.cut(() => true),
      );
    },
    status() {
      const fault =
        files.fault() ?? (addresses.length === 0 ? `no address is given for the host ${host}` : undefined);
      if (fault !== undefined) return { state: 'down', reason: fault };
      if (breaker.state() === 'open') return { state: 'open-breaker', reason: failure };
      return { state: failure === undefined ? 'up' : 'down', reason: failure };
    },
    async close() {
      streams.cut(() => true);
      if (pool !== undefined) await retire(pool);
    },
  };
}

/** Whether an address is one of some, whatever way each is written. */
function holds(addresses: readonly string[], address: string): boolean {
  return addresses.some((each) => canonical(each) === canonical(address));
}

const canonical = (address: string): string =>
  isIP(address) === 6 ? new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname : address;

/** Lets what is under way finish for a moment, then cuts it. */
async function retire(pool: Pool): Promise<void> {
  const timer = setTimeout(() => void pool.destroy(), LINGER_MS);
  await pool.close().catch(() => undefined);
  clearTimeout(timer);
}
