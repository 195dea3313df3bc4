import assert from 'node:assert/strict';
import { strictSend } from '../../sandbox/testing.ts';
import { type SourcesWorld, startSourcesWorld, TRADER, USDC } from './sources-world.ts';

const { signal } = new AbortController();

async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += 5) {
    if (waited > 10_000) throw new Error('it did not come');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('connector/ledger: streams over all Horizons, and servers that hang', () => {
  let world: SourcesWorld;
  let ended: AbortController;
  before(async () => {
    world = await startSourcesWorld();
  });
  after(() => world.stop());
  beforeEach(() => {
    ended = new AbortController();
    world.advance(5_000);
  });
  afterEach(() => {
    world.hurry = false;
    ended.abort();
    world.sandbox.faults.remove();
  });
  const trade = (): void => {
    const { envelopeXdr } = world.envelope(strictSend({ sendAmount: '0.5' }));
    world.sandbox.network.submit(envelopeXdr);
    world.advance(5_000);
  };

  it('trades go on at another server, each once, when theirs is down', async () => {
    const { ledger } = world.over(['horizon', 'horizon-2'], 1);
    const seen: string[] = [];
    const down: string[] = [];
    ledger.watchTradesOf(
      TRADER,
      '0',
      { event: (_trade, cursor) => seen.push(cursor), down: (reason) => down.push(reason) },
      ended.signal,
    );
    trade();
    await until(() => seen.length === 1);
    world.fault({ kind: 'html', status: 503 }, 'horizon');
    // The next events break the stream that stands; the one that is dialled after it is refused.
    world.fault({ kind: 'certificate', how: 'wrong_host' }, 'horizon');
    trade();
    trade();
    await until(() => seen.length === 3);
    assert.equal(new Set(seen).size, 3);
    assert.ok(down.length > 0);
    assert.deepEqual(seen, seen.toSorted());
  });

  it('@security a stream of a server in quarantine is believed no more, and goes on at another one', async () => {
    const { ledger, isOut } = world.over(['horizon', 'horizon-2', 'rpc'], 2);
    const heads: number[] = [];
    const down: string[] = [];
    ledger.watchHeads(
      { event: ({ sequence }) => heads.push(sequence), down: (reason) => down.push(reason) },
      ended.signal,
    );
    await until(() => {
      world.advance(1_000);
      return heads.length > 0;
    });
    world.fault({ kind: 'passphrase', passphrase: 'Another Network' }, 'horizon');
    world.advance(31_000);
    await ledger.head(signal);
    await world.settled();
    assert.ok(isOut('horizon'));
    const before = heads.length;
    world.advance(1_000);
    await until(() => heads.length > before);
    assert.match(down[0]!, /in quarantine/);
    assert.deepEqual(
      heads,
      [...new Set(heads)].sort((a, b) => a - b),
    );
  });

  it('the head comes from the stream: no server is asked for what it told', async () => {
    const { ledger } = world.over(['horizon'], 1);
    const asked = (): number => world.asked.filter((path) => path.startsWith('/ledgers?order=desc')).length;
    const heads: number[] = [];
    const others: number[] = [];
    const other = new AbortController();
    ledger.watchHeads({ event: ({ sequence }) => heads.push(sequence) }, ended.signal);
    ledger.watchHeads({ event: ({ sequence }) => others.push(sequence) }, other.signal);
    await ledger.head(signal);
    await until(() => {
      if (heads.length === 0) world.advance(1_000);
      return heads.length > 0;
    });
    const before = asked();
    for (let closed = 0; closed < 4; closed += 1) {
      const { length } = heads;
      world.advance(5_000);
      await until(() => heads.length > length);
      assert.equal((await ledger.head(signal)).sequence, world.sandbox.network.latest.sequence);
    }
    assert.equal(asked(), before);
    assert.deepEqual(heads, others, 'all share one stream');
    other.abort();
    world.advance(5_000);
    await until(() => heads.at(-1) === world.sandbox.network.latest.sequence);
    assert.ok(others.length < heads.length);
  });

  it('@security what a stream tells of a head is believed by no more than what must agree', async () => {
    const { ledger } = world.over(['horizon', 'rpc'], 1);
    const heads: number[] = [];
    ledger.watchHeads({ event: ({ sequence }) => heads.push(sequence) }, ended.signal);
    await ledger.head(signal);
    await until(() => {
      if (heads.length === 0) world.advance(1_000);
      return heads.length > 0;
    });
    world.fault({ kind: 'lag', ledgers: 1 }, 'rpc');
    const { sequence } = await ledger.head(signal);
    world.advance(2_000);
    await until(() => heads.at(-1)! > sequence);
    assert.ok((await ledger.head(signal)).sequence < heads.at(-1)!, 'RPC has it not yet');
    world.sandbox.faults.remove();
    world.advance(2_000);
    await until(() => heads.at(-1) === world.sandbox.network.latest.sequence);
    assert.equal((await ledger.head(signal)).sequence, heads.at(-1));
  });

  it('@security the standing stream of a server that is put in quarantine is cut, though it says nothing', async () => {
    const { ledger, isOut } = world.over(['horizon', 'horizon-2', 'rpc'], 2);
    const opened: boolean[] = [];
    const down: string[] = [];
    ledger.watchBook(
      'native',
      USDC,
      { event() {}, open: (gap) => opened.push(gap), down: (reason) => down.push(reason) },
      ended.signal,
    );
    await until(() => opened.length === 1);
    world.fault({ kind: 'passphrase', passphrase: 'Another Network' }, 'horizon');
    await ledger.head(signal);
    await world.settled();
    assert.ok(isOut('horizon'));
    await until(() => opened.length === 2);
    assert.match(down[0]!, /in quarantine/);
  });

  it('a server whose reads are well and whose streams are not does not keep a stream from another one', async () => {
    const { ledger } = world.over(['horizon', 'horizon-2'], 1);
    world.fault({ kind: 'html', status: 503, path: '/order_book' }, 'horizon');
    const news: unknown[] = [];
    ledger.watchBook('native', USDC, { event: (book) => news.push(book) }, ended.signal);
    await until(() => {
      void ledger.offers('native', USDC, 10, signal).catch(() => undefined);
      return news.length > 0;
    });
  });

  it('books and trades of a pair come too', async () => {
    const { ledger } = world.over(['horizon', 'horizon-2'], 1);
    const books: unknown[] = [];
    const trades: unknown[] = [];
    ledger.watchBook('native', USDC, { event: (book) => books.push(book) }, ended.signal);
    ledger.watchTrades('native', USDC, '0-0', { event: (one) => trades.push(one) }, ended.signal);
    await until(() => {
      trade();
      return books.length > 1 && trades.length > 0;
    });
  });

  it('no stream of any server is believed when all are in quarantine', async () => {
    const { ledger, isOut } = world.over(['horizon'], 1);
    world.fault({ kind: 'passphrase', passphrase: 'Another Network' }, 'horizon');
    await assert.rejects(ledger.head(signal), { code: 'network-mismatch' });
    assert.ok(isOut('horizon'));
    const down: string[] = [];
    ledger.watchHeads(
      { event: () => assert.fail('believed'), down: (reason) => down.push(reason) },
      ended.signal,
    );
    await until(() => down.length > 0);
    assert.match(down[0]!, /every Horizon is in quarantine/);
    const { envelopeXdr } = world.envelope();
    assert.equal((await ledger.submit(envelopeXdr, signal)).kind, 'unsent', '@security nor is anything sent');
  });

  it('a server that hangs holds up neither reads of one nor agreement', async () => {
    world.hurry = true;
    const one = world.over(['horizon', 'horizon-2'], 1).ledger;
    await one.head(signal);
    const two = world.over(['horizon', 'rpc'], 1).ledger;
    await two.head(signal);
    const began = performance.now();
    const trickle = { kind: 'body', how: 'trickle', bytes: 1, everyMs: 1_000 } as const;
    world.fault(trickle, 'horizon');
    assert.equal((await one.offers('native', USDC, 10, signal))?.length, 2);
    world.sandbox.faults.remove();
    world.fault(trickle, 'rpc');
    assert.ok((await two.account(TRADER, signal)) !== undefined);
    assert.ok(performance.now() - began < 7_000, 'each of them would hold an answer up for 8 s');
  });
});
