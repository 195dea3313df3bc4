import assert from 'node:assert/strict';
import { KubeError } from '../../../operator/kube/errors.ts';
import { type Call, createTransport, type Transport } from '../../../operator/kube/transport.ts';
import { answer, type FakeApi, fakeApi, type Handler, reset, status } from './apiserver.ts';
import { fastClock } from './clocks.ts';

const get = (signal = AbortSignal.timeout(20_000)): Call => ({ method: 'GET', path: '/x', signal });
const post = (): Call => ({ ...get(), method: 'POST', body: '{}' });
const ok = answer(200, { ok: true });

describe('transport', () => {
  let api: FakeApi;
  let transport: Transport;
  const start = async (...script: Handler[]): Promise<void> => {
    api = await fakeApi(...script);
    transport = createTransport(api.access, { clock: fastClock(50), random: () => 0, deadlineMs: 400 });
  };
  afterEach(async () => {
    await transport.close();
    await api.close();
  });

  const failure = async (call: Call): Promise<KubeError> => {
    try {
      await transport.request(call);
    } catch (error) {
      assert.ok(error instanceof KubeError, String(error));
      return error;
    }
    return assert.fail('no failure');
  };

  it('keeps its connections for many calls', async () => {
    await start(ok);
    for (let times = 0; times < 20; times++) await transport.request(get());
    // A second one, because a connection counts as busy for a moment after its answer.
    assert.ok(api.connections() <= 2, `${api.connections()} connections`);
  });

  it('opens at most 16 connections for calls at once', async () => {
    await start((_asked, response) => setTimeout(() => response.end('{}'), 20));
    await Promise.all(Array.from({ length: 64 }, () => transport.request(get())));
    assert.equal(api.connections(), 16);
  });

  it('reads credentials anew after a 401, once', async () => {
    await start(status(401), ok);
    await transport.request(get());
    assert.deepEqual(
      api.asked.map(({ headers }) => headers.authorization),
      ['Bearer 0', 'Bearer 1'],
    );
  });

  it('gives up on a second 401', async () => {
    await start(status(401, 'Unauthorized'));
    assert.equal((await failure(get())).status, 401);
    assert.equal(api.asked.length, 2);
  });

  it('waits as long as the server says before it tries again', async () => {
    await start(answer(429, {}, { 'retry-after': '1' }), ok);
    const startedAt = performance.now();
    await transport.request(post());
    assert.ok(performance.now() - startedAt >= 1000 / 50 - 2);
    assert.equal(api.asked.length, 2);
  });

  it('tries what may be repeated again after 5xx and resets, and not for ever', async () => {
    await start(status(500), reset, ok);
    await transport.request(get());
    assert.equal(api.asked.length, 3);
    await transport.close();
    await api.close();
    await start(status(500));
    assert.equal((await failure(get())).status, 500);
    assert.equal(api.asked.length, 4);
  });

  it('does not repeat a POST whose answer was lost', async () => {
    await start(reset);
    assert.equal((await failure(post())).code, 'unreachable');
    assert.equal(api.asked.length, 1);
  });

  it('does not repeat what was refused', async () => {
    await start(status(409, 'AlreadyExists', 'there is one'));
    const error = await failure(post());
    assert.deepEqual([error.status, error.reason, api.asked.length], [409, 'AlreadyExists', 1]);
    assert.match(error.message, /POST \/x: 409 there is one/);
  });

  it('ends a try at its deadline, also in the middle of a body', async () => {
    await start((_asked, response) => response.write('{"half":'));
    const error = await failure(post());
    assert.equal(error.code, 'deadline');
  });

  it('ends at once when it is aborted', async () => {
    await start((_asked, response) => response.write('{'));
    const stop = new AbortController();
    const request = transport.request(get(stop.signal));
    setTimeout(() => stop.abort(new Error('stop')), 20);
    await assert.rejects(request, /^Error: stop$/);
  });
});
