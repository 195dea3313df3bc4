import assert from 'node:assert/strict';
import { xdr } from '@stellar/stellar-sdk/base';
import type { AppliedTransaction, ClosedLedger } from '../ledger/close.ts';
import type { Change } from '../ledger/entries.ts';
import { entryFromXdr } from '../ledger/entry_xdr.ts';
import { decodeEnvelope } from '../ledger/envelope.ts';
import { Refused } from '../ledger/errors.ts';
import type { OperationOutcome } from '../ledger/operation.ts';
import type { TransactionResult } from '../ledger/result.ts';
import { createState } from '../ledger/state.ts';
import type { Network } from '../network.ts';
import { effects } from './effects.ts';
import type { HorizonRequest, Route } from './http.ts';
import { operation, operations, payments } from './operations.ts';
import { HorizonProblem } from './problems.ts';
import { bodyOf, type Exchange, exchanges, statusOf } from './recorded.ts';
import { trades } from './trades.ts';
import { transaction, transactions } from './transactions.ts';

const PASSPHRASE = 'Standalone Network ; February 2017';
const FIRST = 64;
const LATEST = 200;

interface Recorded {
  id: string;
  paging_token: string;
  ledger: number;
  created_at: string;
  successful: boolean;
  envelope_xdr: string;
  result_xdr: string;
  result_meta_xdr: string;
  fee_meta_xdr: string;
  transaction_hash?: string;
}

/** Every object in a body that is a transaction. */
function* transactionsWithin(value: unknown): Iterable<Recorded> {
  if (typeof value !== 'object' || value === null) return;
  if ('envelope_xdr' in value && 'paging_token' in value) yield value as Recorded;
  for (const part of Object.values(value)) yield* transactionsWithin(part);
}

type ChangeJson = { state?: unknown; created?: unknown; updated?: unknown; removed?: unknown };

/** Entry changes of a recorded meta: a state before, what became of it after. */
function changesOf(list: readonly xdr.LedgerEntryChange[]): Change[] {
  const changes: Change[] = [];
  let before: Change['before'];
  for (const change of list) {
    const json = change.toJson() as ChangeJson;
    const [entry] = Object.values(json);
    if ('removed' in json) changes.push({ before, after: undefined });
    else {
      const read = entryFromXdr(xdr.LedgerEntry.fromJson(entry as never).toXdr('base64'));
      if ('state' in json) before = read;
      else changes.push({ before: 'created' in json ? undefined : before, after: read });
    }
  }
  return changes;
}

type InnerJson = { op_inner: Record<string, string | { success?: unknown }> } | string;

function outcomeOf(json: InnerJson): OperationOutcome {
  if (typeof json === 'string') return { code: json };
  const value = Object.values(json.op_inner)[0]!;
  if (typeof value === 'string') return value === 'success' ? { success: undefined } : { code: value };
  return { success: value.success };
}

/** What our ledger would have of a transaction that core applied. */
function appliedOf(recorded: Recorded): AppliedTransaction {
  const decoded = decodeEnvelope(recorded.envelope_xdr, PASSPHRASE);
  type ResultJson = { fee_charged: string; result: Record<string, unknown> };
  const json = xdr.TransactionResult.fromXdr(recorded.result_xdr, 'base64').toJson() as unknown as ResultJson;
  const [arm] = Object.values(json.result) as { result?: ResultJson }[];
  const inner = arm?.result ?? json;
  const list = Object.values(inner.result)[0] as InnerJson[];
  const result: TransactionResult = {
    code: recorded.successful ? 'tx_success' : 'tx_failed',
    feeCharged: BigInt(json.fee_charged),
    operations: list.map((one, index) => ({
      name: decoded.operations[index]!.name,
      outcome: outcomeOf(one),
    })),
    innerHash: undefined,
  };
  const meta = xdr.TransactionMeta.fromXdr(recorded.result_meta_xdr, 'base64');
  if (meta.type !== 'v4') throw new Error(`meta is ${meta.type}`);
  return {
    transaction: decoded,
    result,
    resultXdr: recorded.result_xdr,
    ledger: recorded.ledger,
    closeTime: Date.parse(recorded.created_at) / 1000,
    order: Number((BigInt(recorded.paging_token) >> 12n) & 0xfffffn),
    feeChanges: changesOf(xdr.OperationMeta.fromXdr(recorded.fee_meta_xdr, 'base64').changes),
    changes: {
      before: changesOf(meta.v4.txChangesBefore),
      operations: meta.v4.operations.map(({ changes }) => changesOf(changes)),
    },
  };
}

/** The recorded history, as far as it is of the operations that the sandbox has. */
function recordedHistory(): AppliedTransaction[] {
  const found = new Map<string, AppliedTransaction>();
  for (const exchange of exchanges) {
    if (statusOf(exchange) !== 200 || !exchange.response.body?.startsWith('{')) continue;
    for (const recorded of transactionsWithin(bodyOf(exchange))) {
      try {
        found.set(recorded.paging_token, appliedOf(recorded));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
      }
    }
  }
  return [...found].sort(([a], [b]) => (BigInt(a) < BigInt(b) ? -1 : 1)).map(([, applied]) => applied);
}

const history = recordedHistory();

const ledgers = Array.from({ length: LATEST - FIRST + 1 }, (_, index) => ({
  sequence: FIRST + index,
  transactions: history.filter(({ ledger }) => ledger === FIRST + index),
})) as unknown as ClosedLedger[];

const network = {
  passphrase: PASSPHRASE,
  state: createState({} as never),
  latest: ledgers.at(-1)!,
  ledgers,
  transaction: (hash: string) =>
    history.find((one) => one.transaction.hash === hash || one.transaction.innerHash === hash),
} as unknown as Network;

const routes = [transaction, transactions, operation, operations, payments, effects, trades];

const routeOf = (path: string): Route | undefined => routes.find(({ pattern }) => pattern.test(path));

/** Asks our routes what a recorded request asked. */
async function ask({ request }: Exchange, patch: Record<string, string> = {}): Promise<unknown> {
  const [path = '', search = ''] = request.line.split(' ')[1]!.split('?');
  const route = routeOf(path)!;
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries(patch)) query.set(name, value);
  const asked = {
    network,
    base: 'http://127.0.0.1:8000',
    path,
    parameters: route.pattern.exec(path)!.slice(1),
    query,
  } as unknown as HorizonRequest;
  return (await route.handle(asked)).body;
}

type Listed = { _embedded: { records: Recorded[] } };
const isList = (body: unknown): body is Listed =>
  typeof body === 'object' && body !== null && '_embedded' in body;

/** Also the order of the fields. */
const text = (value: unknown): string => JSON.stringify(value, null, 1);

/** Places of paging tokens, so that `5-10` is behind `5-9`. */
function placeOf({ paging_token }: Recorded): bigint {
  const [id = '0', n = '0'] = paging_token.split('-');
  return (BigInt(id) << 16n) | BigInt(n);
}

describe('the history of a real network, told as Horizon told it', () => {
  const known = new Set(history.map(({ ledger, order }) => (BigInt(ledger) << 20n) | BigInt(order)));
  const isKnown = (record: Recorded): boolean => known.has(placeOf(record) >> 28n);
  let compared = 0;

  for (const exchange of exchanges) {
    const [method, target = ''] = exchange.request.line.split(' ');
    if (statusOf(exchange) !== 200 || method !== 'GET' || !routeOf(target.split('?')[0]!)) continue;
    it(`${exchange.n}: ${target.replace(/[0-9A-Za-z]{40,}/g, (id) => `${id.slice(0, 4)}..`)}`, async () => {
      const expected = bodyOf(exchange);
      if (!isList(expected)) {
        assert.equal(text(await ask(exchange)), text(expected));
        return;
      }
      const wanted = expected._embedded.records;
      const places = wanted.map(placeOf).sort((a, b) => (a < b ? -1 : 1));
      const isWithin = (place: bigint): boolean => places[0]! <= place && place <= places.at(-1)!;
      const all = ((await ask(exchange, { limit: '200' })) as Listed)._embedded.records;
      const ours = places.length > 0 ? all.filter((record) => isWithin(placeOf(record))) : [];
      assert.equal(text(ours), text(wanted.filter(isKnown)));
      compared += ours.length;
    });
  }

  for (const exchange of exchanges) {
    const [method, target = ''] = exchange.request.line.split(' ');
    const isOurs = method === 'GET' && routeOf(target.split('?')[0]!);
    if (!isOurs || ![400, 404, 410].includes(statusOf(exchange))) continue;
    it(`${exchange.n}: ${exchange.what} (${statusOf(exchange)})`, async () => {
      await assert.rejects(ask(exchange), (error: unknown) => {
        assert.ok(error instanceof HorizonProblem);
        assert.equal(text(error.body), text(bodyOf(exchange)));
        return true;
      });
    });
  }

  after(() => assert.ok(compared > 150, `only ${compared} records could be compared`));
});
