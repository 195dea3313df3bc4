import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { type HorizonProblem, problem } from '../horizon/problems.ts';
import { encode, readBody } from '../http.ts';
import { decodeEnvelope } from '../ledger/envelope.ts';
import { MalformedEnvelope, Refused } from '../ledger/errors.ts';
import type { Network } from '../network.ts';
import { hold, send, sendBadly } from './body.ts';
import type { Faults } from './registry.ts';
import type { FaultOf } from './schema.ts';
import { disturbStream } from './stream.ts';

export interface FaultyListenerOptions {
  name: string;
  kind: 'horizon' | 'rpc';
  /** As the endpoint sees it, faults included. */
  network: Network;
  /** The newest ledger of the real one. */
  coreLedger: () => number;
  faults: Faults;
  /** Answers where no fault does. */
  inner: RequestListener;
  /** Cuts the connection under a response with a TCP reset. */
  reset: (response: ServerResponse) => void;
  report: (error: unknown) => void;
}

/** More than any interface takes: each says so itself of less. Bytes. */
const MAX_BODY = 4_000_000;

/** The request once more, with its body in front of it again. */
function withBody(request: IncomingMessage, body: Buffer): IncomingMessage {
  const { method, url, headers, rawHeaders, httpVersion, socket } = request;
  const again = Readable.from(body.length > 0 ? [body] : [], { objectMode: false });
  return Object.assign(again, { method, url, headers, rawHeaders, httpVersion, socket }) as IncomingMessage;
}

function readJson(body: Buffer): { method?: unknown } {
  try {
    return (JSON.parse(body.toString('utf8')) as object | null) ?? {};
  } catch {
    return {};
  }
}

const wantsEvents = ({ headers: { accept = '' } }: IncomingMessage): boolean =>
  accept.includes('text/event-stream') && !accept.includes('json');

/** What Horizon reads from its history, not from the state of the ledger. */
const HISTORY = /\/(ledgers|transactions|operations|payments|effects|trades|trade_aggregations)(\/|\?|$)/;

const PROBLEM = { 'Content-Type': 'application/problem+json; charset=utf-8' };
const HORIZON = { 'Cache-Control': 'no-cache, no-store, max-age=0', Vary: 'Origin' };

function refuse(response: ServerResponse, { body }: HorizonProblem, headers: object = {}): void {
  send(response, {
    status: body.status,
    headers: { ...HORIZON, ...PROBLEM, ...headers },
    body: Buffer.from(encode(body, 2)),
  });
}

/** The recorded Horizon's limit: so many requests at once, and one more each minute. */
const [LIMIT, REFILL_S] = [101, 60];

const rateHeaders = (left: number, resetS: number): Record<string, number> => ({
  'X-Ratelimit-Limit': LIMIT,
  'X-Ratelimit-Remaining': left,
  'X-Ratelimit-Reset': resetS,
});

/** Horizon's 429 as recorded. A stream that is refused gets no rate headers; behind a proxy RPC gets no words. */
function refuseRate(
  response: ServerResponse,
  kind: 'horizon' | 'rpc',
  { retryAfter }: FaultOf<'rate_limit'>,
  isStream: boolean,
): void {
  const retry = retryAfter !== undefined && !isStream ? { 'Retry-After': retryAfter } : {};
  if (kind === 'rpc') return void response.writeHead(429, { ...retry, 'Content-Length': 0 }).end();
  const rate = isStream ? {} : rateHeaders(0, (LIMIT - 1) * REFILL_S + (retryAfter ?? 0));
  refuse(response, problem('rate_limit_exceeded'), { ...retry, ...rate });
}

/** Stellar RPC's only sign of old data, as recorded. */
const UNHEALTHY = '[-32603] latency (4m58s) since last known ledger closed is too high (>30s)';

/** What `/health` says, as recorded. */
const NO_CORE = '{"database_connected":true,"core_up":false,"core_synced":false}\n';

const PAGE =
  '<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><h1>Please sign in</h1></body></html>\n';

/** Every number of a distribution of fees is the same one. */
function raiseFees(stats: unknown, fee: number): unknown {
  const { result, ...horizon } = stats as Record<string, Record<string, unknown>>;
  const all = (distribution: unknown, counts: string[] = []): object =>
    Object.fromEntries(
      Object.entries(distribution as object).map(([key, value]) => [
        key,
        counts.includes(key) ? value : String(fee),
      ]),
    );
  if (result) {
    const inclusionFee = all(result.inclusionFee, ['transactionCount', 'ledgerCount']);
    return { ...horizon, result: { ...result, inclusionFee } };
  }
  const { fee_charged, max_fee } = horizon;
  if (!fee_charged) return stats;
  return { ...horizon, ledger_capacity_usage: '1', fee_charged: all(fee_charged), max_fee: all(max_fee) };
}

/** Horizon's or RPC's listener with the faults of its endpoint in front of it. */
export function faultyListener(options: FaultyListenerOptions): RequestListener {
  const { name, kind, network, faults, inner, reset, coreLedger } = options;

  /** Whether a submission got its 504: the network has the transaction, or whatever the fault does with it. */
  function submissionTimesOut(response: ServerResponse, body: Buffer): boolean {
    const envelopeXdr = new URLSearchParams(body.toString('utf8')).get('tx') ?? '';
    try {
      const { hash } = decodeEnvelope(envelopeXdr, network.passphrase);
      if (network.transaction(hash) || network.submit(envelopeXdr).status === 'ERROR') return false;
      refuse(response, problem('transaction_submission_timeout', { envelope_xdr: envelopeXdr, hash }));
      return true;
    } catch (error) {
      if (error instanceof MalformedEnvelope || error instanceof Refused) return false;
      throw error;
    }
  }

  /** What a fault changes in the answer of a route. */
  function changeOf(target: string): ((right: object) => unknown) | undefined {
    const surge = faults.find(name, 'surge')?.fault;
    if (surge && /^(\/fee_stats|getFeeStats)$/.test(target)) return (stats) => raiseFees(stats, surge.fee);
    if (!faults.find(name, 'stale_history')) return undefined;
    if (kind === 'horizon' && target === '/')
      return (root) => ({ ...root, core_latest_ledger: coreLedger() });
    if (target !== 'getHealth') return undefined;
    return (answer) => ({ ...answer, result: undefined, error: { code: -32603, message: UNHEALTHY } });
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '/' } = request;
    const body =
      method === 'POST' ? ((await readBody(request, MAX_BODY)) ?? Buffer.alloc(0)) : Buffer.alloc(0);
    const target = kind === 'rpc' ? String(readJson(body).method ?? '') : url;
    const isStream = wantsEvents(request);

    const limit = faults.find(name, 'rate_limit', target);
    if (limit) {
      faults.take(name, 'rate_limit', target);
      const left = limit.fault.after - limit.used;
      if (left < 0) return refuseRate(response, kind, limit.fault, isStream);
      if (kind === 'horizon' && !isStream)
        response.setHeaders(new Map(Object.entries(rateHeaders(left, (LIMIT - left) * REFILL_S))));
    }
    const html = faults.take(name, 'html', target);
    if (html) {
      const headers = { 'Content-Type': 'text/html; charset=utf-8' };
      return send(response, { status: html.status, headers, body: Buffer.from(PAGE) });
    }
    const stale = faults.find(name, 'stale_history');
    if (stale && kind === 'horizon' && method === 'GET' && HISTORY.test(url)) {
      const history_latest_ledger = network.latest.sequence;
      return refuse(
        response,
        problem('stale_history', { core_latest_ledger: coreLedger(), history_latest_ledger }),
      );
    }
    if (kind === 'horizon' && faults.find(name, 'silent_core')) {
      if (method === 'POST') hold(response, () => undefined);
      const headers = { ...HORIZON, 'Content-Type': 'text/plain; charset=utf-8' };
      if (url === '/health') return send(response, { status: 503, headers, body: Buffer.from(NO_CORE) });
    }
    const isSubmission = kind === 'horizon' && method === 'POST' && url === '/transactions';
    if (isSubmission && faults.find(name, 'submission') && submissionTimesOut(response, body)) return;

    const bad = isStream ? undefined : faults.take(name, 'body', target);
    const change = changeOf(target);
    // What is to be cut or changed must not be compressed.
    if (bad || change) delete request.headers['accept-encoding'];
    if (bad) hold(response, (held) => sendBadly(response, held, bad, reset));
    if (change) {
      hold(response, ({ status, headers, body: right }) => {
        response.writeHead(status, headers);
        if (status !== 200) return void response.end(right);
        const changed = change(JSON.parse(right.toString('utf8')));
        response.end(kind === 'rpc' ? JSON.stringify(changed) : encode(changed, 2));
      });
    }
    const disturbed = isStream ? faults.take(name, 'stream', target) : undefined;
    if (disturbed) disturbStream(response, disturbed);
    inner(method === 'POST' ? withBody(request, body) : request, response);
  }

  return (request, response) => {
    handle(request, response).catch((error: unknown) => {
      options.report(error);
      response.destroy();
    });
  };
}
