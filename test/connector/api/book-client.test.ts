import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { WebSocket } from 'ws';
import { startWorld, type World } from '../world.ts';

/** Price, amount, fraction, as docs/connector/markets-api.md describes them. */
type Level = [price: string, amount: string, fraction: string];
interface Message {
  type: string;
  data: { sequence: number; checksum: number; bids: Level[]; asks: Level[] };
}

/** A book as a client keeps it that knows nothing but the page: snapshot, differences, checksum. */
function createBookClient() {
  const sides = { bids: new Map<string, Level>(), asks: new Map<string, Level>() };
  const value = (fraction: string): number => {
    const [n, d] = fraction.split('/').map(Number);
    return n! / d!;
  };
  const best = (side: 'bids' | 'asks', way: 1 | -1): Level[] =>
    [...sides[side].values()].sort((a, b) => way * (value(a[2]) - value(b[2])));
  const client = {
    sequence: undefined as number | undefined,
    diffs: 0,
    asks: () => best('asks', 1),
    take({ type, data }: Message): void {
      if (type === 'snapshot') for (const side of Object.values(sides)) side.clear();
      else {
        assert.equal(data.sequence, client.sequence! + 1);
        client.diffs++;
      }
      for (const side of ['bids', 'asks'] as const) {
        for (const level of data[side]) {
          if (Number(level[1]) === 0) sides[side].delete(level[2]);
          else sides[side].set(level[2], level);
        }
      }
      client.sequence = data.sequence;
      const top = [...best('bids', -1).slice(0, 25), ...best('asks', 1).slice(0, 25)];
      const text = top.map(([, amount, fraction]) => `${fraction}:${amount}`).join(',');
      assert.equal(crc32(text), data.checksum, `after ${type} ${data.sequence}`);
    },
  };
  return client;
}

describe('connector/api: a client that keeps a book by the page alone', function () {
  this.timeout(60_000);
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.stop());

  it('has the checksum of each change of a moving book, and the book that REST shows', async () => {
    const { port } = world.connector.gateway;
    for (let tries = 0; (await world.call('GET', '/v1/book?market=XLM-USDC')).status !== 200; tries++) {
      assert.ok(tries < 100, 'the book is read');
      await wait(100);
    }
    const socket = new WebSocket(`wss://localhost:${port}/v1/ws`, {
      ca: world.authority.cert,
      ...world.client,
    });
    const client = createBookClient();
    const faults: unknown[] = [];
    socket.on('message', (raw) => {
      const message = JSON.parse(String(raw));
      if (message.type !== 'snapshot' && message.type !== 'diff') return;
      try {
        client.take(message);
      } catch (error) {
        faults.push(error);
      }
    });
    await once(socket, 'open');
    socket.send(JSON.stringify({ op: 'subscribe', channel: 'book', market: 'XLM-USDC' }));

    for (let round = 0; round < 2; round++) {
      const orders = Array.from({ length: 30 }, (_, i) => ({
        ...{ clientOrderId: `r${round}-${i}`, market: 'XLM-USDC', side: 'SELL', type: 'maker-only' },
        price: (0.13 + round / 1_000 + i / 10_000).toFixed(4),
        amount: String(i + 1),
      }));
      const { body, text } = await world.call('POST', '/v1/orders', { orders });
      assert.ok(
        body.orders.every(({ state }: { state: string }) => state === 'open'),
        text,
      );
      for (let tries = 0; client.diffs <= round; tries++) {
        assert.ok(tries < 200, `round ${round} is told`);
        await wait(50);
      }
      if (round === 0) assert.equal((await world.call('DELETE', '/v1/orders')).body.left.length, 0);
    }
    const shown = async (): Promise<Level[]> =>
      (await world.call('GET', '/v1/book?market=XLM-USDC&depth=200')).body.asks;
    const isThere = (asks: Level[]): boolean => asks.some(([, amount]) => amount === '30.0000000');
    let asks = await shown();
    for (let tries = 0; !isThere(asks) || JSON.stringify(client.asks()) !== JSON.stringify(asks); tries++) {
      assert.ok(tries < 200, JSON.stringify([client.asks().length, asks.length]));
      await wait(100);
      asks = await shown();
    }
    assert.deepEqual(faults, []);
    assert.ok(client.diffs >= 2, `${client.diffs} differences`);

    // One that lost its place takes the book anew.
    const { sequence } = client;
    client.sequence = undefined;
    socket.send(JSON.stringify({ op: 'snapshot', market: 'XLM-USDC' }));
    for (let tries = 0; client.sequence === undefined; tries++) {
      assert.ok(tries < 100, 'a snapshot comes');
      await wait(50);
    }
    assert.ok(client.sequence >= sequence!);
    assert.deepEqual([faults, client.asks()], [[], await shown()]);
    socket.terminate();
  });
});
