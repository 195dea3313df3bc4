import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import type { BookLevel, OfferEntry } from '../../../connector/ledger/types.ts';
import { NATIVE } from '../../../connector/market/asset.ts';
import {
  applied,
  byPrice,
  checksum,
  difference,
  levelsOf,
  type Offers,
  offersBehind,
  ownLevels,
  priceKey,
} from '../../../connector/market/levels.ts';

const USDC = 'USDC:GB6AW4NE7GS76LM7HAYCPVZF2KLLMUPBS5YXEC2UEAWQ2IG4GB2FFPEB';
const market = { base: NATIVE, quote: USDC };
const US = 'us';

const price = fc.record({
  numerator: fc.bigInt({ min: 1n, max: 12n }),
  denominator: fc.bigInt({ min: 1n, max: 12n }),
});
const offer = (isAsk: boolean): fc.Arbitrary<OfferEntry> =>
  fc
    .record({
      id: fc.uuid(),
      seller: fc.constantFrom(US, 'a', 'b'),
      amount: fc.bigInt({ min: 1n, max: 10n ** 12n }),
      price,
    })
    .map((it) => ({
      ...it,
      selling: isAsk ? NATIVE : USDC,
      buying: isAsk ? USDC : NATIVE,
    }));
const sorted = (offers: OfferEntry[]): OfferEntry[] => offers.sort(byPrice);
const offers: fc.Arbitrary<Offers> = fc.record({
  asks: fc.array(offer(true), { maxLength: 30 }).map(sorted),
  bids: fc.array(offer(false), { maxLength: 30 }).map(sorted),
});

const level = (numerator: bigint, denominator: bigint, amount: bigint): BookLevel => ({
  price: { numerator, denominator },
  amount,
});

describe('connector/market/levels', () => {
  it('adds offers of one price up, whichever fraction names it, and sorts best first', () => {
    const ask = { seller: 'a', selling: NATIVE, buying: USDC };
    const bid = { seller: 'a', selling: USDC, buying: NATIVE };
    const of = (numerator: bigint, denominator: bigint) => ({ numerator, denominator });
    const levels = levelsOf(market, {
      asks: [
        { ...ask, id: '1', amount: 5n, price: of(22n, 10n) },
        { ...ask, id: '2', amount: 7n, price: of(11n, 5n) },
        { ...ask, id: '3', amount: 1n, price: of(2n, 1n) },
      ],
      bids: [
        { ...bid, id: '4', amount: 10n, price: of(3n, 1n) },
        { ...bid, id: '5', amount: 7n, price: of(2n, 3n) },
      ],
    });
    assert.deepEqual(levels.asks, [level(2n, 1n, 1n), level(11n, 5n, 12n)]);
    // 7 of the quote take 4.66 of base at 3/2; amounts are rounded down.
    assert.deepEqual(levels.bids, [level(3n, 2n, 4n), level(1n, 3n, 30n)]);
  });

  it('a difference put into the old book gives the new one, with its checksum (property)', () => {
    fc.assert(
      fc.property(offers, offers, (one, other) => {
        const [before, after] = [levelsOf(market, one), levelsOf(market, other)];
        const changes = difference(before, after);
        const result = applied(before, changes);
        assert.deepEqual(result, after);
        assert.equal(checksum(result), checksum(after));
        const none = difference(after, after);
        assert.deepEqual([none.asks, none.bids], [[], []]);
        for (const { amount, price } of changes.asks) {
          const had = before.asks.find((it) => priceKey(it.price) === priceKey(price));
          assert.notEqual(had?.amount ?? 0n, amount, 'only what changed');
        }
      }),
    );
  });

  it('the checksum is CRC-32 of the text that the page gives, over 25 levels a side', () => {
    const book = {
      bids: [level(239n, 2000n, 20_000_000n), level(2n, 20n, 1n)],
      asks: [level(601n, 5000n, 20_000_000_000n)],
    };
    assert.equal(checksum(book), crc32('239/2000:2.0000000,1/10:0.0000001,601/5000:2000.0000000'));
    assert.equal(checksum({ bids: [], asks: [] }), 0);
    const asks = Array.from({ length: 26 }, (_, at) => level(BigInt(at + 1), 1n, 1n));
    const bids: BookLevel[] = [];
    const moved = (at: number) => asks.map((it, index) => (index === at ? { ...it, amount: 2n } : it));
    assert.equal(checksum({ bids, asks: moved(25) }), checksum({ bids, asks }));
    assert.notEqual(checksum({ bids, asks: moved(24) }), checksum({ bids, asks }));
  });

  it('offers stand behind levels: all of them where nothing changed, one for all where it did (property)', () => {
    fc.assert(
      fc.property(offers, offers, (known, news) => {
        // A bid that is worth less than a stroop of base is in no level.
        const levels = levelsOf(market, known);
        const kept = offersBehind(market, levels, known, US);
        assert.deepEqual(kept.asks, known.asks);
        assert.deepEqual(levelsOf(market, kept), levels);
        const told = levelsOf(market, news);
        const behind = levelsOf(market, offersBehind(market, told, known, US));
        assert.deepEqual(behind.asks, told.asks);
        for (const { price, amount } of told.bids) {
          const found = behind.bids.find((it) => priceKey(it.price) === priceKey(price));
          // What stands for a bid is in quote, rounded down.
          const lost = price.denominator / price.numerator + 1n;
          const difference = amount - (found?.amount ?? 0n);
          assert.ok(difference >= 0n && difference <= lost);
        }
      }),
    );
  });

  it('a level that changed is still ours where one of its offers was', () => {
    const of = { numerator: 1n, denominator: 2n };
    const entry = { selling: NATIVE, buying: USDC, amount: 5n, price: of };
    const known = {
      asks: [
        { ...entry, id: '1', seller: 'a' },
        { ...entry, id: '2', seller: US },
      ],
      bids: [],
    };
    const told = { asks: [level(1n, 2n, 7n), level(3n, 4n, 1n)], bids: [] };
    const { asks } = offersBehind(market, told, known, US);
    assert.deepEqual(
      asks.map(({ seller, amount }) => [seller, amount]),
      [
        [US, 7n],
        ['', 1n],
      ],
    );
  });

  it('says what is ours at each level, of this market only (property)', () => {
    fc.assert(
      fc.property(offers, (all) => {
        const every = [...all.asks, ...all.bids];
        const foreign = every.map((it) => ({ ...it, selling: 'EURC:x', seller: US }));
        const own = ownLevels(market, [...every, ...foreign], US);
        const mine = (side: readonly OfferEntry[]) => side.filter(({ seller }) => seller === US);
        const expected = levelsOf(market, { asks: mine(all.asks), bids: mine(all.bids) });
        for (const side of ['asks', 'bids'] as const) {
          assert.deepEqual(
            [...own[side]],
            expected[side].map((it) => [priceKey(it.price), it.amount]),
          );
        }
      }),
    );
  });
});
