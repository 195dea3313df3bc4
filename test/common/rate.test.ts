import assert from 'node:assert/strict';
import { createRateLimit } from '../../common/rate.ts';

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
    // A rate that is raised holds from the next signature on, one that is lowered at once.
    now += 1_000;
    assert.equal(takeAll(7), 2);
    now += 1_000;
    assert.equal(takeAll(7), 7);
    now += 2_000;
    assert.equal(takeAll(1), 2);
  });

  it('fills by the smallest of several rates, in whichever order they are asked, and takes nothing by being asked', () => {
    for (const rates of [
      [1000, 1],
      [1, 1000],
    ]) {
      let now = 0;
      const rate = createRateLimit(() => now);
      const takeAll = () => {
        let count = 0;
        while (count < 100 && rates.every((perSecond) => rate.has(perSecond))) {
          rate.take();
          count++;
        }
        return count;
      };
      assert.equal(takeAll(), 5);
      for (let i = 0; i < 10; i++) {
        now += 200;
        rates.map((perSecond) => rate.has(perSecond));
      }
      assert.equal(takeAll(), 2);
    }
  });
});
