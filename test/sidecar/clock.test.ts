import assert from 'node:assert/strict';
import { createClock } from '../../sidecar/clock.ts';

describe('clock @security', () => {
  it('counts windows by the monotonic clock, from the wall clock at the start', () => {
    let wall = 1_000_000;
    let monotonic = 50.5;
    const clock = createClock(
      () => wall,
      () => monotonic,
    );
    wall += 3_600_000;
    monotonic += 10;
    assert.equal(clock.windowMs(), 1_000_010);
    assert.equal(clock.wallMs(), 4_600_000);
  });

  it('never goes back behind what was counted before the start', () => {
    const clock = createClock(
      () => 1_000,
      () => 7,
      5_000,
    );
    assert.equal(clock.windowMs(), 5_000);
  });
});
