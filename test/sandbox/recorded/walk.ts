import { fileURLToPath } from 'node:url';
import { StrKey } from '@stellar/stellar-sdk/base';
import { faultSchema } from '../faults/schema.ts';
import { type Comparison, compare } from './compare.ts';
import { type Condition, conditionsOf } from './conditions.ts';
import { ask, type Node, oldestLedger, type Request } from './node.ts';
import {
  type Answer,
  answerOf,
  type Exchange,
  json,
  type Recordings,
  readRecordings,
  requestOf,
  submitted,
} from './recordings.ts';
import type { Facts } from './roles.ts';
import { learn, missing, type Schema } from './schema.ts';
import { walkStreams } from './streams.ts';
import { type Translator, translator } from './translate.ts';
import { buildWorld, type World } from './world.ts';

/** What a walk finds, in words that begin with the number of the exchange or the file of the stream. */
export interface Walk {
  recorded: number;
  /** Exchanges that are left out, by the reason. */
  notServed: Map<string, number[]>;
  differences: string[];
  /** What was recorded and came nowhere in the walk. */
  unmet: string[];
}

/** What is found while it walks. */
export interface Tally {
  differences: string[];
  unmet: string[];
  /** Where a kind or field was recorded first. */
  expected: Map<string, string>;
  met: Set<string>;
}

/** What the issue leaves out, and what neither a request nor a fault of the sandbox brings about. */
const NOT_SERVED: [reason: string, test: (exchange: Exchange, path: string) => boolean][] = [
  ['trade aggregations', (_, path) => path.startsWith('/trade_aggregations')],
  ['assets', (_, path) => path.startsWith('/assets')],
  ['claimable balances', (_, path) => path.startsWith('/claimable_balances')],
  ['getEvents', ({ method }) => method === 'getEvents'],
  ['simulateTransaction', ({ method }) => method === 'simulateTransaction'],
  ['before the first ledger', ({ group }) => group === 'ingesting'],
  ['a limit on requests', ({ what }) => /over capacity|larger than the limit/.test(what)],
];

/** The kind of a request's answer: its route, without ids. */
export function kindOf(method: string, path: string, call?: string): string {
  if (call) return call;
  const [route = ''] = path.split('?');
  const segments = route.split('/').map((part, index) => (index === 2 || index === 4 ? '*' : part));
  return `${method} ${segments.join('/')}`;
}

const callOf = (body: string | undefined): string | undefined => {
  const called = json(body ?? '') as { method?: unknown; params?: { xdrFormat?: unknown } } | undefined;
  if (typeof called?.method !== 'string') return undefined;
  return called.params?.xdrFormat === 'json' ? `${called.method} in JSON` : called.method;
};

export const kindOfExchange = (exchange: Exchange): string => {
  const { method, path, body } = requestOf(exchange);
  return kindOf(method, path, callOf(body));
};

/** All that recordings show of answers of success. */
export function learnAll(...all: Recordings[]): Schema {
  const schema: Schema = new Map();
  const exchanges = all.flatMap((one) => one.exchanges);
  const streams = all.flatMap((one) => one.streams);
  for (const exchange of exchanges) {
    const answer = answerOf(exchange);
    const problem = answer.headers['content-type']?.includes('problem');
    if (!problem) learn(schema, json(answer.body), kindOfExchange(exchange));
  }
  for (const { request, text } of streams) {
    const [method = '', path = ''] = request.split(' ');
    for (const [, data] of text.matchAll(/^data: (\{.*)$/gm))
      learn(schema, json(data!), kindOf(method, path));
  }
  return schema;
}

export const headersOf = (
  headers: Record<string, string>,
  path: (text: string) => string,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !/^(host|connection|content-length)$/i.test(name))
      .map(([name, value]) => [
        name,
        /^last-event-id$/i.test(name) ? path(`cursor=${value}`).replace('cursor=', '') : value,
      ]),
  );

/** Everything that a walk needs of the network that it walks. */
export interface Prepared {
  node: Node;
  schema: Schema;
  world: World;
  translate: Translator;
}

export const fixtures = (rpc: boolean): string =>
  fileURLToPath(new URL(`../../fixtures/${rpc ? 'rpc' : 'horizon'}`, import.meta.url));

/** Builds the world in a network and learns what the recordings show. */
export async function prepare(
  node: Node,
  recordings: Recordings,
  facts: Facts,
  salt: string,
): Promise<Prepared> {
  const world = await buildWorld(node, facts, salt);
  const written = [...JSON.stringify(recordings).matchAll(/\bG[A-Z2-7]{55}\b/g)].map(String);
  const all = new Set(
    [...Object.values(facts.roles), ...facts.others, ...written].filter(StrKey.isValidEd25519PublicKey),
  );
  return {
    node,
    // The fixtures show which fields are optional where few exchanges were recorded.
    schema: learnAll(recordings, readRecordings(fixtures(node.rpc))),
    world,
    translate: translator(facts, world, node.passphrase, [...all]),
  };
}

/** An exchange's request for the same things in the world. */
async function translated({ translate }: Prepared, exchange: Exchange): Promise<Request> {
  const { method, path, headers, body } = requestOf(exchange);
  const expected = exchange.response.body ?? '';
  const request = { method, path: translate.path(path), headers: headersOf(headers, translate.path) };
  const form = new URLSearchParams(body ?? '').get('tx');
  const posts = path.startsWith('/transactions') && method === 'POST';
  if (posts && form !== null) {
    const text = new URLSearchParams({ tx: await translate.envelope(form, expected) }).toString();
    return { ...request, body: text };
  }
  const called = json(body ?? '') !== undefined && !posts ? await translate.call(body!, expected) : body;
  return { ...request, body: called };
}

/** After so many milliseconds no answer is awaited any more where none was recorded. */
const SILENT_MS = 200;

/** Sends what was translated while the server was well, with something wrong with it if need be. */
async function send(prepared: Prepared, exchange: Exchange, condition?: Condition): Promise<Answer> {
  const { node } = prepared;
  const request = await translated(prepared, exchange);
  if (!condition) return ask(node, request);
  await node.settle();
  const fault = node.faults!.add({ fault: faultSchema.parse(condition) });
  await node.settle();
  const silent = condition.kind === 'silent_core' && answerOf(exchange).status === 0;
  const until = { isEnough: () => false, signal: AbortSignal.timeout(SILENT_MS) };
  const answer = await ask(node, request, silent ? until : undefined);
  node.faults!.remove(fault.id);
  await node.settle();
  return answer;
}

/**
 * Brings the queue into the state in which an exchange was recorded: empty, but for what is sent again, or beside
 * another one of its account, while that waits.
 */
async function arrange(prepared: Prepared, exchange: Exchange, next: Exchange | undefined): Promise<boolean> {
  const { node, translate } = prepared;
  const { body = '' } = exchange.response;
  const envelope = submitted(exchange);
  const waits =
    body.includes('DUPLICATE') ||
    (envelope !== undefined && body.includes('TRY_AGAIN_LATER') && !translate.isKnown(envelope)) ||
    /not yet applied/.test(exchange.what) ||
    answerOf(exchange).status === 504;
  const async = node.rpc || requestOf(exchange).path.startsWith('/transactions_async');
  if (!waits && (envelope !== undefined || node.rpc)) await node.settle();
  if (next && answerOf(next).status === 504 && envelope !== undefined) {
    // It waits by the asynchronous way until the next one was turned away, and is asked for after that.
    node.closing(false);
    const first = { ...exchange, request: { ...exchange.request } };
    first.request.line = first.request.line.replace('/transactions ', '/transactions_async ');
    await send(prepared, first);
    return true;
  }
  node.closing(!async && answerOf(exchange).status !== 504);
  return false;
}

/** Sends every recorded request again, in the order of the recording, and compares the answers. */
export async function walkExchanges(
  prepared: Prepared,
  served: Exchange[],
  conditions: Map<Exchange, Condition>,
  result: Tally,
): Promise<void> {
  const oldest = await oldestLedger(prepared.node);
  const check = async (exchange: Exchange): Promise<void> => {
    const name = `${exchange.n} ${exchange.what} (${exchange.request.line.split(' HTTP')[0]})`;
    if (
      oldest < 3 &&
      /before_history|"start ledger \(\d+\) must be/.test(exchange.response.body ?? '') &&
      !/after/.test(exchange.what)
    ) {
      result.unmet.push(`${name}: the server has all ledgers from the first`);
      return;
    }
    const got = await send(prepared, exchange, conditions.get(exchange));
    const kind = kindOfExchange(exchange);
    const compared = compare(prepared.schema, kind, answerOf(exchange), got);
    note(result, name, compared);
  };
  for (let index = 0; index < served.length; index += 1) {
    const [exchange, next] = [served[index]!, served[index + 1]];
    if (conditions.has(exchange)) prepared.node.closing(true);
    else if (await arrange(prepared, exchange, next && !conditions.has(next) ? next : undefined)) {
      await check(next!);
      await prepared.node.settle();
      index += 1;
    }
    await check(exchange);
  }
  prepared.node.closing(true);
}

/** Walks all of the recordings. */
export async function walk(prepared: Prepared, { exchanges, streams }: Recordings): Promise<Walk> {
  const notServed = new Map<string, number[]>();
  const conditions = conditionsOf(exchanges);
  const served = exchanges.filter((exchange) => {
    const condition = prepared.node.faults ? undefined : conditions.get(exchange);
    const [reason = condition && `a condition of the server: ${condition.kind}`] =
      NOT_SERVED.find(([, test]) => test(exchange, requestOf(exchange).path)) ?? [];
    if (reason) notServed.set(reason, [...(notServed.get(reason) ?? []), exchange.n]);
    return !reason;
  });
  const tally: Tally = { differences: [], unmet: [], expected: new Map(), met: new Set() };
  // Streams first: a failed payment to an account that is not there makes Horizon know that account.
  await walkStreams(prepared, streams, tally);
  await walkExchanges(prepared, served, conditions, tally);
  const gone = missing(new Set(tally.expected.keys()), tally.met).map(
    (one) => `${tally.expected.get(one)}: ${one}`,
  );
  return {
    recorded: exchanges.length,
    notServed,
    differences: tally.differences,
    unmet: [...tally.unmet, ...gone],
  };
}

export function note(tally: Tally, name: string, { differences, unmet, expected, met }: Comparison): void {
  for (const one of differences) tally.differences.push(`${name}: ${one}`);
  for (const one of unmet) tally.unmet.push(`${name}: ${one}`);
  for (const one of expected) if (!tally.expected.has(one)) tally.expected.set(one, name);
  for (const one of met) tally.met.add(one);
}
