import type * as z from 'zod';
import { messageOf } from '../../../common/errors.ts';
import { connectorError } from '../../errors.ts';
import { formatAmount } from '../../market/amount.ts';
import { horizonAssetQuery } from '../../market/asset.ts';
import { poolIdentity } from '../../market/pool-id.ts';
import { isDialFailure } from '../dial.ts';
import type { Answer, Transport } from '../transport.ts';
import type { LedgerTrade, OfferEntry, PoolEntry, SubmitAnswer } from '../types.ts';
import { type VerifyOptions, verifyTransaction } from '../verify.ts';
import * as f from './fields.ts';
import { poolEffect } from './pool-effects.ts';
import {
  bookQuery,
  compareTokens,
  isTradeOf,
  NO_TRADE,
  type Query,
  tradeCursor,
  tradesOf,
  tradesQuery,
} from './queries.ts';
import * as schemas from './schemas.ts';
import { parseJson, readSubmitAnswer } from './submit.ts';
import type { AtLedger, HorizonClient, HorizonEvents } from './types.ts';

export interface HorizonModules {
  transport: Transport;
  events: HorizonEvents;
}

const READ_TIMEOUT_MS = 8_000;
/** Horizon's largest page. */
const PAGE = 200;
const MAX_OFFERS_OF_ACCOUNT = 1_000;
const MAX_OFFERS_OF_BOOK = 2_000;
/** Answers that say that there is no such thing; a proxy's own 404 does not. */
const ABSENT: Readonly<Record<number, string>> = { 404: 'not_found', 410: 'before_history' };

interface Page<T> {
  records: T[];
  ledger: number | undefined;
  /** False: there was more than asked for. */
  complete: boolean;
}

/** Client of one Horizon over its transport; see `HorizonClient`. */
export function createHorizonClient(
  options: VerifyOptions,
  { transport, events }: HorizonModules,
): HorizonClient {
  const ask = async (route: string, path: string, query: Query, signal: AbortSignal): Promise<Answer> => {
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
  const read = async <S extends z.ZodType>(
    route: string,
    path: string,
    query: Query,
    schema: S,
    signal: AbortSignal,
  ): Promise<AtLedger<z.output<S>>> => decode(route, schema, await ask(route, path, query, signal));

  /** The same, undefined where Horizon says that there is no such thing. */
  const find = async <S extends z.ZodType>(
    route: string,
    path: string,
    schema: S,
    signal: AbortSignal,
  ): Promise<AtLedger<z.output<S> | undefined>> => {
    const answer = await ask(route, path, {}, signal);
    const isAbsent = ABSENT[answer.status] !== undefined && ABSENT[answer.status] === problemOf(answer);
    return isAbsent ? { value: undefined, ledger: ledgerOf(answer) } : decode(route, schema, answer);
  };

  /** Reads page after page up to `most` records; their tokens must rise, so that no server can keep us at it. */
  const readAll = async <T>(
    route: string,
    path: string,
    query: Query,
    schema: z.ZodType<T>,
    { tokenOf, from, most }: { tokenOf: (record: T) => string; from: string; most: number },
    signal: AbortSignal,
  ): Promise<Page<T>> => {
    const records: T[] = [];
    let cursor = from;
    let ledger: number | undefined;
    while (true) {
      const limit = Math.min(PAGE, most - records.length + 1);
      const asked = { ...query, cursor, order: 'asc', limit: String(limit) };
      const got = await read(route, path, asked, f.page(schema, limit), signal);
      ledger ??= got.ledger;
      for (const record of got.value) {
        if (compareTokens(tokenOf(record), cursor) <= 0) throw notAsked(route, 'records that do not go on');
        cursor = tokenOf(record);
        records.push(record);
      }
      if (records.length > most) return { records: records.slice(0, most), ledger, complete: false };
      if (got.value.length < limit) return { records, ledger, complete: true };
    }
  };

  return {
    url: transport.url,
    transport,
    root: async (signal) => (await read('root', '/', {}, schemas.root, signal)).value,
    async head(signal) {
      const query = { order: 'desc', limit: '1' };
      const { value } = await read('ledgers', '/ledgers', query, f.page(schemas.head, 1), signal);
      const [last] = value;
      if (last === undefined) throw connectorError('ledger-stale', 'Horizon has no ledger yet');
      return last;
    },
    feeStatistics: async (signal) =>
      (await read('fee_stats', '/fee_stats', {}, schemas.feeStatistics, signal)).value,
    async account(id, signal) {
      const { value, ledger } = await find('account', `/accounts/${id}`, schemas.account, signal);
      if (value !== undefined && value.id !== id) throw notAsked('account', 'another account');
      return { value: value?.state, ledger };
    },
    async offersOf(account, signal) {
      const path = `/accounts/${account}/offers`;
      const bounds = { tokenOf: offerToken, from: '0', most: MAX_OFFERS_OF_ACCOUNT };
      const page = await readAll('account_offers', path, {}, schemas.offer, bounds, signal);
      if (!page.complete || page.records.some(({ seller }) => seller !== account)) {
        throw notAsked('account_offers', 'offers that the account cannot have');
      }
      return { value: page.records, ledger: page.ledger };
    },
    async offers(selling, buying, limit, signal) {
      const bounds = { tokenOf: offerToken, from: '0', most: MAX_OFFERS_OF_BOOK };
      const query = { selling, buying };
      const { records, ledger, complete } = await readAll(
        ...(['offers', '/offers', query, schemas.offer, bounds, signal] as const),
      );
      if (records.some((each) => each.selling !== selling || each.buying !== buying)) {
        throw notAsked('offers', 'offers of other assets');
      }
      // They come by id, and sorting keeps that order among equals: the older one of a price is taken first.
      return { value: complete ? records.sort(schemas.byPrice).slice(0, limit) : undefined, ledger };
    },
    async book(base, quote, limit, signal) {
      const query = { ...bookQuery(base, quote), limit: String(Math.min(limit, PAGE)) };
      const { value, ledger } = await read('order_book', '/order_book', query, schemas.orderBook, signal);
      if (value.base !== base || value.counter !== quote) throw notAsked('order_book', 'another pair');
      return { value: value.book, ledger };
    },
    async pool(id, signal) {
      const { value, ledger } = await find('pool', `/liquidity_pools/${id}`, schemas.pool, signal);
      // A pool's id is the hash of its assets.
      if (value !== undefined && (value.id !== id || !isItself(value)))
        throw notAsked('pool', 'another pool');
      return { value, ledger };
    },
    async paths(side, from, to, amount, signal) {
      const isSend = side === 'SELL';
      const [route, path] = isSend
        ? (['strict_send', '/paths/strict-send'] as const)
        : (['strict_receive', '/paths/strict-receive'] as const);
      const query: Query = isSend
        ? {
            ...horizonAssetQuery('source', from),
            source_amount: formatAmount(amount),
            destination_assets: to,
          }
        : {
            source_assets: from,
            ...horizonAssetQuery('destination', to),
            destination_amount: formatAmount(amount),
          };
      const { value, ledger } = await read(route, path, query, f.page(schemas.path), signal);
      const isAsked = ({ source, destination, route: { amountIn, amountOut } }: (typeof value)[number]) =>
        source === from && destination === to && (isSend ? amountIn : amountOut) === amount;
      if (!value.every(isAsked)) throw notAsked(route, 'a path between other assets, or of another amount');
      return { value: value.map(({ route: each }) => each), ledger };
    },
    async transaction(hash, signal) {
      const { value } = await find('transaction', `/transactions/${hash}`, schemas.transaction, signal);
      if (value === undefined) return undefined;
      if (value.hash !== hash) throw notAsked('transaction', 'another transaction');
      return verifyTransaction(value, options);
    },
    async poolMovements(hash, signal) {
      const path = `/transactions/${hash}/effects`;
      const { value } = await read(
        'effects',
        path,
        { limit: String(PAGE) },
        f.page(poolEffect, PAGE),
        signal,
      );
      return value.filter((movement) => movement !== undefined);
    },
    async tradesOf(account, cursor, limit, signal) {
      const bounds = {
        tokenOf: (record: LedgerTrade) => record.cursor,
        from: tradeCursor(cursor),
        most: limit,
      };
      const path = `/accounts/${account}/trades`;
      const { records } = await readAll('account_trades', path, {}, schemas.trade, bounds, signal);
      if (!records.every((trade) => isTradeOf(trade, { account }))) {
        throw notAsked('account_trades', 'trades of others');
      }
      return records;
    },
    async trades(base, quote, limit, signal) {
      const query = { ...tradesQuery(base, quote), order: 'desc', limit: String(Math.min(limit, PAGE)) };
      const { value } = await read('trades', '/trades', query, f.page(schemas.trade), signal);
      if (!value.every((trade) => isTradeOf(trade, { base, quote }))) {
        throw notAsked('trades', 'trades of another pair');
      }
      return value.sort((a, b) => compareTokens(b.cursor, a.cursor));
    },
    async newestTrade(of, signal) {
      const { path, query } = tradesOf(of);
      const newest = { ...query, order: 'desc', limit: '1' };
      const { value } = await read('trades', path, newest, f.page(schemas.trade, 1), signal);
      return value[0]?.cursor ?? NO_TRADE;
    },
    async submit(envelopeXdr, mode, timeoutMs, signal): Promise<SubmitAnswer> {
      const route = mode === 'sync' ? 'submit' : 'submit_async';
      try {
        const answer = await transport.request(
          {
            method: 'POST',
            path: mode === 'sync' ? '/transactions' : '/transactions_async',
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            body: `tx=${encodeURIComponent(envelopeXdr)}`,
            timeoutMs,
            urgent: true,
          },
          signal,
        );
        events.answered(route, String(answer.status));
        return readSubmitAnswer(answer, mode, envelopeXdr, options);
      } catch (error) {
        signal.throwIfAborted();
        events.answered(route, 'error');
        return isDialFailure(error)
          ? { kind: 'unsent', cause: error }
          : { kind: 'unknown', reason: messageOf(error) };
      }
    },
  };
}

const offerToken = ({ id }: OfferEntry): string => id;

function isItself({ id, assets: [a, b] }: PoolEntry): boolean {
  if (a === b) return false;
  const identity = poolIdentity(a, b);
  return identity.id === id && identity.assets[0] === a;
}

const notAsked = (route: string, what: string) =>
  connectorError('ledger-untrusted', `Horizon answered ${what} to ${route}`);

const problemOf = (answer: Answer): string | undefined =>
  schemas.problem.safeParse(parseJson(answer.body)).data?.name;

/** The ledger whose state an answer shows, where Horizon says it. */
function ledgerOf({ headers }: Answer): number | undefined {
  const text = headers['latest-ledger'];
  return f.ledger.safeParse(typeof text === 'string' && /^\d{1,10}$/.test(text) ? Number(text) : undefined)
    .data;
}

function decode<S extends z.ZodType>(route: string, schema: S, answer: Answer): AtLedger<z.output<S>> {
  if (answer.status === 429) throw connectorError('rate-limited', 'Horizon limits our requests');
  if (answer.status !== 200) {
    const name = problemOf(answer);
    const isStale = name === 'stale_history' || name === 'still_ingesting';
    throw connectorError(
      isStale ? 'ledger-stale' : 'ledger-unreachable',
      `Horizon answered ${answer.status}${isStale ? ` ${name}` : ''} to ${route}`,
    );
  }
  const result = schema.safeParse(parseJson(answer.body));
  if (result.success) return { value: result.data, ledger: ledgerOf(answer) };
  const where = result.error.issues.slice(0, 5).map(({ path }) => path.join('.'));
  throw connectorError(
    'ledger-untrusted',
    `Horizon's answer to ${route} has not its form (${where.join(', ')})`,
  );
}
