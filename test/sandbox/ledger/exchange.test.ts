import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  adjustAmount,
  exchange,
  INT64_MAX,
  offerLiabilities,
  type Price,
  withinPriceError,
} from './exchange.ts';

const int64 = fc.oneof(
  fc.bigInt(1n, 1_000n),
  fc.bigInt(1n, 10n ** 12n),
  fc.bigInt(1n, INT64_MAX),
  fc.constant(INT64_MAX),
);
const price: fc.Arbitrary<Price> = fc.record({
  n: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 0x7fffffff })),
  d: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 0x7fffffff })),
});

/** An offer as it stands in the book: its amount fits what its owner can give and take. */
const offer = fc
  .record({ price, wheatSend: int64, sheepReceive: int64 })
  .map((raw) => ({ ...raw, wheatSend: adjustAmount(raw.price, raw.wheatSend, raw.sheepReceive) }))
  .filter(({ wheatSend }) => wheatSend > 0n);

describe('exchange: what one offer trades', function () {
  this.timeout(10_000);
  it('never takes more than either side can give', () => {
    fc.assert(
      fc.property(offer, int64, fc.boolean(), (resting, amount, isSend) => {
        const limits = {
          wheatSend: resting.wheatSend,
          sheepReceive: resting.sheepReceive,
          sheepSend: isSend ? amount : INT64_MAX,
          wheatReceive: isSend ? INT64_MAX : amount,
        };
        const { wheat, sheep } = exchange(resting.price, limits, isSend ? 'strict_send' : 'strict_receive');
        assert.ok(wheat >= 0n && wheat <= limits.wheatSend && wheat <= limits.wheatReceive);
        assert.ok(sheep >= 0n && sheep <= limits.sheepSend && sheep <= limits.sheepReceive);
      }),
    );
  });

  it('never gives an offer that stays less than its price, and one that is taken not 1 % less', () => {
    fc.assert(
      fc.property(offer, int64, fc.boolean(), (resting, amount, isSend) => {
        const limits = {
          wheatSend: resting.wheatSend,
          sheepReceive: resting.sheepReceive,
          sheepSend: isSend ? amount : INT64_MAX,
          wheatReceive: isSend ? INT64_MAX : amount,
        };
        const trade = exchange(resting.price, limits, isSend ? 'strict_send' : 'strict_receive');
        const paid = trade.sheep * BigInt(resting.price.d);
        const due = trade.wheat * BigInt(resting.price.n);
        assert.ok(
          trade.wheatStays ? paid >= due : withinPriceError(resting.price, trade.wheat, trade.sheep, true),
        );
      }),
    );
  });

  it('uses up the exact amount of a path payment where the offer is the larger side', () => {
    fc.assert(
      fc.property(offer, int64, fc.boolean(), (resting, amount, isSend) => {
        const limits = {
          wheatSend: resting.wheatSend,
          sheepReceive: resting.sheepReceive,
          sheepSend: isSend ? amount : INT64_MAX,
          wheatReceive: isSend ? INT64_MAX : amount,
        };
        const trade = exchange(resting.price, limits, isSend ? 'strict_send' : 'strict_receive');
        assert.ok(!trade.wheatStays || (isSend ? trade.sheep : trade.wheat) === amount);
      }),
    );
  });

  it('in normal rounding trades nothing rather than more than 1 % from the price, either way', () => {
    fc.assert(
      fc.property(offer, int64, int64, (resting, sheepSend, wheatReceive) => {
        const limits = { ...resting, sheepSend, wheatReceive };
        const { wheat, sheep } = exchange(resting.price, limits, 'normal');
        assert.equal(wheat === 0n, sheep === 0n);
        assert.ok(withinPriceError(resting.price, wheat, sheep, false));
      }),
    );
  });

  it('adjusts an amount once and for all', () => {
    fc.assert(
      fc.property(price, int64, int64, (at, wheatSend, sheepReceive) => {
        const once = adjustAmount(at, wheatSend, sheepReceive);
        assert.ok(once <= wheatSend);
        assert.equal(adjustAmount(at, once, sheepReceive), once);
      }),
    );
  });

  it('reserves for a resting offer its amount and what it is worth, rounded down', () => {
    assert.deepEqual(offerLiabilities({ n: 12, d: 100 }, 1_000_000n), {
      selling: 1_000_000n,
      buying: 120_000n,
    });
    assert.deepEqual(offerLiabilities({ n: 7, d: 3 }, 10n), { selling: 10n, buying: 23n });
    assert.deepEqual(offerLiabilities({ n: 3, d: 7 }, 10n), { selling: 10n, buying: 4n });
  });
});
