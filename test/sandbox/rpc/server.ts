import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { encode, readBody } from '../http.ts';
import { type ErrorBody, errorBody, RpcError, refusal, rpcError } from './errors.ts';
import { getFeeStats } from './get_fee_stats.ts';
import { getHealth } from './get_health.ts';
import { getLatestLedger } from './get_latest_ledger.ts';
import { getLedgerEntries } from './get_ledger_entries.ts';
import { getLedgers } from './get_ledgers.ts';
import { getNetwork } from './get_network.ts';
import { getTransaction } from './get_transaction.ts';
import { getTransactions } from './get_transactions.ts';
import { getVersionInfo } from './get_version_info.ts';
import { parseRequests, type Request, type Response } from './jsonrpc.ts';
import type { RpcContext } from './method.ts';
import { sendTransaction } from './send_transaction.ts';

const methods = new Map(
  [
    getHealth,
    getNetwork,
    getVersionInfo,
    getLatestLedger,
    getLedgers,
    getLedgerEntries,
    sendTransaction,
    getTransaction,
    getTransactions,
    getFeeStats,
  ].map((method) => [method.name, method]),
);

/** What the real server has besides. */
const UNSERVED = ['getEvents', 'simulateTransaction'];

/** The real server's limit on a request, in bytes. */
const MAX_BODY = 512 * 1024;

export interface RpcOptions extends RpcContext {
  /** Told of what should not happen. */
  report: (error: unknown) => void;
}

function call(context: RpcContext, name: string, parameters: unknown): unknown {
  const method = methods.get(name);
  if (method) return method.call(context, parameters);
  if (name === '') throw rpcError('invalid_request', 'empty method name');
  throw UNSERVED.includes(name)
    ? refusal(name, 'method_not_found')
    : rpcError('method_not_found', 'method not found', name);
}

/** Plain text of Go's net/http for a request that never gets to a method. */
function sendText(response: ServerResponse, status: number, text: string): void {
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.writeHead(status, { 'Content-Length': Buffer.byteLength(text) + 1 }).end(`${text}\n`);
}

/** What is wrong with a content type. */
function contentTypeFault(header: string | undefined): string | undefined {
  const [type = '', ...parameters] = (header ?? '').split(';').map((part) => part.trim());
  if (type.toLowerCase() !== 'application/json') return 'content-type must be application/json';
  const charset = parameters.find((parameter) => /^charset=/i.test(parameter))?.slice('charset='.length);
  return charset === undefined || /^"?utf-?8"?$/.test(charset) ? undefined : 'invalid content-type charset';
}

function preflight(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers');
  if (request.headers.origin !== undefined) {
    const wished = request.headers['access-control-request-headers'];
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Allow-Methods', request.headers['access-control-request-method']!);
    if (wished) response.setHeader('Access-Control-Allow-Headers', wished);
  }
  response.writeHead(204).end();
}

/** Stellar RPC's interface to a network, as a listener for an HTTP(S) server. */
export function createRpc({ report, ...context }: RpcOptions): RequestListener {
  function outcome(request: Request): { result: unknown } | { error: ErrorBody } {
    if ('error' in request) return { error: request.error };
    try {
      return { result: call(context, request.method, request.parameters) };
    } catch (error) {
      if (!(error instanceof RpcError)) report(error);
      return { error: error instanceof RpcError ? error.body : errorBody('internal', 'the sandbox failed') };
    }
  }

  /** A notification is carried out and not answered. */
  function respond(request: Request): Response | [] {
    const answer = outcome(request);
    if (request.id === undefined && !('error' in request)) return [];
    return { jsonrpc: '2.0', id: request.id ?? null, ...answer };
  }

  async function post(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request, MAX_BODY);
    if (body === undefined) return sendText(response, 500, 'http: request body too large');
    const requests = parseRequests(body.toString('utf8'));
    if (!requests) return sendText(response, 500, '[-32700] invalid request value');
    const faultyFirst = requests.toSorted((a, b) => Number('error' in b) - Number('error' in a));
    const answers = faultyFirst.flatMap(respond);
    if (answers.length === 0) {
      response.writeHead(204).end();
      return;
    }
    const text = encode(answers.length === 1 ? answers[0] : answers);
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) };
    response.writeHead(200, headers).end(text);
  }

  return (request, response) => {
    const { method, headers } = request;
    if (method === 'OPTIONS' && headers['access-control-request-method'] !== undefined)
      return preflight(request, response);
    const isRoot = (request.url ?? '/').replace(/\?.*/s, '') === '/';
    if (headers.origin !== undefined)
      response.setHeader('Access-Control-Allow-Origin', isRoot ? headers.origin : '*');
    if (!isRoot) {
      response.setHeader('Vary', 'Origin');
      response.setHeader('X-Content-Type-Options', 'nosniff');
      return sendText(response, 404, '404 page not found');
    }
    response.setHeader('Vary', ['Origin', 'Origin']);
    response.setHeader('Accept-Post', 'application/json');
    if (method !== 'POST') {
      response.writeHead(405, { 'Content-Length': 0 }).end();
      return;
    }
    const fault = contentTypeFault(headers['content-type']);
    if (fault !== undefined) {
      response.setHeader('X-Content-Type-Options', 'nosniff');
      return sendText(response, 415, fault);
    }
    post(request, response).catch(report);
  };
}
