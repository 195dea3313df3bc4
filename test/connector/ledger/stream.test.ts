import assert from 'node:assert/strict';
import { createHorizonClient } from '../../../connector/ledger/horizon/client.ts';
import { watchBook, watchHeads, watchTrades } from '../../../connector/ledger/horizon/watch.ts';
import { followStream, type StreamPlan } from '../../../connector/ledger/stream.ts';
import type { Transport } from '../../../connector/ledger/transport.ts';
import type { StreamHandlers } from '../../../connector/ledger/types.ts';
import { createClock, settle, type TestClock } from './clock.ts';
import { ISSUER, RECORDED_PASSPHRASE, recorded, recordedStream, replay } from './recordings.ts';

const HELLO = 'retry: 1000\nevent: open\ndata: "hello"\n\n';
const BYEBYE = 'retry: 10\nevent: close\ndata: "byebye"\n\n';
const news = (...ids: number[]): string => ids.map((id) => `id: ${id}\ndata: ${id}\n\n`).join('');

/** One connection that a test writes to. */
interface Line {
  path: string;
  write(text: string): Promise<void>;
  end(): Promise<void>;
  cut(reason: string): Promise<void>;
  isClosed: boolean;
}

/** A transport whose streams are in the test's hands. */
function createLines(): { lines: Line[]; transport: Transport; refuse: { with: unknown; status: number } } {
  const lines: Line[] = [];
  const refuse = { with: undefined as unknown, status: 200 };
  const transport = {
    url: 'https://lines.test',
    async stream(path: string) {
      if (refuse.with !== undefined) throw refuse.with;
      const body = new TransformStream<Uint8Array, Uint8Array>();
      const writer = body.writable.getWriter();
      writer.closed.catch(() => undefined);
      const line: Line = {
        path,
        isClosed: false,
        async write(text) {
          writer.write(Buffer.from(text)).catch(() => undefined);
          await settle();
        },
        async end() {
          writer.close().catch(() => undefined);
          await settle();
        },
        async cut(reason) {
          writer.abort(new Error(reason)).catch(() => undefined);
          await settle();
        },
      };
      lines.push(line);
      return {
        ...{ status: refuse.status, headers: {}, chunks: body.readable },
        close() {
          line.isClosed = true;
        },
      };
    },
  } as unknown as Transport;
  return { lines, transport, refuse };
}

describe('connector/ledger/stream', () => {
  let clock: TestClock;
  let stop: AbortController;
  let told: string[];
  let world: ReturnType<typeof createLines>;
  let withheld: boolean;
  let ended: Promise<void>;

  const handlers: StreamHandlers<number> = {
    event: (value, cursor) => void told.push(`${value}@${cursor}`),
    open: (gap) => void told.push(gap ? 'open with a gap' : 'open'),
    down: (reason) => void told.push(`down: ${reason}`),
  };

  const follow = (
    change: Partial<StreamPlan<number>> = {},
    own: Partial<StreamHandlers<number>> = {},
  ): void => {
    const plan: StreamPlan<number> = {
      transport: () => world.transport,
      path: (cursor) => `/news?cursor=${cursor}`,
      start: async () => '10',
      decode(data) {
        if (typeof data !== 'number') throw new Error('no number');
        return { value: data, cursor: String(data) };
      },
      compare: (a, b) => Number(a) - Number(b),
      missed: async () => withheld,
      idleMs: 30_000,
      ...change,
    };
    ended = followStream(plan, { ...handlers, ...own }, clock, stop.signal);
  };
  const line = (index: number): Line => world.lines[index] ?? assert.fail(`no line ${index}`);

  beforeEach(() => {
    clock = createClock();
    stop = new AbortController();
    told = [];
    world = createLines();
    withheld = false;
  });
  afterEach(async () => {
    stop.abort();
    await ended;
    await settle();
    for (const each of world.lines) assert.ok(each.isClosed, 'every connection is closed in the end');
  });

  it('greets, gives events in order, and comes back after the server’s close without a word', async () => {
    follow();
    await settle();
    await line(0).write(HELLO + news(11, 12));
    await clock.advance(50_000);
    await line(0).write(BYEBYE);
    await clock.advance(9);
    assert.equal(world.lines.length, 1);
    await clock.advance(1);
    assert.equal(line(1).path, '/news?cursor=12');
    await line(1).write(HELLO + news(13));
    assert.deepEqual(told, ['open', '11@11', '12@12', '13@13']);
  });

  it('a connection that just ends after its 55 s is no fault either', async () => {
    follow();
    await settle();
    await line(0).write(HELLO);
    await clock.advance(25_000);
    await line(0).end();
    await clock.advance(1_000);
    await line(1).write(HELLO + news(11));
    assert.deepEqual(told, ['open', '11@11']);
  });

  it('drops what came before, whatever the server sends again', async () => {
    follow();
    await settle();
    await line(0).write(HELLO + news(9, 10, 11, 11, 12, 11, 12, 13));
    assert.deepEqual(told, ['open', '11@11', '12@12', '13@13']);
  });

  it('a broken one is told, dialled again after a pause that grows to 10 s, and told when it stands again', async () => {
    follow();
    await settle();
    await line(0).write(HELLO + news(11));
    await line(0).cut('torn');
    world.refuse.with = new Error('refused');
    for (const pause of [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) await clock.advance(pause);
    assert.deepEqual(told.splice(0), ['open', '11@11', 'down: torn']);
    world.refuse.with = undefined;
    await clock.advance(9_999);
    assert.equal(world.lines.length, 1);
    await clock.advance(1);
    assert.equal(line(1).path, '/news?cursor=11');
    await line(1).write(HELLO + news(12));
    await line(1).cut('torn');
    await clock.advance(250);
    assert.equal(world.lines.length, 3, 'news make the pause small again');
    assert.deepEqual(told, ['open', '12@12', 'down: torn']);
  });

  it('a server that ends at once is not dialled in a loop', async () => {
    follow();
    await settle();
    for (let i = 0; i < 20; i += 1) {
      await line(world.lines.length - 1).write(HELLO + BYEBYE);
      await clock.advance(1_000);
    }
    assert.ok(world.lines.length <= 8, `${world.lines.length} dials`);
    assert.match(told.join(), /down: it ended at once/);
  });

  it('one that ends at once with news is dialled again four times a second at most', async () => {
    follow();
    await settle();
    await line(0).write(HELLO + news(11) + BYEBYE);
    await clock.advance(249);
    assert.equal(world.lines.length, 1);
    await clock.advance(1);
    assert.equal(world.lines.length, 2);
    assert.deepEqual(told, ['open', '11@11']);
  });

  it('asks after a silent one, keeps it while there is no news, drops it when it withholds some', async () => {
    let asked = 0;
    follow({
      async missed(cursor) {
        asked += 1;
        assert.equal(cursor, '11');
        return withheld;
      },
    });
    await settle();
    await line(0).write(HELLO + news(11));
    await clock.advance(90_000);
    assert.deepEqual([asked, world.lines.length], [3, 1]);
    withheld = true;
    await clock.advance(30_250);
    assert.equal(line(0).isClosed, true);
    await line(1).write(HELLO + news(12));
    assert.deepEqual(told, ['open', '11@11', 'down: it fell silent', 'open', '12@12']);
  });

  it('one that takes the connection and does not greet is left', async () => {
    follow();
    await clock.advance(10_000);
    assert.deepEqual(told, ['down: it did not greet']);
    await clock.advance(250);
    await line(1).write(news(11));
    await clock.advance(0);
    assert.deepEqual(told, ['down: it did not greet'], 'nothing is taken before the greeting');
  });

  it('a refusal, an error event and the end of a rate limit', async () => {
    world.refuse.status = 503;
    follow();
    await settle();
    assert.deepEqual(told.splice(0), ['down: HTTP 503']);
    world.refuse.status = 200;
    await clock.advance(250);
    await line(1).write(`${HELLO}event: err\ndata: problem: stale_history\n\n`);
    assert.deepEqual(told, ['open', 'down: it sent the event err']);
  });

  it('@security drops a stream that sends an event under another’s id, no JSON, or what does not decode', async () => {
    for (const [bad, reason] of [
      ['id: 12\ndata: 11\n\n', /id of another/],
      ['id: 11\ndata: {\n\n', /no JSON/],
      ['data: "x"\n\n', /no number/],
    ] as const) {
      told.length = 0;
      follow();
      await settle();
      await world.lines.at(-1)!.write(HELLO + bad);
      assert.match(told.join(), reason);
      assert.doesNotMatch(told.join(), /@/);
      stop.abort();
      await ended;
      stop = new AbortController();
    }
  });

  it('an event that its handler refuses comes again', async () => {
    let refusals = 1;
    follow(
      {},
      {
        event(value) {
          if (value === 12 && refusals-- > 0) throw new Error('not believed');
          told.push(`took ${value}`);
        },
      },
    );
    await settle();
    await line(0).write(HELLO + news(11, 12, 13));
    await clock.advance(250);
    assert.equal(line(1).path, '/news?cursor=11');
    await line(1).write(HELLO + news(12, 13));
    assert.deepEqual(told, ['open', 'took 11', 'down: not believed', 'open', 'took 12', 'took 13']);
  });

  it('tells of a gap: a jump between events, or a history that begins after the cursor', async () => {
    let covered = false;
    follow({
      skips: (before, after) => Number(after) > Number(before) + 1,
      covers: async () => covered,
    });
    await settle();
    await line(0).write(HELLO + news(11, 13));
    assert.deepEqual(told.splice(0), ['open with a gap', '11@11', 'open with a gap', '13@13']);
    covered = true;
    await line(0).cut('torn');
    await clock.advance(250);
    await line(1).write(HELLO);
    assert.deepEqual(told, ['down: torn', 'open']);
  });

  it('moves to the transport that is chosen at the next dial, at the same cursor', async () => {
    const other = createLines();
    let chosen = world;
    follow({ transport: () => chosen.transport });
    await settle();
    await line(0).write(HELLO + news(11));
    chosen = other;
    await line(0).cut('torn');
    await clock.advance(250);
    assert.equal(other.lines[0]?.path, '/news?cursor=11');
  });

  it('@security takes no book of another pair, and no trade of others, from a stream', async () => {
    const seen: string[] = [];
    const client = createHorizonClient(
      { networkPassphrase: RECORDED_PASSPHRASE },
      { transport: Object.assign(replay(recorded(1)), world.transport), events: { answered() {} } },
    );
    ended = Promise.resolve();
    const noting = { event: () => void seen.push('event'), down: (reason: string) => void seen.push(reason) };
    watchBook(() => client, { base: 'native', quote: `USDC:${ISSUER}` }, noting, clock, stop.signal);
    watchTrades(() => client, { base: 'native', quote: `USDC:${ISSUER}` }, '0-0', noting, clock, stop.signal);
    watchTrades(() => client, { account: ISSUER }, '0-0', noting, clock, stop.signal);
    await settle();
    const texts = ['sse-13-order-book.jsonl', 'sse-14-trades-now.jsonl', 'sse-14-trades-now.jsonl'].map(
      (name) =>
        recordedStream(name)
          .chunks.map(({ text }) => text)
          .join(''),
    );
    for (const [index, text] of texts.entries()) await line(index).write(text);
    assert.deepEqual(seen, [
      'a stream sends a book of another pair',
      'a stream sends a trade of others',
      'a stream sends a trade of others',
    ]);
  });

  it('recorded: ledgers, the book and trades of a real Horizon', async () => {
    const seen: string[] = [];
    const USDC = `USDC:${ISSUER}`;
    const client = createHorizonClient(
      { networkPassphrase: RECORDED_PASSPHRASE },
      { transport: Object.assign(replay(recorded(14)), world.transport), events: { answered() {} } },
    );
    const noting = { down: (reason: string) => void seen.push(`down: ${reason}`) };
    const play = async (name: string): Promise<void> => {
      await settle();
      for (const { text } of recordedStream(name).chunks) await world.lines.at(-1)!.write(text);
    };
    watchHeads(
      () => client,
      { ...noting, event: ({ sequence }) => void seen.push(`head ${sequence}`) },
      clock,
      stop.signal,
    );
    await play('sse-09-ledgers-now.jsonl');
    assert.equal(line(0).path, '/ledgers?cursor=657129996288&limit=200');
    assert.deepEqual(
      seen.splice(0),
      [183, 184, 185, 186, 187, 188].map((n) => `head ${n}`),
    );
    watchBook(
      () => client,
      { base: USDC, quote: 'native' },
      { ...noting, event: ({ bids, asks }) => void seen.push(`${bids[0]?.amount} ${asks[0]?.amount}`) },
      clock,
      stop.signal,
    );
    await play('sse-13-order-book.jsonl');
    assert.deepEqual(
      seen.splice(0),
      ['653690477', '633690476', '613690474', '593690471', '573690467', '553690462'].map(
        (ask) => `930000000 ${ask}`,
      ),
    );
    watchTrades(
      () => client,
      { base: USDC, quote: 'native' },
      '0-0',
      { ...noting, event: ({ baseAmount }, cursor) => void seen.push(`${cursor} ${baseAmount}`) },
      clock,
      stop.signal,
    );
    await play('sse-14-trades-now.jsonl');
    assert.ok(seen.length > 0 && seen.every((text) => /^\d+-\d+ \d+$/.test(text)), seen.join());
  });
});
