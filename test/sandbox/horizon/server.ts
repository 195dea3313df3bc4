import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Friendbot } from '../friendbot.ts';
import { readBody } from '../http.ts';
import type { Network } from '../network.ts';
import { account, accountData, accounts } from './accounts.ts';
import { effects } from './effects.ts';
import { feeStats } from './fee_stats.ts';
import { friendbotRoutes } from './friendbot.ts';
import { health } from './health.ts';
import type { Answer, HorizonRequest, Route } from './http.ts';
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
import { decode, negotiate, readUrl, send, serveCors } from './wire.ts';

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

/** What a route streams, if it does. */
function eventsOf(route: Route, request: HorizonRequest): EventSource | undefined {
  if (route.list) return listEvents(route.list(request));
  const { streamsObject } = route;
  return streamsObject && objectEvents(() => (route.handle(request) as Answer).body, streamsObject);
}

export interface HorizonOptions {
  network: Network;
  /** Gives lumens at /friendbot, which is refused without it. */
  friendbot?: Friendbot;
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
  const { network, friendbot, submitTimeoutMs, signal, report } = options;
  const { streamPollMs = 5_000, streamAtOnce = false, streamMaxMs = 55_000 } = options;
  const served = friendbot ? [...routes, ...friendbotRoutes(friendbot)] : routes;

  function findRoute(method: string | undefined, path: string): Route | undefined {
    const matching = served.filter(({ pattern }) => pattern.test(path));
    const route = matching.find((one) => one.method === method);
    if (route || matching.length > 0) return route;
    if (UNSERVED.test(path)) throw refusal(501, `the sandbox does not serve ${path}`, { refused: path });
    throw problem('not_found');
  }

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Answer | 'streamed' | 'method not allowed'> {
    const { path, trimmed, query } = readUrl(request);
    const route = findRoute(request.method, trimmed);
    if (!route) return 'method not allowed';
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
      parameters: route.pattern
        .exec(trimmed)!
        .slice(1)
        .map((part) => part && decode(part)),
      query,
      contentType: request.headers['content-type'] ?? '',
      body: route.method === 'POST' ? String((await readBody(request, MAX_BODY)) ?? '') : '',
      mediaType: mediaType === 'raw' ? 'raw' : 'json',
      signal: AbortSignal.any([signal, gone.signal]),
      submitTimeoutMs,
    };
    if (mediaType === 'stream') {
      const events = eventsOf(route, asked);
      if (!events) throw problem('not_acceptable');
      const [pollMs, atOnce, maxMs] = [streamPollMs, streamAtOnce, streamMaxMs];
      await serveStream(response, events, { network, pollMs, atOnce, maxMs, signal: asked.signal, report });
      return 'streamed';
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
        if (typeof result === 'object') send(request, response, result);
        else if (result === 'method not allowed') {
          response.writeHead(405, request.method === 'HEAD' ? {} : { 'Content-Length': '0' }).end();
        }
      })
      .catch(report);
  };
}
