import assert from 'node:assert/strict';
import { createLimits } from '../../../sidecar/auth/limits.ts';

describe('limits of the socket @security', () => {
  it('takes so many at once, and one more as soon as one is out', () => {
    const limits = createLimits({ now: () => 0, maxRequests: 2 });
    const leave = limits.enter();
    limits.enter();
    assert.throws(() => limits.enter(), { code: 'overloaded' });
    leave();
    limits.enter();
    assert.throws(() => limits.enter(), { code: 'overloaded' });
  });

  it('takes five seconds’ worth at once and then so many a second', () => {
    let now = 0;
    const limits = createLimits({ now: () => now, requestsPerSecond: 2 });
    const ask = (): void => limits.enter()();
    for (let i = 0; i < 10; i++) ask();
    assert.throws(ask, { code: 'too-many-requests' });
    now = 500;
    ask();
    assert.throws(ask, { code: 'too-many-requests' });
  });

  it('does not count what it refuses', () => {
    let now = 0;
    const limits = createLimits({ now: () => now, maxRequests: 1, requestsPerSecond: 1 });
    const leave = limits.enter();
    for (let i = 0; i < 100; i++) assert.throws(() => limits.enter(), { code: 'overloaded' });
    leave();
    for (let i = 0; i < 4; i++) limits.enter()();
    assert.throws(() => limits.enter(), { code: 'too-many-requests' });
    now = 1_000;
    limits.enter()();
  });
});
