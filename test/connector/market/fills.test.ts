import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LedgerTrade, StreamHandlers } from '../../../connector/ledger/types.ts';
import { NATIVE } from '../../../connector/market/asset.ts';
import { createFills, fillOf, marketSchema } from '../../../connector/market/fills.ts';
import type { Fill } from '../../../connector/market/types.ts';
import { openState, type State } from '../../../connector/state.ts';

const ISSUER = 'GB6AW4NE7GS76LM7HAYCPVZF2KLLMUPBS5YXEC2UEAWQ2IG4GB2FFPEB';
const [USDC, EURC, NOISE] = [`USDC:${ISSUER}`, `EURC:${ISSUER}`, `NOISE:${ISSUER}`];
const US = 'us';
const markets = [
  { base: NATIVE, quote: USDC },
  { base: EURC, quote: USDC },
];
const HEAD = 100;
const SYNTHETIC = String(2n ** 62n + 5n);

/** A trade of ledger `HEAD + 1 + after`, in which we gave the base asset as maker unless told otherwise. */
const trade = (after: number, change: Partial<LedgerTrade> = {}): LedgerTrade => ({
  cursor: `${(BigInt(HEAD + 1 + after) << 32n) + 4097n}-0`,
  at: 1_000 + after,
  baseAsset: NATIVE,
  quoteAsset: USDC,
  baseAmount: 100n,
  quoteAmount: 12n,
  price: { numerator: 12n, denominator: 100n },
  baseIsSeller: true,
  baseAccount: US,
  baseOfferId: '7',
  quoteAccount: 'them',
  quoteOfferId: SYNTHETIC,
  poolId: undefined,
  ...change,
});

describe('connector/market/fills', () => {
  let folder: string;
  let state: State;
  let history: LedgerTrade[];
  let asked: string[];
  let stream: { cursor: string; handlers: StreamHandlers<LedgerTrade> } | undefined;
  let down: boolean;
  let ended: AbortController;
  let told: Fill[];
  let failures: string[];

  const compare = (a: string, b: string): number => {
    const [[p = 0n, q = 0n], [r = 0n, s = 0n]] = [a, b].map((it) =>
      it.split('-').map(BigInt),
    ) as bigint[][] as [bigint[], bigint[]];
    return p === r ? Number(q - s) : p < r ? -1 : 1;
  };
  const open = () =>
    createFills({
      ...{ account: US, markets, state },
      ledger: {
        head: async () => ({ sequence: HEAD, closedAt: 0, baseFee: 100n, baseReserve: 1n }),
        async tradesOf(_account, cursor, limit) {
          asked.push(cursor);
          if (down) throw new Error('no connection');
          return history.filter((it) => compare(it.cursor, cursor) > 0).slice(0, limit);
        },
        watchTradesOf: (_account, cursor, handlers) => {
          stream = { cursor, handlers };
        },
      },
      sleep: async () => {
        await turn();
        down = false;
      },
      filled: (fill) => told.push(fill),
      failed: (reason) => failures.push(reason),
    });
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const ids = (fills: readonly Fill[]): string[] => fills.map(({ id }) => id);
  const cursors = (trades: readonly LedgerTrade[]): string[] => trades.map(({ cursor }) => cursor);
  const restart = (): void => {
    state.close();
    state = openState(folder, [marketSchema]);
    stream = undefined;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fills-'));
    state = openState(folder, [marketSchema]);
    [history, asked, told, failures] = [[], [], [], []];
    stream = undefined;
    down = false;
    ended = new AbortController();
  });
  afterEach(() => {
    ended.abort();
    state.close();
    rmSync(folder, { recursive: true });
  });

  it('are mapped to market, side, role and offer, however the ledger turns the pair', () => {
    const of = (change: Partial<LedgerTrade>) => {
      const fill = fillOf(trade(0, change), US, markets);
      return fill && [fill.side, fill.baseAmount, fill.quoteAmount, fill.role, fill.offerId, fill.poolId];
    };
    const asTaker = { baseAccount: 'them', quoteAccount: US };
    const turned = { baseAsset: USDC, quoteAsset: NATIVE, baseAmount: 12n, quoteAmount: 100n };
    assert.deepEqual(of({}), ['SELL', 100n, 12n, 'maker', '7', undefined]);
    assert.deepEqual(of(asTaker), ['BUY', 100n, 12n, 'taker', undefined, undefined]);
    assert.deepEqual(of({ ...asTaker, baseIsSeller: false, quoteOfferId: '9' }), [
      ...['BUY', 100n, 12n, 'maker', '9', undefined],
    ]);
    // What was left of its order rests now, but it was the taker of this.
    assert.deepEqual(of({ ...asTaker, quoteOfferId: '9' })?.slice(3, 5), ['taker', undefined]);
    assert.deepEqual(of(turned), ['BUY', 100n, 12n, 'maker', '7', undefined]);
    assert.deepEqual(of({ ...turned, ...asTaker }), ['SELL', 100n, 12n, 'taker', undefined, undefined]);
    const pool = { poolId: 'aa', baseAccount: undefined, baseOfferId: undefined, quoteAccount: US };
    assert.deepEqual(of(pool), ['BUY', 100n, 12n, 'taker', undefined, 'aa']);
    assert.equal(of({ quoteAsset: NOISE }), undefined, 'of a pair that is not listed');
    assert.equal(of({ baseAccount: 'other' }), undefined, 'of others');
  });

  it('begin with the first start, and go on with what was traded while nobody looked, each once', async () => {
    const before = trade(-1);
    history = [before];
    await open().start(ended.signal);
    assert.deepEqual(told, []);
    stream!.handlers.event(trade(0), '');
    await turn();
    history.push(trade(0));
    // More than a page, pairs that are not listed among them.
    const missed = Array.from({ length: 450 }, (_, at) =>
      trade(at + 1, at % 3 === 0 ? { quoteAsset: NOISE } : {}),
    );
    history.push(...missed);
    restart();
    const fills = open();
    await fills.start(ended.signal);
    const expected = cursors(history.filter((it) => it !== before && it.quoteAsset !== NOISE));
    assert.deepEqual(ids(told), expected);
    assert.equal(stream!.cursor, missed.at(-1)!.cursor, 'the stream goes on where the pages ended');
    assert.equal(asked.at(-1), missed[399]!.cursor);
    restart();
    await open().start(ended.signal);
    assert.equal(told.length, expected.length, 'none is told again');
    assert.equal(asked.at(-1), missed.at(-1)!.cursor);
  });

  it('@security what comes twice counts once, and a fill is kept with its cursor or not at all', async () => {
    await open().start(ended.signal);
    stream!.handlers.event(trade(0), '');
    stream!.handlers.event(trade(0), '');
    assert.equal(told.length, 0, 'not before it is kept');
    await turn();
    assert.equal(told.length, 1);
    const { db } = state;
    db.exec("CREATE TRIGGER full BEFORE INSERT ON market_cursor BEGIN SELECT RAISE(ABORT, 'full'); END");
    stream!.handlers.event(trade(1), '');
    await turn();
    assert.match(failures[0]!, /full/);
    stream!.handlers.event(trade(2), '');
    assert.equal(told.length, 1, 'not told');
    const count = () => db.prepare('SELECT count(*) AS n FROM market_fills').get() as { n: number };
    assert.equal(count().n, 1, 'and not kept');
    db.exec('DROP TRIGGER full');
    for (let turns = 0; told.length < 3 && turns < 100; turns++) await turn();
    assert.deepEqual(ids(told), cursors([trade(0), trade(1), trade(2)]), 'but when it can be, in order');
    stream!.handlers.event(trade(3), '');
    ended.abort();
    await turn();
    assert.equal(told.length, 3, 'what came last is left to the next process');
    told = [];
    ended = new AbortController();
    history = [0, 1, 2, 3].map((at) => trade(at));
    restart();
    await open().start(ended.signal);
    assert.deepEqual(ids(told), cursors([trade(3)]), 'and none is told again');
  });

  it('@security a trade that the stream left out becomes a fill when it is read elsewhere, once', async () => {
    const fills = open();
    await fills.start(ended.signal);
    stream!.handlers.event(trade(1), '');
    await turn();
    fills.heard([trade(0), trade(1)]);
    fills.heard([trade(0), trade(1)]);
    assert.deepEqual(ids(told), cursors([trade(1), trade(0)]));
    restart();
    history = [0, 1, 2].map((at) => trade(at));
    told = [];
    await open().start(ended.signal);
    assert.deepEqual(ids(told), cursors([trade(2)]), 'reading goes on after the newest all the same');
  });

  it('a path payment fills in each listed market that it passes', async () => {
    await open().start(ended.signal);
    const taker = { baseAccount: 'them', quoteAccount: US };
    const first = trade(0, taker);
    const cursor = first.cursor.replace(/-0$/, '-1');
    stream!.handlers.event(first, '');
    stream!.handlers.event({ ...first, cursor, baseAsset: USDC, quoteAsset: EURC }, '');
    await turn();
    assert.deepEqual(
      told.map(({ market, side, role }) => [market.base, side, role]),
      [
        [NATIVE, 'BUY', 'taker'],
        [EURC, 'SELL', 'taker'],
      ],
    );
  });

  it('are listed newest first, by market, page and offer', async () => {
    history = [0, 1, 2, 3].map((at) => trade(at, at === 1 ? { baseAsset: EURC, baseOfferId: '8' } : {}));
    const fills = open();
    await fills.start(ended.signal);
    const all = cursors(history).reverse();
    assert.deepEqual(ids(fills.list({ limit: 10 })), all);
    assert.deepEqual(ids(fills.list({ limit: 2 })), all.slice(0, 2));
    assert.deepEqual(ids(fills.list({ limit: 10, before: all[1]! })), all.slice(2));
    assert.deepEqual(ids(fills.list({ limit: 10, before: 'gone' })), []);
    assert.deepEqual(ids(fills.list({ limit: 10, market: markets[1]! })), [all[2]]);
    assert.deepEqual(ids(fills.ofOffer('8')), [all[2]]);
    assert.deepEqual(fills.ofOffer('8')[0], fillOf(history[1]!, US, markets));
  });

  it('a ledger that cannot be asked at the start is asked again, and a cut history is said', async () => {
    down = true;
    history = [trade(0)];
    await open().start(ended.signal);
    assert.deepEqual(failures, ['no connection']);
    assert.equal(told.length, 1);
    stream!.handlers.open!(false);
    assert.equal(failures.length, 1);
    stream!.handlers.open!(true);
    assert.match(failures[1]!, /may be missing/);
  });

  it('keep the newest only', async () => {
    const fills = open();
    const many = Array.from({ length: 1_200 }, (_, at) => trade(at));
    history = many;
    const { db } = state;
    // As if there had been many before.
    db.exec(`INSERT INTO market_fills (number, id, at, base, quote, side, base_amount, quote_amount, role)
      VALUES (1, 'old', 0, 'native', '${USDC}', 'BUY', '1', '1', 'maker')`);
    db.exec(
      'INSERT INTO market_fills SELECT 199500, id || 1, at, base, quote, side, base_amount, quote_amount, offer, pool, role FROM market_fills',
    );
    await fills.start(ended.signal);
    const { id } = fills.list({ limit: 10_000 }).at(-1)!;
    assert.equal(id, 'old1');
  });
});
