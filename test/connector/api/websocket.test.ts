import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { close, listen } from '../../../common/http.ts';
import { balances } from '../../../connector/api/routes/balances.ts';
import { statusSchema } from '../../../connector/api/routes/status.ts';
import { bookSchema, diffSchema, fillSchema, orderSchema, tradeSchema } from '../../../connector/api/view.ts';
import { answer } from '../../../connector/api/websocket/messages.ts';
import { createWebSocketApi, LIMITS, type WebSocketApi } from '../../../connector/api/websocket/server.ts';
import type { BookDiff } from '../../../connector/market/types.ts';
import {
  bookOf,
  createDoubles,
  type Doubles,
  fillOf,
  MARKET,
  orderOf,
  price,
  tradeOf,
  UNIT,
} from './stand.ts';

// biome-ignore lint/suspicious/noExplicitAny: a test looks into messages of every shape
type Message = any;

interface Client {
  socket: WebSocket;
  messages: Message[];
  send(message: unknown): void;
  /** The next message that was not looked at yet. */
  next(): Promise<Message>;
  closed: Promise<{ code: number; reason: string }>;
}

const subscribe = (channel: string, market?: string) => ({ op: 'subscribe', channel, market });
const diffOf = (sequence: number, levels = 1): BookDiff => ({
  ...{ market: MARKET, sequence, checksum: sequence, ledger: 10, at: 2_000, bids: [] },
  asks: Array.from({ length: levels }, (_, i) => ({ price: price(i + 1, 1_000_003), amount: 0n })),
});

describe('connector/api: /v1/ws', () => {
  let doubles: Doubles;
  let api: WebSocketApi;
  let server: Server;
  let clients: Client[];
  let clock: number;
  let timers: { ms: number; run: () => void }[];
  let heard: string[];

  async function start(limits: Partial<typeof LIMITS> = {}): Promise<void> {
    doubles = createDoubles();
    [clients, timers, heard, clock] = [[], [], [], 0];
    api = createWebSocketApi(
      {
        context: doubles.context,
        log: pino({ level: 'silent' }),
        heard: (client) => void heard.push(client),
        now: () => clock,
        every(ms, run) {
          const timer = { ms, run };
          timers.push(timer);
          return () => timers.splice(timers.indexOf(timer), 1);
        },
      },
      { ...LIMITS, ...limits },
    );
    server = createServer();
    server.on('upgrade', (request, socket, head) => {
      const accept = api.authorize(request, String(request.headers['x-client'] ?? 'bot'));
      if (accept === undefined) socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
      else accept(socket, head);
    });
    await listen(server, { host: '127.0.0.1', port: 0 });
  }

  async function connect(headers: Record<string, string> = {}, path = '/v1/ws'): Promise<Client> {
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
      headers,
    });
    const messages: Message[] = [];
    let read = 0;
    let wake = (): void => undefined;
    socket.on('message', (raw) => {
      messages.push(JSON.parse(String(raw)));
      wake();
    });
    const closed = new Promise<{ code: number; reason: string }>((resolve) =>
      socket.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
    );
    const client: Client = {
      ...{ socket, messages, closed },
      send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
      async next() {
        while (messages.length <= read) await new Promise<void>((resolve) => (wake = resolve));
        return messages[read++];
      },
    };
    clients.push(client);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  /** Everything that was sent before this is there. */
  async function settle(client: Client): Promise<void> {
    client.send({ op: 'ping', id: 'settle' });
    for (;;) if ((await client.next()).id === 'settle') return;
  }

  beforeEach(() => start());
  afterEach(async () => {
    for (const { socket } of clients) socket.terminate();
    api.close();
    assert.deepEqual([doubles.listeners(), timers.length], [0, 0], 'nothing goes on after close');
    await close(server, 0);
  });

  it('book: a snapshot, then diffs with their sequence numbers; each text made once for all', async () => {
    const [one, two] = [await connect(), await connect()];
    for (const client of [one, two]) {
      client.send({ ...subscribe('book', 'XLM-USDC'), id: 7 });
      assert.deepEqual(answer.parse(await client.next()), {
        ...{ type: 'subscribed', channel: 'book', market: 'XLM-USDC', id: 7 },
      });
      const snapshot = await client.next();
      assert.deepEqual([snapshot.type, bookSchema.parse(snapshot.data).sequence], ['snapshot', 5]);
    }
    let made = 0;
    const diff = diffOf(6);
    doubles.emit.book(
      {
        ...diff,
        get asks() {
          made++;
          return diff.asks;
        },
      },
      bookOf({ sequence: 6 }),
    );
    for (const client of [one, two]) {
      const { type, channel, data } = await client.next();
      assert.deepEqual([type, channel, diffSchema.parse(data).sequence], ['diff', 'book', 6]);
      assert.deepEqual(data.asks, [['0.000000999997', '0.0000000', '1/1000003']]);
    }
    assert.equal(made, 1);
  });

  it('book: no snapshot yet: it comes with the first change', async () => {
    doubles.context.market.book = () => undefined;
    const client = await connect();
    client.send(subscribe('book', 'XLM-USDC'));
    assert.equal((await client.next()).type, 'subscribed');
    doubles.emit.book(diffOf(1), bookOf({ sequence: 1 }));
    doubles.emit.book(diffOf(2), bookOf({ sequence: 2 }));
    const [first, second] = [await client.next(), await client.next()];
    assert.deepEqual([first.type, first.data.sequence], ['snapshot', 1]);
    assert.deepEqual([second.type, second.data.sequence], ['diff', 2]);
  });

  it('book: a client that lost one asks again', async () => {
    const client = await connect();
    client.send({ op: 'snapshot', market: 'XLM-USDC', id: 1 });
    assert.deepEqual(await client.next(), {
      ...{ type: 'error', code: 'invalid-params', field: 'market', id: 1 },
      detail: 'market: subscribe to its book first',
    });
    client.send(subscribe('book', 'XLM-USDC'));
    await client.next();
    await client.next();
    client.send({ op: 'snapshot', market: 'XLM-USDC' });
    assert.equal((await client.next()).type, 'snapshot');
  });

  it('trades, orders, fills: as they come, in REST’s form, to those that asked', async () => {
    const [client, other] = [await connect(), await connect()];
    for (const [channel, market] of [['trades', 'XLM-USDC'], ['orders'], ['fills']]) {
      client.send(subscribe(channel!, market));
      assert.equal((await client.next()).channel, channel);
    }
    doubles.emit.trade(tradeOf('1-0', 1));
    doubles.emit.order(
      orderOf({
        ...{ clientOrderId: 'a-1', market: MARKET, side: 'SELL', type: 'limit', client: 'bot' },
        ...{ price: price(1, 8), amount: UNIT },
      }),
    );
    doubles.emit.fill(fillOf('9-1'));
    const [trade, order, fill] = [await client.next(), await client.next(), await client.next()];
    assert.deepEqual(
      [trade.type, trade.market, tradeSchema.parse(trade.data).id],
      ['trade', 'XLM-USDC', '1-0'],
    );
    assert.deepEqual([order.type, orderSchema.parse(order.data).type], ['order', 'limit']);
    assert.deepEqual([fill.type, fillSchema.parse(fill.data).id], ['fill', '9-1']);
    await settle(other);
    assert.equal(other.messages.length, 1, 'only its pong');
    client.send({ op: 'unsubscribe', channel: 'fills' });
    assert.equal((await client.next()).type, 'unsubscribed');
    doubles.emit.fill(fillOf('9-2'));
    await settle(client);
    assert.equal(client.messages.filter(({ type }) => type === 'fill').length, 1);
  });

  it('status and balances: at once, then read once for all of them', async () => {
    const [one, two] = [await connect(), await connect()];
    for (const client of [one, two])
      for (const channel of ['status', 'balances']) {
        client.send(subscribe(channel));
        await client.next();
        const { type, data } = await client.next();
        assert.equal(type, channel);
        if (channel === 'status') statusSchema.parse(data);
        else balances.result!.parse(data);
      }
    let reads = 0;
    const { account } = doubles.context.ledger;
    doubles.context.ledger.account = (...args) => {
      reads++;
      return account(...args);
    };
    timers.find(({ ms }) => ms === LIMITS.pollMs)!.run();
    const types = [await one.next(), await one.next()].map(({ type }) => type);
    assert.deepEqual(types.toSorted(), ['balances', 'status']);
    assert.equal(reads, 1);
    doubles.context.ledger.head = () => Promise.reject(new Error('secret of the server'));
    timers.find(({ ms }) => ms === LIMITS.pollMs)!.run();
    await two.next();
    await two.next();
    const failed = await two.next();
    assert.deepEqual([failed.type, failed.detail], ['error', 'internal error']);
  });

  const bad: [what: string, message: unknown, code: string, field?: string][] = [
    ['no JSON', '{', 'invalid-params', 'request'],
    ['no object', '[]', 'invalid-params', 'request'],
    ['another op', { op: 'place' }, 'invalid-params'],
    ['an unknown field', { op: 'ping', key: 'S' }, 'invalid-params'],
    ['another channel', subscribe('candles', 'XLM-USDC'), 'invalid-params'],
    ['no market', subscribe('book'), 'invalid-params'],
    ['another market', subscribe('book', 'XLM-EURC'), 'invalid-params', 'market'],
    ['the other way round', subscribe('book', 'USDC-XLM'), 'not-found', 'market'],
  ];
  for (const [what, message, code, field] of bad) {
    it(`answers ${what} with an error, and goes on`, async () => {
      const client = await connect();
      client.send(message);
      const error = answer.parse(await client.next()) as { type: string; code: string; field?: string };
      assert.deepEqual([error.type, error.code], ['error', code]);
      if (field !== undefined) assert.equal(error.field, field);
      await settle(client);
    });
  }

  it('every message is a heartbeat of its client', async () => {
    const client = await connect({ 'x-client': 'maker' });
    await settle(client);
    assert.deepEqual(heard, ['maker']);
  });

  it('@security a page in a browser, and another path: no WebSocket', async () => {
    await assert.rejects(connect({ origin: 'https://evil.example' }), /404/);
    await assert.rejects(connect({}, '/v1/ws?x=1'), /404/);
    await assert.rejects(connect({}, '/'), /404/);
  });

  it('@security a message that is too large: 1009; binary: 1003', async () => {
    const [large, binary] = [await connect(), await connect()];
    large.send(JSON.stringify({ op: 'ping', id: 'x'.repeat(5_000) }));
    assert.equal((await large.closed).code, 1009);
    binary.socket.send(Buffer.from('{}'));
    assert.equal((await binary.closed).code, 1003);
  });

  it('@security too many messages: 4029', async () => {
    const client = await connect();
    for (let i = 0; i < 101; i++) client.send({ op: 'ping' });
    assert.equal((await client.closed).code, 4029);
    assert.equal(client.messages.length, 100);
  });

  it('@security too many connections of a client: 4030; others still come', async () => {
    for (let i = 0; i < LIMITS.connections; i++) await connect();
    assert.equal((await (await connect()).closed).code, 4030);
    await settle(await connect({ 'x-client': 'other' }));
    clients[0]!.socket.terminate();
    await clients[0]!.closed;
    while (api.connections() > LIMITS.connections) await new Promise((resolve) => setImmediate(resolve));
    await settle(await connect());
  });

  it('@security too many subscriptions of a connection are refused', async () => {
    api.close();
    await close(server, 0);
    await start({ topics: 2 });
    const client = await connect();
    for (const channel of ['orders', 'fills']) {
      client.send(subscribe(channel));
      assert.equal((await client.next()).type, 'subscribed');
    }
    client.send(subscribe('trades', 'XLM-USDC'));
    assert.equal((await client.next()).code, 'rate-limited');
    client.send(subscribe('fills'));
    assert.equal((await client.next()).type, 'subscribed');
  });

  it('a client that answers no ping is cut: 4009', async () => {
    const [deaf, alive] = [await connect(), await connect()];
    deaf.socket.pong = () => undefined;
    const pinged = [deaf, alive].map(({ socket }) => new Promise((resolve) => socket.once('ping', resolve)));
    const ping = timers.find(({ ms }) => ms === LIMITS.pingMs)!.run;
    ping();
    await Promise.all(pinged);
    await settle(alive);
    ping();
    assert.equal((await deaf.closed).code, 4009);
    await settle(alive);
  });

  it('a client that lags gets the newest book whole in place of the changes that it missed', async () => {
    api.close();
    await close(server, 0);
    await start({ softBytes: 1_024 });
    const client = await connect();
    client.send(subscribe('book', 'XLM-USDC'));
    await client.next();
    await client.next();
    client.socket.pause();
    const last = 5 + 400;
    for (let sequence = 6; sequence <= last; sequence++) {
      const book = bookOf({ sequence });
      doubles.context.market.book = () => book;
      doubles.emit.book(diffOf(sequence, 1_000), book);
      if (sequence % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    client.socket.resume();
    let message = await client.next();
    let diffs = 0;
    for (let expected = 6; message.type === 'diff'; expected++) {
      assert.equal(message.data.sequence, expected, 'no gap before the snapshot');
      diffs++;
      message = await client.next();
    }
    assert.deepEqual([message.type, message.data.sequence], ['snapshot', last]);
    assert.ok(diffs < last - 5, `${diffs} diffs were sent`);
    doubles.emit.book(diffOf(last + 1), bookOf({ sequence: last + 1 }));
    const { type, data } = await client.next();
    assert.deepEqual([type, data.sequence], ['diff', last + 1]);
  });

  it('@security a client that takes nothing is cut, and its buffer with it: 4008', async () => {
    api.close();
    await close(server, 0);
    await start({ hardBytes: 64 * 1_024 });
    const [slow, quick] = [await connect(), await connect()];
    for (const client of [slow, quick]) {
      client.send(subscribe('trades', 'XLM-USDC'));
      await client.next();
    }
    slow.socket.pause();
    const trade = tradeOf('1-0', 1, { poolId: 'f'.repeat(60_000) });
    for (let i = 0; i < 400 && api.connections() === 2; i++) {
      doubles.emit.trade(trade);
      await quick.next();
    }
    while (api.connections() === 2) await new Promise((resolve) => setTimeout(resolve, 20));
    slow.socket.resume();
    // The code is behind what could not be sent: it may not arrive.
    assert.match(String((await slow.closed).code), /^(4008|1006)$/);
    await settle(quick);
  });

  it('at shutdown every client is told: 1001', async () => {
    const client = await connect();
    api.close();
    assert.deepEqual(await client.closed, { code: 1001, reason: 'shutting down' });
    await assert.rejects(connect(), /404/);
  });
});
