import type * as z from 'zod';
import { connectorError } from '../errors.ts';
import { type AssetId, horizonAssetQuery } from '../market/asset.ts';
import type { AccountState } from '../market/balance.ts';
import type { Price, Route, Side } from '../market/quote.ts';
import { isDialFailure } from './dial.ts';
import * as schemas from './schemas.ts';
import type { Answer, Transport } from './transport.ts';

/** The last ledger in Horizon's history; `closedAt` in milliseconds since 1970, `baseReserve` in stroops. */
export interface LastLedger {
  sequence: number;
  closedAt: number;
  baseReserve: bigint;
}

/** Horizon's answer to a submitted envelope. Only the first two say anything of the envelope itself. */
export type SubmitAnswer =
  | { kind: 'accepted'; record: schemas.TransactionRecord }
  /** 400 transaction_failed: refused by core or failed in a ledger, Horizon does not say which. */
  | { kind: 'failed'; resultXdr: string | undefined }
  /** Any other 4xx: Horizon did not take it as an envelope. */
  | { kind: 'malformed'; name: string }
  /** 504: core may have taken it or not. */
  | { kind: 'pending' }
  | { kind: 'rate-limited'; retryAfterMs: number }
  /** 5xx, a broken connection, no answer in time, or an answer that cannot be read: it may have been taken. */
  | { kind: 'unavailable'; reason: string }
  /** No connection stood: it was not taken. */
  | { kind: 'unsent'; cause: unknown };

export interface Horizon {
  readonly url: string;
  root(signal: AbortSignal): Promise<schemas.Root>;
  lastLedger(signal: AbortSignal): Promise<LastLedger>;
  feeStats(signal: AbortSignal): Promise<schemas.FeeStats>;
  /** Undefined when the ledger has no such account. */
  account(id: string, signal: AbortSignal): Promise<AccountState | undefined>;
  /** Undefined when history has no such transaction. */
  transaction(hash: string, signal: AbortSignal): Promise<schemas.TransactionRecord | undefined>;
  /** SELL: strict send of `amount` of `from`; BUY: strict receive of `amount` of `to` (stroops as decimal text). */
  paths(side: Side, from: AssetId, to: AssetId, amount: string, signal: AbortSignal): Promise<Route[]>;
  /** The best prices of the book, quote per base. */
  bestPrices(
    base: AssetId,
    quote: AssetId,
    signal: AbortSignal,
  ): Promise<{ bestBid: Price | undefined; bestAsk: Price | undefined }>;
  /** Submits and waits for the ledger as long as Horizon or `timeoutMs` allow; never throws except when aborted. */
  submit(envelopeXdr: string, timeoutMs: number, signal: AbortSignal): Promise<SubmitAnswer>;
}

export interface HorizonEvents {
  answered(route: string, outcome: string): void;
}

const READ_TIMEOUT_MS = 8_000;

/** Client of one Horizon; every answer goes through its schema. Errors: those of the transport, `ledger-untrusted`. */
export function createHorizon(url: string, transport: Transport, events: HorizonEvents): Horizon {
  const get = async (route: string, path: string, query: Record<string, string>, signal: AbortSignal) => {
    const search = new URLSearchParams(query).toString();
    try {
      const answer = await transport.request(
        { method: 'GET', path: search === '' ? path : `${path}?${search}`, timeoutMs: READ_TIMEOUT_MS },
        signal,
      );
      events.answered(route, String(answer.status));
      return answer;
    } catch (error) {
      events.answered(route, 'error');
      throw error;
    }
  };
  const read = async <T>(
    route: string,
    path: string,
    query: Record<string, string>,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T> => decode(route, schema, await get(route, path, query, signal));

  return {
    url,
    root: (signal) => read('root', '/', {}, schemas.root, signal),
    async lastLedger(signal) {
      const query = { order: 'desc', limit: '1' };
      const page = await read('ledgers', '/ledgers', query, schemas.ledgerPage, signal);
      const [last] = page._embedded.records;
      if (last === undefined) throw connectorError('ledger-stale', 'Horizon has no ledger yet');
      return {
        sequence: last.sequence,
        closedAt: last.closed_at,
        baseReserve: BigInt(last.base_reserve_in_stroops),
      };
    },
    feeStats: (signal) => read('fee_stats', '/fee_stats', {}, schemas.feeStats, signal),
    async account(id, signal) {
      const answer = await get('account', `/accounts/${id}`, {}, signal);
      if (answer.status === 404) return undefined;
      const account = decode('account', schemas.account, answer);
      if (account.id !== id) throw connectorError('ledger-untrusted', 'Horizon answered another account');
      return account.state;
    },
    async transaction(hash, signal) {
      const answer = await get('transaction', `/transactions/${hash}`, {}, signal);
      return answer.status === 404 ? undefined : decode('transaction', schemas.transaction, answer);
    },
    async paths(side, from, to, amount, signal) {
      const routes =
        side === 'SELL'
          ? await read(
              'strict_send',
              '/paths/strict-send',
              { ...horizonAssetQuery('source', from), source_amount: amount, destination_assets: to },
              schemas.paths,
              signal,
            )
          : await read(
              'strict_receive',
              '/paths/strict-receive',
              { source_assets: from, ...horizonAssetQuery('destination', to), destination_amount: amount },
              schemas.paths,
              signal,
            );
      if (routes.some(({ source, destination }) => source !== from || destination !== to)) {
        throw connectorError('ledger-untrusted', 'Horizon answered a path between other assets than asked');
      }
      return routes;
    },
    bestPrices(base, quote, signal) {
      const query = {
        ...horizonAssetQuery('selling', base),
        ...horizonAssetQuery('buying', quote),
        limit: '1',
      };
      return read('order_book', '/order_book', query, schemas.orderBook, signal);
    },
    async submit(envelopeXdr, timeoutMs, signal) {
      try {
        const answer = await transport.request(
          {
            method: 'POST',
            path: '/transactions',
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            body: `tx=${encodeURIComponent(envelopeXdr)}`,
            timeoutMs,
          },
          signal,
        );
        events.answered('submit', String(answer.status));
        return classifySubmit(answer);
      } catch (error) {
        signal.throwIfAborted();
        events.answered('submit', 'error');
        return isDialFailure(error)
          ? { kind: 'unsent', cause: error }
          : { kind: 'unavailable', reason: 'no answer in time, or the connection broke' };
      }
    },
  };
}

/** Pure: what an HTTP answer to `POST /transactions` means. */
export function classifySubmit(answer: Answer): SubmitAnswer {
  const body = parseJson(answer.body);
  if (answer.status === 200) {
    const record = schemas.transaction.safeParse(body);
    return record.success
      ? { kind: 'accepted', record: record.data }
      : { kind: 'unavailable', reason: 'an answer of unknown form' };
  }
  if (answer.status === 429) {
    const seconds = Number(answer.headers['retry-after'] ?? 1);
    return {
      kind: 'rate-limited',
      retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 1_000,
    };
  }
  if (answer.status === 504) return { kind: 'pending' };
  const problem = schemas.problem.safeParse(body);
  if (answer.status >= 400 && answer.status < 500 && problem.success) {
    const { name, resultXdr } = problem.data;
    return name === 'transaction_failed' ? { kind: 'failed', resultXdr } : { kind: 'malformed', name };
  }
  return { kind: 'unavailable', reason: `HTTP ${answer.status}` };
}

function decode<T>(route: string, schema: z.ZodType<T>, answer: Answer): T {
  if (answer.status === 429) throw connectorError('rate-limited', 'Horizon limits our requests');
  if (answer.status !== 200) {
    throw connectorError('ledger-unreachable', `Horizon answered ${answer.status} to ${route}`);
  }
  const result = schema.safeParse(parseJson(answer.body));
  if (result.success) return result.data;
  const where = result.error.issues.map(({ path }) => path.join('.')).join(', ');
  throw connectorError('ledger-untrusted', `Horizon's answer to ${route} has not its form (${where})`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
