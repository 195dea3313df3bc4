import assert from 'node:assert/strict';
import { uniform } from '../../common/random.ts';

describe('uniform', () => {
  it('spreads over [0, 1)', () => {
    const drawn = Array.from({ length: 4000 }, uniform);
    assert.ok(drawn.every((one) => one >= 0 && one < 1));
    assert.equal(new Set(drawn.map((one) => Math.floor(one * 16))).size, 16);
    const mean = drawn.reduce((sum, one) => sum + one) / drawn.length;
    // Six standard deviations.
    assert.ok(Math.abs(mean - 0.5) < 6 / Math.sqrt(12 * drawn.length), String(mean));
  });
});
