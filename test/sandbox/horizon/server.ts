import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Network } from '../network.ts';
import { account } from './accounts.ts';
import { feeStats } from './fee_stats.ts';
import { health } from './health.ts';
import { type Answer, encode, type Route } from './http.ts';
import { ledger, ledgers } from './ledgers.ts';
import { orderBook } from './order_book.ts';
import { strictReceivePaths, strictSendPaths } from './paths.ts';
import { HorizonProblem, problem, refusal } from './problems.ts';
import { root } from './root.ts';
import { submit, submitAsync } from './submit.ts';
import { transaction } from './transactions.ts';

const routes: Route[] = [
  root,
  health,
  account,
  orderBook,
  strictSendPaths,
  strictReceivePaths,
  feeStats,
  ledgers,
  ledger,
  transaction,
  submit,
  submitAsync,
];

/** First segments of what Horizon serves besides: refused by name, while an unknown path is Horizon's own 404. */
const UNSERVED =
  /^\/(accounts|assets|claimable_balances|effects|friendbot|ledgers|liquidity_pools|offers|operations|paths|payments|trade_aggregations|trades|transactions)(\/|$)/;

/** Horizon's limit on a request, in bytes; a larger one looks like an unreadable envelope. */
const MAX_BODY = 200_000;

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size <= MAX_BODY) chunks.push(chunk as Buffer);
  }
  return size <= MAX_BODY ? Buffer.concat(chunks).toString('utf8') : '';
}

/** Whether an answer in JSON is acceptable. Nothing is streamed here, so a wish for events alone is not. */
const takesJson = (accept: string | undefined): boolean =>
  accept === undefined || /\*\/\*|application\/(\*|json|hal\+json)/.test(accept);

function send(response: ServerResponse, { status, body, contentType }: Answer): void {
  const success = status < 400 || contentType !== undefined;
  const text = encode(body);
  if (success && contentType === 'application/hal+json; charset=utf-8') {
    response.setHeader('Content-Disposition', 'inline');
  }
  response.writeHead(status, { 'Content-Type': contentType ?? 'application/problem+json; charset=utf-8' });
  response.end(text);
}

export interface HorizonOptions {
  network: Network;
  submitTimeoutMs: number;
  signal: AbortSignal;
  /** Told of what should not happen. */
  report: (error: unknown) => void;
}

/** Horizon's interface to a network, as a listener for an HTTP(S) server. */
export function createHorizon({ network, submitTimeoutMs, signal, report }: HorizonOptions): RequestListener {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<Answer | undefined> {
    const url = new URL(`https://${request.headers.host ?? 'localhost'}`);
    const [path = '', search = ''] = (request.url ?? '/').split('?', 2);
    const trimmed = path.startsWith('//') ? path : path.replace(/\/$/, '');
    const matching = routes.filter(({ pattern }) => pattern.test(trimmed));
    const route = matching.find(({ method }) => method === request.method);
    if (!route && matching.length > 0) return undefined;
    if (!route && UNSERVED.test(trimmed)) {
      throw refusal(501, `the sandbox does not serve ${path}`, { refused: path });
    }
    if (!route) throw problem('not_found');
    if (route.fromState) response.setHeader('Latest-Ledger', String(network.latest.sequence));
    if (!takesJson(request.headers.accept)) throw problem('not_acceptable');
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const result = await route.handle({
      network,
      base: url.origin,
      path,
      parameters: route.pattern.exec(trimmed)!.slice(1),
      query: new URLSearchParams(search),
      contentType: request.headers['content-type'] ?? '',
      body: route.method === 'POST' ? await readBody(request) : '',
      signal: AbortSignal.any([signal, gone.signal]),
      submitTimeoutMs,
    });
    return { contentType: 'application/hal+json; charset=utf-8', ...result };
  }

  return (request, response) => {
    response.setHeader('Cache-Control', 'no-cache, no-store, max-age=0');
    response.setHeader('Vary', 'Origin');
    answer(request, response)
      .catch((error: unknown): Answer => {
        if (!(error instanceof HorizonProblem)) report(error);
        const { body } = error instanceof HorizonProblem ? error : problem('server_error');
        return { status: body.status, body };
      })
      .then((result) => {
        if (result) send(response, result);
        else response.writeHead(405, { 'Content-Length': '0' }).end();
      })
      .catch(report);
  };
}
