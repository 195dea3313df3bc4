import type { ClosedLedger } from '../ledger/close.ts';
import type { View } from '../network.ts';
import { type HorizonRequest, link, ok, type Route } from './http.ts';
import { readLimit } from './parameters.ts';
import { badField, problem } from './problems.ts';

/** One record of a list: its paging token, and how it is written when it is asked for. */
export interface Row {
  token: string;
  render(): unknown;
}

export interface Paging {
  /** The cursor as given, `now` resolved; `''` where there is none. */
  cursor: string;
  order: 'asc' | 'desc';
  limit: number;
}

/** A list that a checked request asks for: a page of it, or a stream that asks again after the last token. */
export interface Listing {
  paging: Paging;
  /** Every record behind `cursor` in the order of the list, as the network stands now. */
  after(cursor: string): Iterable<Row>;
}

const MAX_INT = 2n ** 63n - 1n;

/** The first token of a ledger, and of what is in it: ledger, transaction and operation packed into one number. */
export const tokenOf = (ledger: number, transaction = 0, operation = 0): bigint =>
  (BigInt(ledger) << 32n) | (BigInt(transaction) << 12n) | BigInt(operation);

export const ledgerOf = (token: bigint): number => Number(token >> 32n);

/** Cursor, order and limit, checked in Horizon's order. `isCursor` judges a cursor that is not negative. */
export function readPaging({ network, query }: HorizonRequest, isCursor: (text: string) => boolean): Paging {
  const given = query.get('cursor') ?? '';
  const cursor = given === 'now' ? String(tokenOf(network.latest.sequence + 1) - 1n) : given;
  if (/^-\d+$/.test(cursor)) throw badField('cursor', `the cursor ${cursor} is a negative number: `);
  const order = query.get('order') || 'asc';
  if (order !== 'asc' && order !== 'desc') throw badField('order', 'order: invalid value');
  const limit = readLimit(query, 10);
  if (cursor !== '' && !isCursor(cursor)) throw badField('cursor', 'cursor: invalid value');
  return { cursor, order, limit };
}

export const isNumberCursor = (text: string): boolean => /^\d+$/.test(text) && BigInt(text) <= MAX_INT;

/** `id-n`; a lone id stands behind all of its own. */
export const isPairCursor = (text: string): boolean =>
  /^\d+(-\d+)?$/.test(text) && text.split('-').every((part) => BigInt(part) <= MAX_INT);

const parts = (token: string): [bigint, bigint] => {
  const [first = '0', second] = token.split('-');
  return [BigInt(first), second === undefined ? MAX_INT : BigInt(second)];
};

function isBehind(token: string, cursor: string, order: Paging['order']): boolean {
  const [[a, b], [c, d]] = [parts(token), parts(cursor)];
  const later = a === c ? b - d : a - c;
  return order === 'asc' ? later > 0n : later < 0n;
}

/** What a ledger adds to a list, in ascending order. */
export type RowsOf = (ledger: ClosedLedger) => readonly Row[];

/** Kept ledgers that may have something behind `cursor`, in order. */
function* ledgersBehind({ ledgers }: View, cursor: string, order: Paging['order']): Iterable<ClosedLedger> {
  const first = ledgers[0]!.sequence;
  const last = ledgers.length - 1;
  const at = cursor === '' ? undefined : ledgerOf(parts(cursor)[0]) - first;
  const step = order === 'asc' ? 1 : -1;
  const from = order === 'asc' ? Math.max(at ?? 0, 0) : Math.min(at ?? last, last);
  for (let index = from; index >= 0 && index <= last; index += step) yield ledgers[index]!;
}

/** The records of all kept ledgers behind `cursor`; lazily, so that a page looks only at what it shows. */
export function* historyAfter(
  view: View,
  rowsOf: RowsOf,
  cursor: string,
  order: Paging['order'],
): Iterable<Row> {
  for (const ledger of ledgersBehind(view, cursor, order)) {
    const rows = rowsOf(ledger);
    for (const row of order === 'asc' ? rows : rows.toReversed()) {
      if (cursor === '' || isBehind(row.token, cursor, order)) yield row;
    }
  }
}

/**
 * A list over the history: descending from before the first kept ledger it is gone, ascending it begins with the first.
 * @param isCursor of the kind that the list's tokens are
 */
export function historyList(
  request: HorizonRequest,
  isCursor: (text: string) => boolean,
  rows: () => RowsOf,
): Listing {
  const { network } = request;
  const paging = readPaging(request, isCursor);
  const { cursor, order } = paging;
  if (order === 'desc' && cursor !== '' && parts(cursor)[0] <= tokenOf(network.ledgers[0]!.sequence)) {
    throw problem('before_history');
  }
  const rowsOf = rows();
  return { paging, after: (token) => historyAfter(network, rowsOf, token, order) };
}

/** One page of a list: its links repeat the request's parameters, sorted; an empty one links to itself. */
export function pageOf({ base, path, query }: HorizonRequest, { paging, after }: Listing): unknown {
  const { cursor, order, limit } = paging;
  const rows: Row[] = [];
  for (const row of after(cursor)) {
    rows.push(row);
    if (rows.length === limit) break;
  }
  const to = (at: string, direction: Paging['order']) => {
    const parameters = new URLSearchParams(query);
    parameters.set('cursor', at);
    parameters.set('limit', String(limit));
    parameters.set('order', direction);
    parameters.sort();
    return link(`${base}${path}?${parameters}`);
  };
  return {
    _links: {
      self: to(cursor, order),
      next: to(rows.at(-1)?.token ?? cursor, order),
      prev: to(rows[0]?.token ?? cursor, order === 'asc' ? 'desc' : 'asc'),
    },
    _embedded: { records: rows.map((row) => row.render()) },
  };
}

/** A route whose answer is a list: `list` checks the request, `handle` gives a page of it. */
export const listRoute = (
  pattern: RegExp,
  list: (request: HorizonRequest) => Listing,
): Route & Required<Pick<Route, 'list'>> => ({
  method: 'GET',
  pattern,
  list,
  handle: (request) => ok(pageOf(request, list(request))),
});
