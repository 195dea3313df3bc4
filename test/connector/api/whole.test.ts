import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { poolIdentity } from '../../../connector/market/pool-id.ts';
import { startWorld, USDC, type World } from '../world.ts';

const POOL = poolIdentity('native', USDC).id;

describe('connector: pools and /v1 through the whole of it', function () {
  this.timeout(60_000);
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.stop());

  /** Asks until the connector has its first snapshot and fresh data. */
  async function ask(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
    for (let tries = 0; ; tries++) {
      const payload = body === undefined ? '' : JSON.stringify(body);
      const length = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
      const reply = await world.call(method, path, body, headers && { headers: { ...length, ...headers } });
      if (reply.status !== 503 || tries === 40) return reply;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  it('a pool: opened, deposited into, shown, and left', async () => {
    const common = { connector: 'stellar-amm', chainNetwork: 'stellar-sandbox', poolAddress: POOL };
    const wallet = { ...common, walletAddress: world.key.account };
    const add = { ...wallet, baseTokenAmount: 100, quoteTokenAmount: 9 };
    const added = await ask('POST', '/trading/amm/add', add);
    assert.equal(added.status, 200, added.text);
    assert.deepEqual(
      [added.body.status, added.body.data.baseTokenAmountAdded, added.body.data.quoteTokenAmountAdded],
      [1, '100.0000000', '9.0000000'],
    );
    const info = await ask('GET', `/trading/amm/pool-info?${new URLSearchParams(common)}`);
    assert.deepEqual([info.body.price, info.body.baseTokenAmount], ['0.0900000', '100.0000000'], info.text);
    const position = await ask('GET', `/trading/amm/position-info?${new URLSearchParams(wallet)}`);
    assert.equal(position.body.lpTokenAmount, '30.0000000', position.text);
    const removed = await ask('POST', '/trading/amm/remove', { ...wallet, percentageToRemove: 100 });
    assert.deepEqual(
      [removed.status, removed.body.data?.baseTokenAmountRemoved, removed.body.data?.quoteTokenAmountRemoved],
      [200, '100.0000000', '9.0000000'],
      removed.text,
    );
  });

  it('an order: placed once under its key, seen over WebSocket, amended, cancelled', async () => {
    const { port } = world.connector.gateway;
    const socket = new WebSocket(`wss://localhost:${port}/v1/ws`, {
      ca: world.authority.cert,
      ...world.client,
    });
    // biome-ignore lint/suspicious/noExplicitAny: messages of every shape
    const messages: any[] = [];
    socket.on('message', (raw) => messages.push(JSON.parse(String(raw))));
    await once(socket, 'open');
    for (const message of [{ channel: 'orders' }, { channel: 'book', market: 'XLM-USDC' }])
      socket.send(JSON.stringify({ op: 'subscribe', ...message }));
    const until = async (found: (message: (typeof messages)[number]) => boolean): Promise<void> => {
      for (let tries = 0; !messages.some(found); tries++) {
        assert.ok(
          tries < 400,
          JSON.stringify(messages.map(({ type, data }) => [type, data?.sequence, data?.state])),
        );
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await until(({ type }) => type === 'snapshot');

    const order = {
      clientOrderId: 'w-1',
      market: 'XLM-USDC',
      side: 'SELL',
      type: 'maker-only',
      price: '0.13',
      amount: '20',
    };
    const key = { 'idempotency-key': 'place-1' };
    const placed = await ask('POST', '/v1/orders', order, key);
    assert.deepEqual([placed.status, placed.body.orders?.[0].state], [200, 'open'], placed.text);
    assert.deepEqual((await ask('POST', '/v1/orders', order, key)).body, placed.body);
    await until(({ type, data }) => type === 'order' && data.state === 'open');
    await until(
      ({ type, data }) =>
        type === 'diff' && data.asks.some(([, amount]: string[]) => amount === '20.0000000'),
    );

    const amended = await ask(
      'POST',
      '/v1/orders/w-1/amend',
      { amount: '25' },
      { 'idempotency-key': 'amend-1' },
    );
    assert.deepEqual([amended.status, amended.body.order?.remaining], [200, '25.0000000'], amended.text);
    const { body } = await ask('GET', '/v1/balances');
    assert.equal(
      body.balances.find(({ symbol }: { symbol: string }) => symbol === 'XLM').locked,
      '25.0000000',
    );

    const left = await ask('DELETE', '/v1/orders');
    assert.deepEqual([left.status, left.body.cancelled?.length, left.body.left], [200, 1, []], left.text);
    await until(({ type, data }) => type === 'order' && data.state === 'cancelled');
    assert.equal((await ask('GET', '/v1/orders/w-1')).body.order.state, 'cancelled');
    socket.terminate();
  });

  it('a market order takes now; under its key it is answered and not placed again after a restart', async () => {
    const order = { market: 'XLM-USDC', side: 'BUY', type: 'market', price: '0.1210', amount: '50' };
    const key = { 'idempotency-key': 'take-1' };
    const placed = await ask('POST', '/v1/orders', order, key);
    assert.deepEqual(
      [placed.status, placed.body.orders?.[0].state, placed.body.orders?.[0].filledAmount],
      [200, 'filled', '50.0000000'],
      placed.text,
    );
    const before = (await ask('GET', '/v1/balances')).body.balances;
    await world.connector.stop();
    await world.restart();
    assert.deepEqual((await ask('POST', '/v1/orders', order, key)).body, placed.body);
    assert.equal((await ask('POST', '/v1/orders', { ...order, amount: '51' }, key)).status, 422);
    assert.deepEqual((await ask('GET', '/v1/balances')).body.balances, before);
    for (let tries = 0; ; tries++) {
      const { body } = await ask('GET', '/v1/fills');
      if (body.fills.length > 0) {
        assert.deepEqual(
          [body.fills[0].role, body.fills[0].side, body.fills[0].amount],
          ['taker', 'BUY', '50.0000000'],
        );
        break;
      }
      assert.ok(tries < 100, 'the fill is told');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
});
