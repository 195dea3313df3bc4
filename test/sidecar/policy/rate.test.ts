import assert from 'node:assert/strict';
import { createRateLimit } from '../../../sidecar/policy/rate.ts';

describe('signing policy: rate @security', () => {
  it('gives five seconds’ worth at once, then the rate', () => {
    let now = 0;
    const rate = createRateLimit(() => now);
    const takeAll = (perSecond: number) => {
      let count = 0;
      while (count < 100 && rate.has(perSecond)) {
        rate.take();
        count++;
      }
      return count;
    };
    assert.equal(takeAll(2), 10);
    now += 499;
    assert.equal(takeAll(2), 0);
    now += 1;
    assert.equal(takeAll(2), 1);
    now += 3_600_000;
    assert.equal(takeAll(2), 10);
    now += 1_000;
    assert.equal(takeAll(7), 7);
  });
});
