import assert from 'node:assert/strict';
import { summary, walkFolder } from '../recorded/main.ts';
import { fixtures, type Walk } from '../recorded/walk.ts';

describe('Stellar RPC against every recorded exchange', function () {
  this.timeout(60_000);
  let walk: Walk;

  before(async () => {
    walk = await walkFolder(fixtures(true), true);
  });

  it('answers as recorded', () => {
    assert.deepEqual(walk.differences, [], summary(walk));
  });

  it('meets all that was recorded', () => {
    assert.deepEqual(walk.unmet, []);
  });

  it('leaves out by name only what is not served', () => {
    assert.deepEqual(Object.fromEntries(walk.notServed), {
      getEvents: [54, 55, 56, 57, 58, 59],
      simulateTransaction: [60, 61, 62],
    });
  });
});
