import assert from 'node:assert/strict';
import type {
  BookLevels,
  LedgerHead,
  OfferEntry,
  PoolEntry,
  StreamHandlers,
} from '../../../connector/ledger/types.ts';
import { NATIVE } from '../../../connector/market/asset.ts';
import { type Book, createBook } from '../../../connector/market/books.ts';
import { applied, checksum, levelsOf } from '../../../connector/market/levels.ts';
import type { BookDiff } from '../../../connector/market/types.ts';
import { createClock, settle, type TestClock } from '../ledger/clock.ts';

const USDC = 'USDC:GB6AW4NE7GS76LM7HAYCPVZF2KLLMUPBS5YXEC2UEAWQ2IG4GB2FFPEB';
const market = { base: NATIVE, quote: USDC };
const US = 'us';

describe('connector/market/books', () => {
  let clock: TestClock;
  let book: Book;
  let offers: OfferEntry[];
  let pool: PoolEntry | undefined;
  let sequence: number;
  let reads: number;
  let failing: boolean;
  /** More offers than a server is asked for. */
  let deep: boolean;
  let stream: StreamHandlers<BookLevels>;
  let diffs: BookDiff[];
  let gaps: string[];
  let ended: AbortController;
  /** What happens while a snapshot is read. */
  let meanwhile: (() => void) | undefined;

  const ask = (
    id: string,
    amount: bigint,
    numerator: bigint,
    denominator = 100n,
    seller = 'a',
  ): OfferEntry => ({
    ...{ id, seller, selling: NATIVE, buying: USDC, amount },
    price: { numerator, denominator },
  });
  const bid = (id: string, amount: bigint, numerator: bigint, denominator = 1n): OfferEntry => ({
    ...{ id, seller: 'b', selling: USDC, buying: NATIVE, amount, price: { numerator, denominator } },
  });
  const head = (): LedgerHead => ({ sequence, closedAt: clock.now(), baseFee: 100n, baseReserve: 1n });
  const side = (selling: string): OfferEntry[] => offers.filter((it) => it.selling === selling);
  const levels = (): BookLevels => levelsOf(market, { asks: side(NATIVE), bids: side(USDC) });
  const tell = async (): Promise<void> => {
    stream.event(levels(), '');
    await settle();
  };
  /** A ledger closes, and is heard of. */
  const close = (): void => {
    sequence += 1;
    book.closed(head());
  };
  const ids = (): string[][] => {
    const edges = book.edges()!;
    return [edges.buy, edges.sell].map((edge) => edge.offers.map(({ amount }) => String(amount)));
  };

  beforeEach(async () => {
    clock = createClock();
    offers = [ask('1', 10_000n, 12n), ask('2', 30_000n, 13n), bid('3', 500n, 9n), bid('4', 70n, 10n)];
    [pool, sequence, reads, failing, deep, meanwhile] = [undefined, 50, 0, false, false, undefined];
    [diffs, gaps] = [[], []];
    ended = new AbortController();
    book = createBook(market, {
      account: US,
      ledger: {
        head: async () => head(),
        async offers(selling, _buying, limit) {
          if (failing) throw new Error('no connection');
          reads += 1;
          meanwhile?.();
          return deep ? undefined : side(selling).slice(0, limit);
        },
        poolOf: async () => pool,
        watchBook: (_base, _quote, handlers) => {
          stream = handlers;
        },
      },
      now: clock.now,
      sleep: clock.sleep,
      changed: (diff) => diffs.push(diff),
      gap: (_market, reason) => gaps.push(reason),
    });
    void book.start(ended.signal);
    await settle();
  });
  afterEach(async () => {
    ended.abort();
    await settle();
  });

  it('is there after the first snapshot, with offers for quotes, and each change is one sequence', async () => {
    const first = book.book()!;
    assert.deepEqual([first.asks, first.bids], [levels().asks, levels().bids]);
    assert.deepEqual([first.sequence, first.ledger, first.fresh, diffs.length], [1, 50, true, 1]);
    assert.deepEqual(ids(), [
      ['10000', '30000'],
      ['500', '70'],
    ]);
    stream.open?.(false);
    await tell();
    assert.equal(book.book()!.sequence, 1, 'the same again is no change');
    let copy: BookLevels = { bids: [], asks: [] };
    for (const change of [() => offers.splice(0, 1), () => offers.push(ask('9', 5_000n, 14n))]) {
      change();
      await tell();
      await clock.advance(300);
    }
    assert.deepEqual(
      diffs.map((it) => it.sequence),
      [1, 2, 3],
    );
    for (const diff of diffs) {
      copy = applied(copy, diff);
      assert.equal(checksum(copy), diff.checksum);
    }
    const now = book.book()!;
    assert.deepEqual(copy, { bids: now.bids, asks: now.asks });
    assert.equal(now.checksum, checksum(now));
  });

  it('shows a change at once, and quotes from its single offers as soon as they are read', async () => {
    stream.open?.(false);
    await tell();
    await clock.advance(1_000);
    offers = [ask('1', 6_000n, 12n), ask('8', 3_000n, 12n, 100n, US), ...offers.slice(1)];
    stream.event(levels(), '');
    assert.deepEqual(ids()[0], ['9000', '30000'], 'one for both of the level');
    await clock.advance(300);
    assert.deepEqual(ids()[0], ['6000', '3000', '30000']);
    assert.equal(book.edges()!.buy.offers[1]!.seller, US);
  });

  it('a quiet market stays fresh, by heads while its stream stands, and reads little', async () => {
    stream.open?.(false);
    await tell();
    await clock.advance(1_000);
    const before = reads;
    for (let ledger = 0; ledger < 60; ledger++) {
      close();
      await clock.advance(5_000);
      const { fresh, at, ledger: confirmed, sequence: number } = book.book()!;
      assert.ok(fresh && number === 1);
      assert.ok(clock.now() - at <= 15_000);
      assert.ok(confirmed >= sequence - 2 && confirmed <= sequence);
      assert.equal(book.edges()!.head.sequence, confirmed);
    }
    assert.ok(reads - before <= 2 * 16, `${reads - before} reads in five minutes`);
    assert.deepEqual(gaps, []);
  });

  it('@security heads alone confirm nothing: not just after one, not with the stream down', async () => {
    stream.open?.(false);
    await tell();
    await clock.advance(1_000);
    failing = true;
    const { ledger } = book.book()!;
    close();
    await clock.advance(5_000);
    assert.equal(book.book()!.ledger, ledger, 'the stream has had no time to tell');
    await clock.advance(2_000);
    assert.equal(book.book()!.ledger, sequence);
    stream.down?.('it broke');
    close();
    await clock.advance(10_000);
    assert.equal(book.book()!.ledger, sequence - 1);
    stream.open?.(false);
    assert.equal(book.book()!.ledger, sequence - 1, 'what it missed comes after this');
    close();
    await clock.advance(7_000);
    assert.equal(book.book()!.ledger, sequence, 'it need not tell again what it told before');
  });

  it('@security is stale, and quotes nothing, when its stream is down for long, though snapshots go on', async () => {
    stream.open?.(false);
    await tell();
    stream.down?.('it broke');
    await clock.advance(14_000);
    assert.equal(book.book()!.fresh, true);
    await clock.advance(2_000);
    assert.equal(book.book()!.fresh, false);
    assert.equal(book.edges(), undefined);
    offers.push(ask('9', 5_000n, 14n));
    await clock.advance(5_000);
    assert.deepEqual(book.book()!.asks, levels().asks, 'snapshots show it all the same');
    stream.open?.(false);
    assert.equal(book.book()!.fresh, true);
  });

  it('@security is stale when neither stream nor snapshots confirm it', async () => {
    stream.open?.(false);
    await tell();
    failing = true;
    await clock.advance(29_000);
    assert.equal(book.book()!.fresh, true);
    await clock.advance(2_000);
    assert.equal(book.book()!.fresh, false);
    assert.ok(gaps.includes('no connection'));
  });

  it('a stream that is some seconds behind a snapshot is waited for', async () => {
    stream.open?.(false);
    await tell();
    await clock.advance(1_000);
    offers.push(ask('9', 5_000n, 14n));
    await clock.advance(20_500);
    assert.equal(book.book()!.sequence, 1, 'the stream has not told it yet');
    await clock.advance(5_000);
    await tell();
    await clock.advance(60_000);
    assert.deepEqual([book.book()!.sequence, gaps.length], [2, 0]);
  });

  it('@security what the stream does not tell is found by snapshots, and said', async () => {
    stream.open?.(false);
    await tell();
    offers = offers.slice(1);
    await clock.advance(40_000);
    assert.deepEqual(book.book()!.asks, levels().asks);
    assert.deepEqual(gaps, ['snapshots show changes that the stream did not tell of']);
    assert.deepEqual(ids()[0], ['30000']);
  });

  it('a snapshot that is older than what the stream tells meanwhile changes nothing', async () => {
    stream.open?.(false);
    await tell();
    const old = offers;
    const news = [ask('1', 4_000n, 12n), ...offers.slice(1)];
    meanwhile = () => {
      meanwhile = undefined;
      offers = news;
      stream.event(levels(), '');
      offers = old;
      setImmediate(() => {
        offers = news;
      });
    };
    book.touch();
    await clock.advance(600);
    await clock.advance(600);
    assert.deepEqual(ids()[0], ['4000', '30000']);
    assert.equal(book.book()!.sequence, 2);
  });

  it('reads a pool again when told to, and quotes from it', async () => {
    stream.open?.(false);
    await tell();
    await clock.advance(1_000);
    assert.equal(book.pool(), undefined);
    pool = { id: 'p', assets: [NATIVE, USDC], reserves: [10n, 20n], totalShares: 1n, feeBps: 30 };
    book.touch();
    await clock.advance(300);
    assert.deepEqual(book.pool(), pool);
    assert.deepEqual([book.edges()!.sell.pool, book.edges()!.buy.pool], [pool, pool]);
  });

  it('keeps at most 200 levels and 1,000 offers a side, and is not led astray by a deeper book', async () => {
    offers = Array.from({ length: 3_000 }, (_, at) =>
      ask(String(at), 10_000n, 12n + BigInt(Math.floor(at / 6)), 10_000n),
    );
    const stands = { bids: [], asks: levels().asks.slice(0, 200) };
    stream.open?.(false);
    stream.event(stands, '');
    await clock.advance(60_000);
    assert.equal(book.book()!.asks.length, 200);
    assert.equal(book.edges()!.buy.offers.length, 1_000);
    assert.deepEqual(gaps, []);
  });

  it('@security of a book too deep to be read it has the levels of the stream, and quotes nothing', async () => {
    stream.open?.(false);
    await tell();
    await clock.advance(1_000);
    assert.notEqual(book.edges(), undefined);
    deep = true;
    offers = offers.slice(1);
    await tell();
    for (let i = 0; i < 8; i++) {
      close();
      await clock.advance(5_000);
    }
    assert.deepEqual([book.book()!.asks, book.book()!.fresh], [levels().asks, true]);
    assert.equal(book.edges(), undefined, 'the best of it may be missing');
    const before = reads;
    for (let i = 0; i < 10; i++) {
      offers = [...offers, ask(`1${i}`, 1_000n, 20n + BigInt(i))];
      close();
      await tell();
      await clock.advance(1_000);
    }
    assert.ok(reads - before <= 2, 'nor is it read anew at each change');
    deep = false;
    await clock.advance(60_000);
    await tell();
    await clock.advance(1_000);
    assert.notEqual(book.edges(), undefined);
    assert.deepEqual(gaps, []);
  });
});
