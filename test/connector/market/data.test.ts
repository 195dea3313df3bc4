import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  BookLevels,
  Ledger,
  LedgerHead,
  LedgerTrade,
  StreamHandlers,
} from '../../../connector/ledger/types.ts';
import { STROOPS_PER_UNIT } from '../../../connector/market/amount.ts';
import { NATIVE } from '../../../connector/market/asset.ts';
import { createMarketData } from '../../../connector/market/data.ts';
import { marketSchema } from '../../../connector/market/fills.ts';
import { applied, checksum } from '../../../connector/market/levels.ts';
import { parseSlippage, type Side, type SwapRequest } from '../../../connector/market/quote.ts';
import type { BookDiff, Fill } from '../../../connector/market/types.ts';
import { openState, type State } from '../../../connector/state.ts';
import { strictReceive, strictSend } from '../../sandbox/testing.ts';
import { createClock, settle } from '../ledger/clock.ts';
import { type SourcesWorld, startSourcesWorld, TRADER, USDC } from '../ledger/sources-world.ts';

const market = { base: NATIVE, quote: USDC };
const { signal } = new AbortController();
const never = (_ms: number, until: AbortSignal): Promise<void> =>
  new Promise((_resolve, reject) => {
    until.addEventListener('abort', () => reject(until.reason), { once: true });
  });
const request = (side: Side, units: bigint): SwapRequest => ({
  ...{ side, base: NATIVE, quote: USDC, amount: units * STROOPS_PER_UNIT },
  slippage: parseSlippage('1'),
});

async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += 5) {
    if (waited > 10_000) throw new Error('it did not come');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('connector/market/data: over the ledger of the sandbox', function () {
  this.timeout(30_000);
  let world: SourcesWorld;
  let ledger: Ledger;
  let folder: string;
  let state: State;
  let ended: AbortController;
  let asked: number;
  /** By how much the connector's clock is ahead, milliseconds. */
  let ahead: number;
  const open = () => {
    ended = new AbortController();
    const data = createMarketData(
      { account: TRADER, markets: [market], events: { gap() {}, failed() {} } },
      {
        state,
        now: () => world.now() + ahead,
        // Short waits are none, long ones do not end: what happens is told by the ledger alone.
        sleep: (ms, cut) => (ms < 1_000 ? Promise.resolve() : never(ms, cut)),
        ledger: {
          ...ledger,
          paths(...parameters) {
            asked++;
            return ledger.paths(...parameters);
          },
        },
      },
    );
    data.start(ended.signal);
    return data;
  };
  const submit = (operation: ReturnType<typeof strictSend>): void => {
    world.sandbox.network.submit(world.envelope(operation).envelopeXdr);
    world.advance(5_000);
  };
  const held = () => {
    const { state: now } = world.sandbox.network;
    return { xlm: now.account(TRADER)!.balance, usdc: now.trustline(TRADER, USDC as never)!.balance };
  };
  /** A quote from our own books; ledgers close until there is one. */
  const local = async (data: ReturnType<typeof open>, asking: SwapRequest) => {
    for (let tries = 0; ; tries++) {
      const found = await data.quote(asking, signal);
      if (found.freshness.source === 'local') return found;
      assert.ok(tries < 200, 'no quote from our own book');
      world.advance(100);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };

  before(async () => {
    world = await startSourcesWorld();
    ({ ledger } = world.over(['horizon'], 1));
    folder = mkdtempSync(join(tmpdir(), 'market-'));
    state = openState(folder, [marketSchema]);
    [asked, ahead] = [0, 0];
  });
  beforeEach(() => {
    world.advance(5_000);
    [asked, ahead] = [0, 0];
  });
  afterEach(() => ended?.abort());
  after(async () => {
    state.close();
    await world.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('quotes from the book what the ledger then gives, to the stroop, and says for which ledger', async () => {
    const data = open();
    for (const [side, operation] of [
      ['SELL', strictSend({ sendAmount: '77' })],
      ['BUY', strictReceive({ destAmount: '31' })],
    ] as const) {
      const { quote, freshness } = await local(data, request(side, side === 'SELL' ? 77n : 31n));
      assert.ok(freshness.ledger <= world.sandbox.network.latest.sequence);
      assert.ok(freshness.ageMs >= 0 && freshness.ageMs < 30_000);
      const before = held();
      submit(operation);
      const after = held();
      if (side === 'SELL') assert.equal(after.usdc - before.usdc, quote.amountOut);
      else assert.equal(before.usdc - after.usdc, quote.amountIn);
      const { asks, bids } = data.book(market)!;
      await until(() => {
        const now = data.book(market)!;
        return now.asks[0]!.amount !== asks[0]!.amount || now.bids[0]!.amount !== bids[0]!.amount;
      });
    }
  });

  it('asks the server for paths while its own book is not fresh, with what they hold for', async () => {
    const data = open();
    const early = await data.quote(request('SELL', 10n), signal);
    assert.equal(early.freshness.source, 'paths');
    assert.equal(early.freshness.ledger, world.sandbox.network.latest.sequence);
    assert.equal(asked, 1);
    const own = await local(data, request('SELL', 10n));
    const times = asked;
    assert.deepEqual(own.quote, early.quote);
    await data.quote(request('BUY', 10n), signal);
    assert.equal(asked, times, 'not while it is fresh');
  });

  it('goes on quoting from a quiet book, for newer and newer ledgers', async () => {
    const data = open();
    const { ledger: first } = (await local(data, request('SELL', 10n))).freshness;
    let newest = first;
    for (let tries = 0; newest <= first + 1; tries++) {
      assert.ok(tries < 100, 'never confirmed');
      world.advance(2_000);
      await new Promise((resolve) => setTimeout(resolve, 10));
      newest = (await local(data, request('SELL', 10n))).freshness.ledger;
    }
  });

  it('@security quotes nothing of its own when no ledger was heard of for 20 s', async () => {
    const data = open();
    await local(data, request('SELL', 10n));
    ahead = 19_000;
    assert.equal((await data.quote(request('SELL', 10n), signal)).freshness.source, 'local');
    ahead = 21_000;
    assert.equal((await data.quote(request('SELL', 10n), signal)).freshness.source, 'paths');
  });

  it('refuses what no path trades, and a pair of one asset, without asking the server', async () => {
    const data = open();
    await local(data, request('SELL', 10n));
    const times = asked;
    await assert.rejects(data.quote(request('BUY', 10_000_000n), signal), { code: 'no-route-found' });
    await assert.rejects(data.quote({ ...request('BUY', 1n), quote: NATIVE }, signal), {
      code: 'invalid-params',
    });
    assert.equal(asked, times);
  });

  it('tells of books, trades and own fills, each fill once over a restart', async () => {
    const first = open();
    const diffs: BookDiff[] = [];
    const trades: LedgerTrade[] = [];
    const fills: Fill[] = [];
    await local(first, request('SELL', 1n));
    await until(() => first.book(market) !== undefined);
    let copy = first.book(market)!;
    const unheard = first.onBook(market, (diff) => diffs.push(diff));
    first.onTrade(market, (trade) => trades.push(trade));
    first.onFill((fill) => fills.push(fill));
    submit(strictSend({ sendAmount: '3' }));
    await until(() => {
      world.advance(100);
      return diffs.length > 0 && trades.length > 0 && fills.length > 0;
    });
    const [diff] = diffs;
    copy = { ...copy, ...applied(copy, diff!) };
    assert.deepEqual([diff!.sequence, checksum(copy)], [copy.sequence + 1, diff!.checksum]);
    const newest = fills.at(-1)!;
    assert.deepEqual(
      [newest.side, newest.baseAmount, newest.role, newest.offerId],
      ['SELL', 3n * STROOPS_PER_UNIT, 'taker', undefined],
    );
    assert.equal(first.trades(market)[0]!.cursor, newest.id);
    unheard();
    const kept = first.fills({ limit: 100 }).map(({ id }) => id);
    ended.abort();
    submit(strictSend({ sendAmount: '4' }));
    const second = open();
    await until(() => second.fills({ limit: 1 })[0]?.baseAmount === 4n * STROOPS_PER_UNIT);
    const now = second.fills({ limit: 100 }).map(({ id }) => id);
    assert.deepEqual(now.slice(1), kept, 'those from before, once');
    assert.equal(new Set(now).size, now.length);
    assert.equal(diffs.length, 1, 'not called any more');
  });
});

describe('connector/market/data: which ledger a quote holds for', () => {
  it('is the oldest that a book of its paths is confirmed for, not the last that was heard of', async () => {
    const clock = createClock();
    const folder = mkdtempSync(join(tmpdir(), 'market-'));
    const state = openState(folder, [marketSchema]);
    const ended = new AbortController();
    const EURC = USDC.replace('USDC', 'EURC');
    const markets = [market, { base: EURC, quote: USDC }, { base: EURC, quote: NATIVE }];
    let sequence = 70;
    const head = () => ({ sequence, closedAt: clock.now(), baseFee: 100n, baseReserve: 1n });
    const heads: ((head: LedgerHead) => void)[] = [];
    const streams = new Map<string, StreamHandlers<BookLevels>>();
    const price = { numerator: 1n, denominator: 1n };
    const levels = { bids: [{ price, amount: 1_000_000n }], asks: [] };
    const stub: Partial<Ledger> = {
      head: async () => head(),
      offers: async (selling, buying) =>
        markets.some(({ quote, base }) => selling === quote && buying === base)
          ? [{ id: '1', seller: 'a', selling, buying, amount: 1_000_000n, price }]
          : [],
      poolOf: async () => undefined,
      trades: async () => [],
      tradesOf: async () => [],
      paths: async () => [],
      watchHeads: ({ event }) => void heads.push((it) => event(it, '')),
      watchBook: (base, quote, handlers) => void streams.set(`${base}/${quote}`, handlers),
      watchTrades() {},
      watchTradesOf() {},
    };
    const data = createMarketData(
      { account: TRADER, markets, events: { gap() {}, failed() {} } },
      { ledger: stub as Ledger, state, now: clock.now, sleep: clock.sleep },
    );
    try {
      data.start(ended.signal);
      await settle();
      const close = (): void => {
        sequence += 1;
        for (const tell of heads) tell(head());
      };
      const small: SwapRequest = { ...request('SELL', 1n), amount: 1_000n };
      const asked = async () => (await data.quote(small, signal)).freshness;
      await assert.rejects(asked(), { code: 'no-route-found' }, 'no head was heard of: the server was asked');
      for (const it of streams.values()) {
        it.open?.(false);
        it.event(levels, '');
      }
      close();
      await clock.advance(1_000);
      assert.deepEqual(await asked(), { source: 'local', ledger: 71, ageMs: 1_000 });
      close();
      assert.equal((await asked()).ledger, 71, 'streams had no time to tell');
      await clock.advance(7_000);
      assert.equal((await asked()).ledger, 72);
      // One of the way round through EURC lags.
      streams.get(`${EURC}/${NATIVE}`)!.down?.('it broke');
      await clock.advance(250);
      close();
      streams.get(`native/${USDC}`)!.event(levels, '');
      streams.get(`${EURC}/${USDC}`)!.event(levels, '');
      assert.equal((await asked()).ledger, 72);
      await clock.advance(16_000);
      close();
      await assert.rejects(asked(), { code: 'no-route-found' }, 'it is stale: the server was asked');
    } finally {
      ended.abort();
      await settle();
      state.close();
      rmSync(folder, { recursive: true });
    }
  });
});
