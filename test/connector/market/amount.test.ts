import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  formatAmount,
  formatFee,
  formatRatio,
  MAX_STROOPS,
  parseAmount,
  parseHorizonAmount,
} from '../../../connector/market/amount.ts';

const stroops = fc.bigInt({ min: 1n, max: MAX_STROOPS });

describe('connector/market/amount', () => {
  it('reads back every amount that it writes', () => {
    fc.assert(
      fc.property(stroops, (amount) => {
        assert.equal(parseAmount(formatAmount(amount), 'amount'), amount);
        assert.equal(parseHorizonAmount(formatAmount(amount)), amount);
        assert.equal(parseAmount(formatFee(amount), 'amount'), amount);
      }),
    );
  });

  it('reads a JSON number by its shortest decimal text, so that no binary fraction shows', () => {
    // Up to 15 significant digits a double has the decimal that was written.
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 999_999_999_999_999n }), (amount) => {
        const wire = JSON.parse(`{"amount":${formatAmount(amount)}}`) as { amount: number };
        assert.equal(parseAmount(wire.amount, 'amount'), amount);
      }),
    );
    assert.equal(parseAmount(0.1, 'amount'), 1_000_000n);
    assert.equal(parseAmount(1e-7, 'amount'), 1n);
    assert.equal(parseAmount(1.1e2, 'amount'), 1_100_000_000n);
  });

  it('cuts what is below a stroop and never rounds up', () => {
    assert.equal(parseAmount('1.99999999', 'amount'), 19_999_999n);
    assert.equal(parseAmount(0.1 + 0.2, 'amount'), 3_000_000n);
  });

  it('refuses zero, dust, signs, other notations and amounts beyond int64 without repeating them', () => {
    const bad = [
      '0',
      '0.00000009',
      '-1',
      '+1',
      '0x10',
      '1,5',
      '',
      ' 1',
      'NaN',
      '1e99',
      '922337203685.4775808',
    ];
    for (const text of bad) {
      assert.throws(
        () => parseAmount(text, 'amount'),
        (error: Error & { code: string }) =>
          error.code === 'invalid-params' && !(text.length > 4 && error.message.includes(text)),
        text,
      );
    }
    for (const number of [Number.NaN, Number.POSITIVE_INFINITY, 1e300]) {
      assert.throws(() => parseAmount(number, 'amount'), { code: 'invalid-params' });
    }
  });

  it('takes only Horizon’s own form from Horizon', () => {
    assert.equal(parseHorizonAmount('0.0000000'), 0n);
    for (const text of ['1', '1.0', '-1.0000000', '1.00000000', '922337203685.4775808', '1e7']) {
      assert.equal(parseHorizonAmount(text), undefined, text);
    }
  });

  it('writes negative changes, and prices with seven decimals or more where they have more', () => {
    assert.equal(formatAmount(-100_000_000n), '-10.0000000');
    assert.equal(formatFee(100n), '0.00001');
    assert.equal(formatFee(10_000_000n), '1');
    assert.equal(formatRatio(1n, 4n), '0.2500000');
    assert.equal(formatRatio(1n, 3_000_000n), '0.0000003333333333');
  });
});
