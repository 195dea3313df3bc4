import assert from 'node:assert/strict';
import { createIdempotency, KEPT } from '../../../connector/api/idempotency.ts';
import { connectorError } from '../../../connector/errors.ts';
import { orderOf, type Reply, type Stand, startStand } from './stand.ts';

const order = { market: 'XLM-USDC', side: 'BUY', price: '0.12', amount: '10' };
const named = { ...order, clientOrderId: 'a-1' };

describe('connector/api: idempotency keys', () => {
  let stand: Stand;
  beforeEach(async () => {
    stand = await startStand();
  });
  afterEach(() => stand.stop());

  const place = (key: string, body: unknown = named, headers = {}): Promise<Reply> =>
    stand.call('POST', '/v1/orders', body, { 'idempotency-key': key, ...headers });
  const placed = (): number => stand.calls.filter(([name]) => name === 'place').length;
  /** Orders that answer when told. */
  function holdOrders(): { started: Promise<void>; release: (error?: Error) => void } {
    const started = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    stand.context.orders.place = async (requests) => {
      stand.calls.push(['place', requests]);
      started.resolve();
      await held.promise;
      return requests.map((request) => orderOf(request));
    };
    const release = (error?: Error): void => (error === undefined ? held.resolve() : held.reject(error));
    return { started: started.promise, release };
  }

  it('the same key and request: the first answer again, nothing is done', async () => {
    const first = await place('k-1');
    stand.context.orders.get = () => undefined;
    const again = await place(
      'k-1',
      `{ "clientOrderId":"a-1",  "amount":"10","price":"0.12","side":"BUY","market":"XLM-USDC"}`,
    );
    assert.deepEqual([again.status, again.body], [200, first.body]);
    assert.equal(placed(), 1);
  });

  it('also after a restart', async () => {
    const first = await place('k-1');
    await stand.restart();
    assert.deepEqual((await place('k-1')).body, first.body);
    assert.equal(placed(), 1);
  });

  it('@security another request under a known key: 422, nothing is done; also after a restart', async () => {
    await place('k-1');
    for (const body of [
      { ...named, amount: '11' },
      { ...named, type: 'maker-only' },
    ]) {
      const { status, body: problem } = await place('k-1', body);
      assert.deepEqual([status, problem.code, problem.field], [422, 'key-reused', 'Idempotency-Key']);
    }
    const elsewhere = await stand.call('DELETE', '/v1/orders/a-1', undefined, { 'idempotency-key': 'k-1' });
    assert.equal(elsewhere.status, 422);
    await stand.restart();
    assert.equal((await place('k-1', { ...named, amount: '11' })).status, 422);
    assert.equal(placed(), 1);
  });

  it('@security keys are a client’s own, and so are the names made of them', async () => {
    const one = await place('k-1', order);
    const other = await place('k-1', { ...order, amount: '11' }, { 'x-client': 'other' });
    assert.deepEqual([one.status, other.status], [200, 200]);
    assert.notEqual(one.body.orders[0].clientOrderId, other.body.orders[0].clientOrderId);
    const batch = await place('k-2', { orders: [order, order] });
    const ids = batch.body.orders.map(({ clientOrderId }: { clientOrderId: string }) => clientOrderId);
    assert.equal(new Set([...ids, one.body.orders[0].clientOrderId]).size, 3);
  });

  it('while the first is under way: 409 with Retry-After, then its answer', async () => {
    const orders = holdOrders();
    const first = place('k-1');
    await orders.started;
    const busy = await place('k-1');
    assert.deepEqual([busy.status, busy.body.code, busy.headers.get('retry-after')], [409, 'key-busy', '1']);
    assert.equal((await place('k-1', { ...named, amount: '11' })).status, 422);
    orders.release();
    assert.deepEqual((await place('k-1')).body, (await first).body);
    assert.equal(placed(), 1);
  });

  it('a crash in mid-work: the request runs again under the same names, and no other may take the key', async () => {
    const orders = holdOrders();
    const lost = place('k-1', order).catch(() => undefined);
    await orders.started;
    await stand.restart();
    await lost;
    assert.equal((await place('k-1', { ...order, amount: '11' })).status, 422);
    stand.context.orders.place = async (requests) => {
      stand.calls.push(['place', requests]);
      return requests.map((request) => orderOf(request));
    };
    assert.equal((await place('k-1', order)).status, 200);
    const [[, before], [, after]] = stand.calls as [[string, unknown], [string, unknown]];
    assert.deepEqual(before, after);
  });

  it('a verdict is kept; what may pass is not', async () => {
    let calls = 0;
    for (const [code, runs] of [
      ['insufficient-balance', 1],
      ['transaction-failed', 1],
      ['rate-limited', 2],
      ['transaction-timeout', 2],
      ['signer-unavailable', 2],
      ['client-gone', 2],
    ] as const) {
      calls = 0;
      stand.context.orders.place = async () => {
        calls++;
        throw connectorError(code, 'no', { field: 'amount' });
      };
      const [first, again] = [await place(`k-${code}`), await place(`k-${code}`)];
      assert.deepEqual([again.status, again.body], [first.status, first.body]);
      assert.equal(first.body.code, code);
      assert.equal(calls, runs, code);
    }
  });

  it('a refused request uses its key up too: the next needs another', async () => {
    assert.equal((await place('k-1', { ...named, amount: '0' })).status, 400);
    assert.equal((await place('k-1', { ...named, amount: '0' })).status, 400);
    assert.equal((await place('k-1', named)).status, 422);
  });

  it('keys of another form are refused', async () => {
    for (const key of ['a b', 'x'.repeat(65), '']) {
      const { status, body } = await place(key);
      assert.deepEqual([status, body.field], [400, 'Idempotency-Key'], key);
    }
    assert.equal(placed(), 0);
  });

  it('answers are kept for a day', async () => {
    const keys = createIdempotency(stand.state, () => stand.clock.now, { ...KEPT, pruneEvery: 1 });
    const ask = (key: string, answer: number) => keys.once('bot', key, 'd', async () => answer);
    await ask('k-1', 1);
    stand.clock.now += 86_400_000;
    await ask('other', 1);
    assert.equal(await ask('k-1', 2), 1);
    stand.clock.now += 1;
    await ask('another', 1);
    assert.equal(await ask('k-1', 2), 2);
  });

  it('of one client only so many are kept, the oldest go, and never one that is under way', async () => {
    let at = 0;
    const keys = createIdempotency(stand.state, () => at++, { ...KEPT, perClient: 20, pruneEvery: 8 });
    const held = Promise.withResolvers<string>();
    const first = keys.once('bot', 'held', 'd', () => held.promise);
    await keys.once('other', 'k', 'd', async () => 'theirs');
    for (let i = 0; i < 64; i++) await keys.once('bot', `k-${i}`, 'd', async () => i);
    const { n } = stand.state.db.prepare('SELECT count(*) AS n FROM api_answers').get() as { n: number };
    assert.ok(n > 20 && n <= 20 + 8 + 2, String(n));
    assert.equal(await keys.once('bot', 'k-63', 'd', async () => 'again'), 63);
    assert.equal(await keys.once('bot', 'k-0', 'd', async () => 'again'), 'again');
    assert.equal(await keys.once('other', 'k', 'd', async () => 'again'), 'theirs');
    held.resolve('done');
    await first;
    assert.equal(await keys.once('bot', 'held', 'd', async () => 'again'), 'done');
  });
});
