import assert from 'node:assert/strict';
import * as quarantine from '../../../connector/ledger/quarantine.ts';

const { spotless, lied, agreed, struck, disputed, isDisputed, QUARANTINE_MS } = quarantine;
const T = 1_800_000_000_000;

describe('connector/ledger: quarantine', () => {
  it('@security a liar is out until it agreed for five minutes', () => {
    const out = lied(spotless, 'a reason');
    assert.equal(out.quarantine?.reason, 'a reason');
    const first = agreed(out, T + 1_000);
    const before = agreed(first, T + 1_000 + QUARANTINE_MS - 1);
    assert.notEqual(before.quarantine, undefined);
    assert.equal(agreed(before, T + 1_000 + QUARANTINE_MS).quarantine, undefined);
  });

  it('@security time alone does not let it out, and another lie begins the time anew', () => {
    const out = lied(spotless, 'a reason');
    assert.notEqual(agreed(out, T + 10 * QUARANTINE_MS).quarantine, undefined);
    const again = lied(agreed(out, T), 'again');
    assert.equal(again.quarantine?.reason, 'again');
    assert.notEqual(agreed(agreed(again, T + 299_500), T + QUARANTINE_MS).quarantine, undefined);
    const unread = struck(agreed(out, T), 'unreadable', T + 299_000);
    assert.notEqual(agreed(unread, T + QUARANTINE_MS).quarantine, undefined);
  });

  it('@security three answers in a minute that cannot be believed are a lie; one, or three in an hour, are not', () => {
    const once = struck(spotless, 'x', T);
    const twice = struck(once, 'x', T + 10_000);
    assert.equal(twice.quarantine, undefined);
    assert.equal(struck(twice, 'x', T + 61_000).quarantine, undefined);
    assert.equal(struck(twice, 'third', T + 20_000).quarantine?.reason, 'third');
  });

  it('a dispute is remembered as long, and agreement changes nothing for who is not out', () => {
    const standing = disputed(spotless, 'x', T);
    assert.deepEqual(
      [isDisputed(standing, T + QUARANTINE_MS - 1), isDisputed(standing, T + QUARANTINE_MS)],
      [true, false],
    );
    assert.equal(agreed(standing, T), standing);
    assert.equal(isDisputed(spotless, T), false);
  });
});
