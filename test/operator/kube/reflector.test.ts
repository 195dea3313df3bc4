import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { createLogger } from '../../../common/log.ts';
import { createClient } from '../../../operator/kube/client.ts';
import { IDLE_MS, startReflector } from '../../../operator/kube/reflector.ts';
import { type ApiObject, resource } from '../../../operator/kube/resource.ts';
import { createStore, type Store } from '../../../operator/kube/store.ts';
import { createTransport } from '../../../operator/kube/transport.ts';
import { type Asked, answer, type FakeApi, fakeApi, type Handler, reset, status } from './apiserver.ts';
import { fastClock } from './clocks.ts';

const THINGS = resource<ApiObject>('test.invalid', 'v1', 'things', 'Thing');
/** How much faster than real time pauses and idle timers run. */
const FACTOR = 400;

const thing = (name: string, resourceVersion: string) => ({
  metadata: { name, namespace: 'ns', uid: `uid-${name}`, resourceVersion },
});
const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;
const bookmark = (resourceVersion: string, annotations = {}): string =>
  line('BOOKMARK', { metadata: { resourceVersion, annotations } });
const initialEnd = (resourceVersion: string): string =>
  bookmark(resourceVersion, { 'k8s.io/initial-events-end': 'true' });

/** Sends these lines and keeps the watch open. */
const open =
  (...lines: string[]): Handler =>
  (_asked, response) =>
    send(response, lines);
/** Sends these lines and ends the watch, as the server does after its timeout. */
const ended =
  (...lines: string[]): Handler =>
  (_asked, response) => {
    send(response, lines);
    response.end();
  };
/** Sends this text and breaks the connection. */
const broken =
  (...lines: string[]): Handler =>
  (_asked, response) => {
    send(response, lines);
    setTimeout(() => response.socket?.resetAndDestroy(), 15);
  };

function send(response: ServerResponse, lines: string[]): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  if (lines.length > 0) response.write(lines.join(''));
}

describe('reflector', () => {
  let api: FakeApi;
  let store: Store<ApiObject>;
  let finish: () => Promise<void>;
  let synced: () => boolean;

  async function start(...script: Handler[]): Promise<void> {
    api = await fakeApi(...script);
    const stop = new AbortController();
    const clock = fastClock(FACTOR);
    const transport = createTransport(api.access, { clock });
    store = createStore();
    const modules = {
      client: createClient(transport),
      store,
      clock,
      random: () => 0,
      log: createLogger('test', 'fatal'),
    };
    const reflector = startReflector(THINGS, { namespace: 'ns', labelSelector: 'a=b' }, modules, stop.signal);
    synced = reflector.synced;
    finish = async () => {
      stop.abort();
      await reflector.done;
      await transport.close();
      await api.close();
    };
  }
  afterEach(() => finish());

  async function holds(...names: string[]): Promise<void> {
    const found = (): string =>
      store
        .list()
        .map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`)
        .sort()
        .join(' ');
    const end = Date.now() + 1500;
    while (found() !== names.join(' ') && Date.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(found(), names.join(' '));
  }
  const query = (at: number): Asked['query'] => api.asked[at]!.query;

  it('takes the list as a stream, and is synced only at its end', async () => {
    let more = (): void => {};
    await start((_asked, response) => {
      send(response, [line('ADDED', thing('a', '1'))]);
      more = () => response.write(line('ADDED', thing('b', '2')) + initialEnd('5'));
    });
    while (api.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(synced(), false);
    assert.deepEqual(store.list(), [], 'a half list');
    more();
    await holds('a@1', 'b@2');
    assert.equal(synced(), true);
    const { timeoutSeconds, ...rest } = query(0);
    assert.deepEqual(rest, {
      labelSelector: 'a=b',
      watch: 'true',
      allowWatchBookmarks: 'true',
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
    });
    assert.ok(Number(timeoutSeconds) >= 300 && Number(timeoutSeconds) <= 600);
  });

  it('lists in pages and watches from there where the server cannot stream a list', async () => {
    await start(
      status(422, 'Invalid'),
      answer(200, { metadata: { resourceVersion: '7', continue: 'next' }, items: [thing('a', '1')] }),
      answer(200, { metadata: { resourceVersion: '7' }, items: [thing('b', '2')] }),
      open(line('ADDED', thing('c', '8'))),
    );
    await holds('a@1', 'b@2', 'c@8');
    assert.deepEqual([query(1).limit, query(2).continue, query(3).resourceVersion], ['500', 'next', '7']);
    assert.equal(store.list()[0]?.kind, 'Thing', 'the items of a list come without their kind');
  });

  it('goes on from the last version seen when the server ends the watch, bookmarks included', async () => {
    await start(
      ended(initialEnd('5'), line('ADDED', thing('a', '6')), bookmark('9')),
      open(line('DELETED', thing('a', '10')), line('ADDED', thing('b', '11'))),
    );
    await holds('b@11');
    assert.equal(query(1).resourceVersion, '9');
    assert.equal(query(1).sendInitialEvents, undefined);
  });

  it('survives a 503, resets, half a line, garbage and a 500 in the stream, and loses no event', async () => {
    await start(
      status(503),
      reset,
      open(initialEnd('5') + line('ERROR', { code: 500, message: 'etcd' })),
      broken(line('ADDED', thing('a', '6')), '{"type":"ADDED","obj'),
      ended('this is no JSON\n'),
      open(line('ADDED', thing('b', '7'))),
    );
    await holds('a@6', 'b@7');
    assert.deepEqual(
      [3, 4, 5].map((at) => query(at).resourceVersion),
      ['5', '6', '6'],
    );
  });

  for (const [how, gone] of [
    ['as an answer', status(410, 'Expired')],
    ['as an event', open(line('ERROR', { kind: 'Status', code: 410, reason: 'Expired' }))],
  ] as const) {
    it(`lists anew after a 410 ${how}, and drops what went meanwhile`, async () => {
      await start(
        ended(line('ADDED', thing('a', '1')), line('ADDED', thing('b', '1')), initialEnd('5')),
        gone,
        open(line('ADDED', thing('b', '1')), initialEnd('50')),
      );
      await holds('b@1');
      assert.equal(query(1).resourceVersion, '5');
      assert.equal(query(2).sendInitialEvents, 'true');
    });
  }

  it('takes a list that broke in the middle from its beginning', async () => {
    await start(
      broken(line('ADDED', thing('a', '1'))),
      open(line('ADDED', thing('b', '2')), initialEnd('5')),
    );
    await holds('b@2');
    assert.equal(query(1).sendInitialEvents, 'true');
  });

  it('gives up a watch that says nothing for too long, also one that never said anything', async () => {
    await start(
      open(line('ADDED', thing('a', '1')), initialEnd('5')),
      open(),
      open(line('DELETED', thing('a', '6'))),
    );
    const startedAt = performance.now();
    await holds('a@1');
    await holds();
    assert.ok(performance.now() - startedAt >= (2 * IDLE_MS) / FACTOR);
    assert.deepEqual([query(1).resourceVersion, query(2).resourceVersion], ['5', '5']);
  });

  it('lists anew when the version that it goes on from brings nothing but errors', async () => {
    await start(
      ended(initialEnd('5')),
      status(500),
      status(500),
      status(500),
      status(500),
      open(line('ADDED', thing('a', '9')), initialEnd('9')),
    );
    await holds('a@9');
    assert.equal(query(5).sendInitialEvents, 'true');
  });

  it('never runs hot while the server refuses', async () => {
    await start(status(500));
    // 0.8 s, 1.6 s, 3.2 s, …, 30 s, 30 s: in two minutes 9 tries at most.
    await new Promise((resolve) => setTimeout(resolve, 120_000 / FACTOR));
    assert.ok(api.asked.length >= 3 && api.asked.length <= 9, `${api.asked.length} requests in two minutes`);
  });
});
