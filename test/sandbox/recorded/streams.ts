import { setTimeout } from 'node:timers/promises';
import { type Comparison, compare, nothing } from './compare.ts';
import { ask } from './node.ts';
import { type Answer, headersFrom, json, type Stream } from './recordings.ts';
import { namesIn, unlike } from './schema.ts';
import { headersOf, kindOf, note, type Prepared, type Tally } from './walk.ts';

/** One event: its fields in their order. */
type Event = [name: string, value: string][];

function eventsOf(text: string): Event[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) =>
      block.split('\n').map((line): [string, string] => {
        const at = line.indexOf(': ');
        return [line.slice(0, at), line.slice(at + 2)];
      }),
    );
}

const fieldOf = (event: Event, name: string): string | undefined => event.find(([one]) => one === name)?.[1];
const isData = (event: Event): boolean => fieldOf(event, 'event') === undefined;
const namesOf = (event: Event): string => event.map(([name]) => name).join(', ');
const written = (event: Event | undefined): string => JSON.stringify(event?.map((field) => field.join(': ')));

/** Whether the ids of a stream go up: by total order, then by number within the operation. */
function rises(ids: string[]): boolean {
  const keys = ids.map((id) => id.split('-').map(BigInt));
  return keys.every(([token = 0n, index = 0n], at) => {
    const [before = -1n, beforeIndex = 0n] = keys[at - 1] ?? [];
    return token > before || (token === before && index > beforeIndex);
  });
}

/** Compares what a stream sent with the recorded one. */
export function compareStreams(
  { schema }: Pick<Prepared, 'schema'>,
  kind: string,
  recorded: { answer: Answer; ended: boolean },
  got: Answer,
): Comparison {
  const streams = recorded.answer.headers['content-type']?.startsWith('text/event-stream');
  if (!streams || got.status !== recorded.answer.status) return compare(schema, kind, recorded.answer, got);
  const result = nothing();
  const empty = (answer: Answer): Answer => ({ ...answer, body: '' });
  result.differences.push(...compare(schema, kind, empty(recorded.answer), empty(got)).differences);
  const [expected, actual] = [eventsOf(recorded.answer.body), eventsOf(got.body)];
  const [data, actualData] = [expected.filter(isData), actual.filter(isData)];
  const differ = (what: string, one: string, other: string): void => {
    if (one !== other) result.differences.push(`${what}: expected ${one}, got ${other}`);
  };
  differ('first event', written(expected[0]), written(actual[0]));
  if (recorded.ended) differ('last event', written(expected.at(-1)), written(actual.at(-1)));
  differ('fields of an event', namesOf(data[0] ?? []), namesOf(actualData[0] ?? []));
  const values = actualData.map((event) => json(fieldOf(event, 'data') ?? '') as { paging_token?: string });
  actualData.forEach((event, index) => {
    const id = fieldOf(event, 'id');
    if (id !== undefined) differ('id', String(values[index]?.paging_token), id);
  });
  if (!rises(actualData.flatMap((event) => fieldOf(event, 'id') ?? [])))
    result.differences.push('ids do not rise');
  const recordedValues = data.map((event) => json(fieldOf(event, 'data') ?? ''));
  result.differences.push(...values.flatMap((value) => [...unlike(schema, value, kind)]));
  if (actualData.length < data.length) {
    result.differences.push(`expected ${data.length} events, got ${actualData.length}`);
  }
  return {
    ...result,
    differences: [...new Set(result.differences)],
    expected: namesIn(recordedValues, kind),
    met: namesIn(values, kind),
  };
}

function recordedAnswer({ text }: Stream): Answer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [status = '', ...headers] = head.split('\r\n');
  return {
    status: Number(status.split(' ')[1]),
    ...headersFrom(
      headers.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    ),
    body: rest.join('\r\n\r\n'),
  };
}

/** How long a stream is listened to that is to send nothing but its first event. */
const QUIET_MS = 300;
/** Rounds of activity, and looks of the server for news, after which no stream is waited for any longer. */
const ROUNDS = 15;

/** Opens every recorded stream, lets things happen until each has sent as much as the recorded one, and compares. */
export async function walkStreams(prepared: Prepared, recorded: Stream[], result: Tally): Promise<void> {
  const { node, translate, world } = prepared;
  const open = async (stream: Stream, over: AbortController): Promise<void> => {
    const [line = '', ...lines] = stream.request.trim().split('\r\n');
    const [method = '', path = ''] = line.split(' ');
    const headers = Object.fromEntries(lines.map((one) => one.split(': ') as [string, string]));
    const answer = recordedAnswer(stream);
    const ended = stream.closedBy === 'server closed';
    const events = eventsOf(answer.body);
    const [enough, data] = [events.length, events.some(isData)];
    const request = { method, path: translate.path(path), headers: headersOf(headers, translate.path) };
    const isEnough = (text: string): boolean => {
      if (!data && !ended) setTimeout(QUIET_MS).then(() => over.abort());
      return !ended && data && text.endsWith('\n\n') && eventsOf(text).length >= enough;
    };
    const got = await ask(node, request, { isEnough, signal: over.signal });
    note(
      result,
      `${stream.file} (${line.split(' HTTP')[0]})`,
      compareStreams(prepared, kindOf(method, path), { answer, ended }, got),
    );
  };
  const active = recorded.filter((stream) => eventsOf(recordedAnswer(stream).body).some(isData));
  const over = new AbortController();
  let waiting = active.length;
  const all = active.map(async (stream) => {
    await open(stream, over);
    waiting -= 1;
  });
  const start = performance.now();
  const isLate = (): boolean => performance.now() - start > ROUNDS * node.pollMs;
  for (let round = 0; (round < ROUNDS || !isLate()) && waiting > 0; round += 1) {
    await world.trade();
    await setTimeout(10);
  }
  over.abort();
  await Promise.all(all);
  // Those that sent nothing are opened when nothing happens any more.
  const silent = recorded.filter((stream) => !active.includes(stream));
  await Promise.all(silent.map((stream) => open(stream, new AbortController())));
}
