import assert from 'node:assert/strict';
import { isWhole } from '../../../connector/ledger/facts.ts';

describe('connector/ledger: histories', () => {
  const HOUR = 3_600_000;
  const closedAt = 1_800_000_000_000;

  it('@security what a history has not is absent only if it reaches back to when it was made', () => {
    const history = { oldest: 5_000, latest: 5_720, closedAt };
    assert.ok(isWhole(history));
    assert.ok(isWhole(history, closedAt - 0.5 * HOUR));
    assert.ok(!isWhole(history, closedAt - HOUR));
    assert.ok(!isWhole({ ...history, oldest: 5_700 }), 'a history that has just begun');
    assert.ok(isWhole({ ...history, oldest: 2 }, closedAt - 100 * HOUR), 'all of a young network');
  });
});
