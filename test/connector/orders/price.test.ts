import assert from 'node:assert/strict';
import fc from 'fast-check';
import { canRest, comparePrices, ledgerPrice, toPrice } from '../../../connector/orders/price.ts';
import { adjustAmount, INT64_MAX } from '../../sandbox/ledger/exchange.ts';
import { price } from './orders-rig.ts';

const MAX = 2_147_483_647n;
const int32 = fc.bigInt({ min: 1n, max: MAX });
/** Prices as clients write them, up to 18 decimals. */
const decimal = fc
  .tuple(fc.bigInt({ min: 1n, max: 10n ** 15n }), fc.integer({ min: 0, max: 18 }))
  .map(([digits, scale]) => ({ numerator: digits, denominator: 10n ** BigInt(scale) }))
  .filter(({ numerator: n, denominator: d }) => n * 100_000n >= d && n <= d * 100_000n);

describe('connector/orders/price', () => {
  it('keeps what the ledger can write exactly', () => {
    assert.deepEqual(ledgerPrice('SELL', price('0.125')), { n: 1n, d: 8n });
    fc.assert(
      fc.property(int32, int32, fc.constantFrom('BUY' as const, 'SELL' as const), (n, d, side) => {
        const found = ledgerPrice(side, { numerator: n, denominator: d });
        assert.equal(found.n * d, found.d * n);
      }),
    );
  });

  it('is never worse than asked, within a millionth, and no 32-bit fraction is nearer', () => {
    fc.assert(
      fc.property(decimal, int32, fc.constantFrom('BUY' as const, 'SELL' as const), (asked, d, side) => {
        const found = ledgerPrice(side, asked);
        assert.ok(found.n >= 1n && found.n <= MAX && found.d >= 1n && found.d <= MAX);
        const worse = comparePrices(toPrice(found), asked) * (side === 'SELL' ? -1 : 1);
        assert.ok(worse <= 0, `${found.n}/${found.d} for ${asked.numerator}/${asked.denominator}`);
        // The nearest fraction with any denominator, on the allowed side.
        const exact = asked.numerator * d;
        const n =
          side === 'SELL' ? (exact + asked.denominator - 1n) / asked.denominator : exact / asked.denominator;
        if (n < 1n || n > MAX) return;
        const order = comparePrices(toPrice(found), { numerator: n, denominator: d });
        assert.ok(
          side === 'SELL' ? order <= 0 : order >= 0,
          `${n}/${d} is nearer than ${found.n}/${found.d}`,
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses by name what cannot be kept', () => {
    for (const text of ['0', '0.0000000001', '4000000000.5']) {
      assert.throws(() => ledgerPrice('BUY', price(text), 'lowerPrice'), {
        code: 'invalid-params',
        field: 'lowerPrice',
      });
    }
  });

  it('knows as the ledger does whether an offer would be kept', () => {
    const small = fc.bigInt({ min: 1n, max: 2000n });
    fc.assert(
      fc.property(small, small, fc.bigInt({ min: 1n, max: 100_000n }), (n, d, amount) => {
        const kept = adjustAmount({ n: Number(n), d: Number(d) }, amount, INT64_MAX) > 0n;
        assert.equal(canRest('SELL', amount, { n, d }), kept);
        const bought = adjustAmount({ n: Number(d), d: Number(n) }, INT64_MAX, amount) > 0n;
        assert.equal(canRest('BUY', amount, { n, d }), bought);
      }),
      { numRuns: 1000 },
    );
  });
});
