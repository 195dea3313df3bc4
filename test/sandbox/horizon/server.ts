import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { Network } from '../network.ts';
import { account, accountData, accounts } from './accounts.ts';
import { effects } from './effects.ts';
import { feeStats } from './fee_stats.ts';
import { health } from './health.ts';
import { type Answer, encode, type HorizonRequest, type Route } from './http.ts';
import { ledger, ledgers } from './ledgers.ts';
import { liquidityPool, liquidityPools } from './liquidity_pools.ts';
import { accountOffers, offer, offers } from './offers.ts';
import { operation, operations, payments } from './operations.ts';
import { orderBook } from './order_book.ts';
import { strictReceivePaths, strictSendPaths } from './paths.ts';
import { HorizonProblem, problem, refusal } from './problems.ts';
import { root } from './root.ts';
import { type EventSource, listEvents, objectEvents, serveStream } from './stream.ts';
import { submit, submitAsync } from './submit.ts';
import { trades } from './trades.ts';
import { transaction, transactions } from './transactions.ts';

const routes: Route[] = [
  root,
  health,
  accounts,
  account,
  accountData,
  accountOffers,
  offers,
  offer,
  liquidityPools,
  liquidityPool,
  orderBook,
  strictSendPaths,
  strictReceivePaths,
  feeStats,
  ledgers,
  ledger,
  operation,
  operations,
  payments,
  effects,
  trades,
  transaction,
  transactions,
  submit,
  submitAsync,
];

/** What Horizon serves besides: refused by name, while an unknown path is Horizon's own 404. */
const UNSERVED = /^\/(assets|claimable_balances|friendbot|trade_aggregations)(\/|$)/;

/** Horizon's limit on a request, in bytes; a larger one looks like an unreadable envelope. */
const MAX_BODY = 200 * 1024;

const NO_CACHE = 'no-cache, no-store, max-age=0';

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size <= MAX_BODY) chunks.push(chunk as Buffer);
  }
  return size <= MAX_BODY ? Buffer.concat(chunks).toString('utf8') : '';
}

type MediaType = 'json' | 'raw' | 'stream';

const MEDIA_TYPES: Record<string, MediaType> = {
  'application/hal+json': 'json',
  'application/json': 'json',
  'application/*': 'json',
  '*/*': 'json',
  'text/event-stream': 'stream',
  'text/*': 'stream',
  'application/octet-stream': 'raw',
};

/** What the client likes best of what Horizon has: by weight, wildcards last; undefined where it likes none. */
function negotiate(accept: string | undefined): MediaType | undefined {
  if (!accept) return 'json';
  const clauses = accept.split(',').map((clause) => {
    const [type = '', ...parameters] = clause.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    return { type: type.toLowerCase(), weight: Number(weight ?? 1), wildcards: type.split('*').length };
  });
  const [best] = clauses
    .filter(({ type }) => type in MEDIA_TYPES)
    .sort((a, b) => b.weight - a.weight || a.wildcards - b.wildcards);
  return best && MEDIA_TYPES[best.type];
}

const HAL = 'application/hal+json; charset=utf-8';
/** Answers up to here carry their length, longer ones come in chunks, as Go's server does it. Bytes. */
const MAX_UNCHUNKED = 2047;

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const { status, body, contentType = HAL } = answer;
  let bytes: Buffer = Buffer.isBuffer(body) ? body : Buffer.from(encode(body, 2));
  if (contentType === HAL) {
    response.setHeader('Content-Disposition', 'inline');
    if (request.headers['accept-encoding']?.includes('gzip')) {
      response.setHeader('Content-Encoding', 'gzip');
      response.setHeader('Vary', 'Accept-Encoding');
      bytes = gzipSync(bytes);
    }
  }
  response.setHeader('Content-Type', contentType);
  if (bytes.length <= MAX_UNCHUNKED) response.setHeader('Content-Length', bytes.length);
  response.writeHead(status);
  response.end(bytes);
}

const PREFLIGHT_METHODS = ['GET', 'POST', 'HEAD', 'OPTIONS'];

/** Cross-origin headers; true where the request asked for nothing else and is answered. */
function serveCors({ method, headers }: IncomingMessage, response: ServerResponse): boolean {
  const { origin, 'access-control-request-method': wanted } = headers;
  const preflight = method === 'OPTIONS' && wanted !== undefined;
  if (preflight) {
    response.setHeader('Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers');
  }
  if (origin !== undefined && preflight && PREFLIGHT_METHODS.includes(wanted)) {
    response.setHeader('Access-Control-Allow-Methods', wanted);
    response.setHeader('Access-Control-Allow-Origin', origin);
    const names = headers['access-control-request-headers'];
    if (names) response.setHeader('Access-Control-Allow-Headers', names);
  } else if (origin !== undefined && !preflight) {
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Expose-Headers', 'Date, Latest-Ledger');
  }
  if (preflight) response.writeHead(204).end();
  return preflight;
}

/** What a route streams, if it does. */
function eventsOf(route: Route, request: HorizonRequest): EventSource | undefined {
  if (route.list) return listEvents(route.list(request));
  const { streamsObject } = route;
  return streamsObject && objectEvents(() => (route.handle(request) as Answer).body, streamsObject);
}

/** Path without its trailing slash, and query; a `Last-Event-ID` is a cursor, also on plain requests. */
function readUrl({ url = '/', headers }: IncomingMessage): {
  path: string;
  trimmed: string;
  query: URLSearchParams;
} {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  const lastId = headers['last-event-id'];
  if (typeof lastId === 'string' && lastId !== '') query.set('cursor', lastId);
  return { path, trimmed: path.startsWith('//') ? path : path.replace(/\/$/, ''), query };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export interface HorizonOptions {
  network: Network;
  submitTimeoutMs: number;
  signal: AbortSignal;
  /** Told of what should not happen. */
  report: (error: unknown) => void;
  /** How often a stream looks for a new ledger, in milliseconds; Horizon's own by default. */
  streamPollMs?: number;
  /** Streams send at each close instead. */
  streamAtOnce?: boolean;
  /** How long a stream lasts at most, in milliseconds; Horizon's own by default. */
  streamMaxMs?: number;
}

/** Horizon's interface to a network, as a listener for an HTTP(S) server. */
export function createHorizon(options: HorizonOptions): RequestListener {
  const { network, submitTimeoutMs, signal, report } = options;
  const { streamPollMs = 5_000, streamAtOnce = false, streamMaxMs = 55_000 } = options;

  function findRoute(method: string | undefined, path: string): Route | undefined {
    const matching = routes.filter(({ pattern }) => pattern.test(path));
    const route = matching.find((one) => one.method === method);
    if (route || matching.length > 0) return route;
    if (UNSERVED.test(path)) throw refusal(501, `the sandbox does not serve ${path}`, { refused: path });
    throw problem('not_found');
  }

  /** Undefined where the method is none of the route's, null where it was streamed. */
  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Answer | null | undefined> {
    const { path, trimmed, query } = readUrl(request);
    const route = findRoute(request.method, trimmed);
    if (!route) return undefined;
    const mediaType = negotiate(request.headers.accept);
    if (route.fromState && mediaType !== 'stream') {
      response.setHeader('Latest-Ledger', String(network.latest.sequence));
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const asked: HorizonRequest = {
      network,
      base: `${'encrypted' in request.socket ? 'https' : 'http'}://${request.headers.host ?? 'localhost'}`,
      path,
      parameters: route.pattern.exec(trimmed)!.slice(1).map(decode),
      query,
      contentType: request.headers['content-type'] ?? '',
      body: route.method === 'POST' ? await readBody(request) : '',
      mediaType: mediaType === 'raw' ? 'raw' : 'json',
      signal: AbortSignal.any([signal, gone.signal]),
      submitTimeoutMs,
    };
    if (mediaType === 'stream') {
      const events = eventsOf(route, asked);
      if (!events) throw problem('not_acceptable');
      const [pollMs, atOnce, maxMs] = [streamPollMs, streamAtOnce, streamMaxMs];
      await serveStream(response, events, { network, pollMs, atOnce, maxMs, signal: asked.signal, report });
      return null;
    }
    if (!mediaType || (mediaType === 'raw' && !route.servesRaw)) throw problem('not_acceptable');
    return route.handle(asked);
  }

  return (request, response) => {
    response.setHeader('Cache-Control', NO_CACHE);
    response.setHeader('Vary', 'Origin');
    if (serveCors(request, response)) return;
    answer(request, response)
      .catch((error: unknown): Answer => {
        if (!(error instanceof HorizonProblem)) report(error);
        const { body } = error instanceof HorizonProblem ? error : problem('server_error');
        return { status: body.status, body, contentType: 'application/problem+json; charset=utf-8' };
      })
      .then((result) => {
        if (result) send(request, response, result);
        else if (result === undefined) {
          response.writeHead(405, request.method === 'HEAD' ? {} : { 'Content-Length': '0' }).end();
        }
      })
      .catch(report);
  };
}
