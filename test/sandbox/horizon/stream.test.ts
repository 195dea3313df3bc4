import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Network } from '../network.ts';
import { ALICE, MAKER, recordedNetwork, TAKER } from './recorded_state.ts';
import { listEvents, serveStream } from './stream.ts';
import { type Served, serveHorizon, until } from './testing.ts';

const BOOK =
  '/order_book?selling_asset_type=credit_alphanum4&selling_asset_code=USDC&selling_asset_issuer=GBZVWM5GJUSNTXMYQJTJJ5OWRAFAPVMG6TE7GZXO7CEEOZZMFYEETE3I&buying_asset_type=native';
const HELLO = 'retry: 1000\nevent: open\ndata: "hello"\n\n';
const BYEBYE = 'retry: 10\nevent: close\ndata: "byebye"\n\n';
/** The last token of ledger 152. */
const BEHIND_152 = String((153n << 32n) - 1n);

describe("Horizon's streams", function () {
  this.timeout(30_000);
  let network: Network;
  let state: ReturnType<typeof recordedNetwork>['state'];
  const opened: Served[] = [];

  async function serve(
    options: Parameters<typeof serveHorizon>[1] = { streamAtOnce: true },
  ): Promise<Served> {
    const served = await serveHorizon(network, options);
    opened.push(served);
    return served;
  }

  beforeEach(() => {
    ({ network, state } = recordedNetwork());
  });
  afterEach(async () => {
    for (const served of opened.splice(0)) await served.stop();
  });

  it('come in chunks of the recorded form: greeting, id and data on one line, farewell', async () => {
    const served = await serve();
    const text = await new Promise<string>((resolve, reject) => {
      let all = '';
      const socket = connect(Number(new URL(served.url).port), '127.0.0.1', () => {
        socket.write(
          `GET /ledgers?cursor=${BEHIND_152}&limit=1 HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\nConnection: close\r\n\r\n`,
        );
      });
      socket.on('data', (chunk) => {
        all += chunk;
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(all));
    });
    const [head = '', ...rest] = text.split('\r\n\r\n');
    for (const line of [
      'HTTP/1.1 200 OK',
      'Access-Control-Allow-Origin: *',
      'Cache-Control: no-cache',
      'Content-Type: text/event-stream; charset=utf-8',
      'Vary: Origin',
      'Transfer-Encoding: chunked',
    ]) {
      assert.ok(head.split('\r\n').includes(line), line);
    }
    const chunks = rest.join('\r\n\r\n').split('\r\n');
    assert.deepEqual([chunks[0], chunks[1]], ['27', HELLO]);
    assert.match(chunks[3]!, /^id: 657129996288\ndata: \{"_links":[^\n]+\}\n\n$/);
    assert.equal(Number.parseInt(chunks[2]!, 16), chunks[3]!.length);
    assert.deepEqual(chunks.slice(4), ['27', BYEBYE, '0', '', '']);
  });

  it("an event with an id that is longer than the server's buffer comes in two pieces", async () => {
    const pieces: number[] = [];
    const response = {
      setHeader() {},
      write: (piece: string | Uint8Array) => pieces.push(Buffer.from(piece).length),
      end: (piece: string) => pieces.push(Buffer.from(piece).length),
    };
    const rows = ['short', 'é'.repeat(2000)].map((text, index) => ({
      token: String(index),
      render: () => text,
    }));
    const paging = { cursor: '', order: 'asc', limit: 2 } as const;
    await serveStream(response as unknown as ServerResponse, listEvents({ paging, after: () => rows }), {
      network,
      pollMs: 1000,
      atOnce: false,
      maxMs: 1000,
      signal: new AbortController().signal,
      report() {},
    });
    const long = Buffer.from(`id: 1\ndata: "${'é'.repeat(2000)}"\n\n`).length;
    const short = 'id: 0\ndata: "short"\n\n'.length;
    assert.deepEqual(pieces, [HELLO.length, short, 2048, long - 2048, BYEBYE.length]);
  });

  it('count events of the whole stream, go on behind the last one, and end with byebye', async () => {
    const served = await serve();
    const stream = await served.open(`/ledgers?cursor=${BEHIND_152}&limit=4`);
    assert.equal((await stream.events(2)).length, 2);
    network.close();
    await stream.events(3);
    network.close();
    const text = await stream.ended();
    assert.ok(text.startsWith(HELLO) && text.endsWith(BYEBYE));
    const sequences = (await stream.events(4)).map(({ data }) => (data as { sequence: number }).sequence);
    assert.deepEqual(sequences, [153, 154, 155, 156]);
  });

  it('look for news at intervals, not at closes', async () => {
    const served = await serve({ streamPollMs: 60 });
    const began = performance.now();
    const stream = await served.open('/ledgers?cursor=now');
    network.close();
    network.close();
    const events = await stream.events(2);
    assert.deepEqual(
      events.map(({ id }) => id),
      [155n << 32n, 156n << 32n].map(String),
    );
    assert.ok(performance.now() - began >= 55);
  });

  it('go on behind Last-Event-ID, also against a cursor, and descend to the end', async () => {
    const served = await serve({ streamMaxMs: 100 });
    const last = { 'Last-Event-ID': String(153n << 32n) };
    const stream = await served.open('/ledgers?cursor=now', last);
    assert.deepEqual(
      (await stream.events(1)).map(({ id }) => id),
      [String(154n << 32n)],
    );
    const down = await served.open('/ledgers?order=desc&limit=2');
    await down.ended();
    assert.deepEqual(
      (await down.events(2)).map(({ id }) => id),
      [154n << 32n, 153n << 32n].map(String),
    );
  });

  it('the book is sent whole, and again when it changed; ten events end it whatever its limit', async () => {
    const served = await serve();
    const stream = await served.open(`${BOOK}&limit=1`);
    const amounts = async (count: number): Promise<string[]> =>
      (await stream.events(count)).map(
        ({ data }) => (data as { asks: { amount: string }[] }).asks[0]!.amount,
      );
    assert.deepEqual(await amounts(1), ['65.3690477']);
    network.close();
    const offer = state.offer(MAKER, 2n)!;
    for (let i = 1n; i <= 9n; i += 1n) {
      state.put({ ...offer, amount: i * 10_000_000n });
      network.close();
    }
    assert.ok((await stream.ended()).endsWith(BYEBYE));
    const expected = ['65.3690477', ...Array.from({ length: 9 }, (_, i) => `${i + 1}.0000000`)];
    assert.deepEqual(await amounts(10), expected);
    assert.equal((await stream.events(10))[0]!.id, undefined);
  });

  it('an account is sent once, whatever becomes of it; offers behind now never come', async () => {
    const served = await serve({ streamAtOnce: true, streamMaxMs: 80 });
    const streams = await Promise.all([
      served.open(`/accounts/${TAKER}`),
      served.open(`/accounts/${MAKER}/offers?cursor=now`),
    ]);
    await streams[0]!.events(1);
    state.put({ ...state.account(TAKER)!, balance: 1n });
    state.put({ ...state.offer(MAKER, 2n)!, id: 10n });
    network.close();
    const [account = '', offers] = await Promise.all(streams.map((stream) => stream.ended()));
    assert.equal(account.match(/"sequence_ledger"/g)?.length, 1);
    assert.ok(account.endsWith(BYEBYE));
    assert.equal(offers, HELLO + BYEBYE);
  });

  it('data is sent again when it changed, and its end is an error of the stream', async () => {
    const served = await serve();
    const stream = await served.open(`/accounts/${ALICE}/data/config`);
    await stream.events(1);
    const entry = state.data(ALICE, 'config')!;
    state.put({ ...entry, value: '00' });
    network.close();
    assert.deepEqual((await stream.events(2))[1]!.data, { value: 'AA==' });
    state.remove(entry);
    network.close();
    assert.ok((await stream.ended()).endsWith('event: err\ndata: problem: not_found\n\n'));
  });

  const refused: [path: string, status: number][] = [
    ['/ledgers?cursor=abc', 400],
    ['/accounts/GAAO73EPG7N2DN5DASQYBLAXUEBXE5TV4FY64K55BYL4HVNF7CS2VNWN', 404],
    ['/order_book/nothing', 404],
    ['/fee_stats', 406],
    ['/paths/strict-send?source_asset_type=native&source_amount=1&destination_assets=native', 406],
    [`/offers?seller=${MAKER}`, 406],
    ['/liquidity_pools', 406],
    ['/', 406],
  ];
  for (const [path, status] of refused) {
    it(`${status} before it begins: ${path.slice(0, 60)}`, async () => {
      const answered = await (await serve()).ask('GET', path, { Accept: 'text/event-stream' });
      assert.equal(answered.status, status);
      assert.equal(answered.headers['content-type'], 'application/problem+json; charset=utf-8');
      assert.equal(answered.headers['latest-ledger'], undefined);
      assert.equal(JSON.parse(answered.body).status, status);
    });
  }

  it('is no stream where JSON is liked as much and named first', async () => {
    const answered = await (await serve()).ask('GET', '/ledgers?limit=1', {
      Accept: 'application/json, text/event-stream',
    });
    assert.equal(answered.headers['content-type'], 'application/hal+json; charset=utf-8');
  });

  it('say byebye when the server stops, and are let go of when the client goes', async () => {
    let listening = 0;
    const { onClose } = network;
    network.onClose = (listener) => {
      const stop = onClose(listener);
      listening += 1;
      return () => {
        listening -= 1;
        stop();
      };
    };
    const served = await serve();
    const [kept, left] = await Promise.all([served.open('/ledgers?cursor=now'), served.open('/ledgers')]);
    assert.equal(listening, 1);
    await left!.ended();
    const gone = await served.open('/ledgers?cursor=now');
    assert.equal(listening, 2);
    gone.close();
    await until(() => listening === 1);
    served.abort();
    assert.equal(await kept!.ended(), HELLO + BYEBYE);
    assert.equal(listening, 0);
  });
});
