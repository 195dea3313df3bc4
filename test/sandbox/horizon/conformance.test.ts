import assert from 'node:assert/strict';
import { summary, walkFolder } from '../recorded/main.ts';
import { fixtures, type Walk } from '../recorded/walk.ts';

/** The ledger refuses them, so that the world has none. */
const REFUSED = /claimable_balance/;

describe('Horizon against every recorded exchange and stream', function () {
  this.timeout(60_000);
  let walk: Walk;

  before(async () => {
    walk = await walkFolder(fixtures(false), false);
  });

  it('answers as recorded', () => {
    assert.deepEqual(walk.differences, [], summary(walk));
  });

  it('meets all that was recorded, but for what the ledger refuses', () => {
    assert.deepEqual(
      walk.unmet.filter((one) => !REFUSED.test(one)),
      [],
    );
  });

  it('leaves out by name only what is not served, and what neither a request nor a fault brings about', () => {
    assert.deepEqual([...walk.notServed].map(([reason, numbers]) => [reason, numbers.length]).sort(), [
      ['a limit on requests', 6],
      ['assets', 3],
      ['before the first ledger', 8],
      ['claimable balances', 1],
      ['trade aggregations', 8],
    ]);
  });
});
