import assert from 'node:assert/strict';
import { createBreaker } from '../../../connector/ledger/breaker.ts';

const OPTIONS = { failures: 3, pauseMs: 1_000, longestMs: 4_000 };

describe('connector/ledger/breaker', () => {
  let time = 0;
  let random = 1;
  const told: string[] = [];
  const create = () =>
    createBreaker(OPTIONS, { now: () => time, random: () => random }, (state) => void told.push(state));
  const end = (breaker: ReturnType<typeof create>, outcome: 'good' | 'bad' | 'unknown'): void =>
    breaker.enter(false)!(outcome);

  beforeEach(() => {
    time = 1_000_000;
    random = 1;
    told.length = 0;
  });

  const opened = () => {
    const breaker = create();
    for (let i = 0; i < OPTIONS.failures; i += 1) end(breaker, 'bad');
    return breaker;
  };

  it('opens after failures in a row, not after some between successes, nor after what we gave up', () => {
    const breaker = create();
    for (const outcome of ['bad', 'bad', 'good', 'bad', 'unknown', 'bad'] as const) end(breaker, outcome);
    assert.equal(breaker.state(), 'closed');
    end(breaker, 'bad');
    assert.equal(breaker.state(), 'open');
    assert.equal(breaker.enter(false), undefined);
    assert.equal(breaker.waitMs(), 1_000);
    assert.deepEqual(told, ['open']);
  });

  it('lets one try after the pause, waits longer after each failed trial, and closes on success', () => {
    const breaker = opened();
    for (const pause of [1_000, 2_000, 4_000, 4_000]) {
      time += pause - 1;
      assert.equal(breaker.enter(false), undefined);
      time += 1;
      const trial = breaker.enter(false);
      assert.ok(trial, `after ${pause} ms`);
      assert.equal(breaker.enter(false), undefined, 'one at a time');
      trial('bad');
    }
    time += 4_000;
    end(breaker, 'good');
    assert.equal(breaker.state(), 'closed');
    assert.deepEqual(told, ['open', 'closed']);
    for (let i = 0; i < OPTIONS.failures; i += 1) end(breaker, 'bad');
    assert.equal(breaker.waitMs(), 1_000, 'the pause begins small again');
  });

  it('a trial that was given up leaves room for the next', () => {
    const breaker = opened();
    time += 1_000;
    end(breaker, 'unknown');
    end(breaker, 'good');
    assert.equal(breaker.state(), 'closed');
  });

  it('pauses are half to whole', () => {
    random = 0;
    assert.equal(opened().waitMs(), 500);
  });

  it('a submission goes through an open one, and its success closes it', () => {
    const breaker = opened();
    const late = breaker.enter(true)!;
    breaker.enter(true)!('bad');
    assert.equal(breaker.waitMs(), 1_000, 'its failure does not lengthen the pause');
    late('good');
    late('bad');
    assert.equal(breaker.state(), 'closed');
  });

  it('is closed by a reset', () => {
    const breaker = opened();
    breaker.reset();
    assert.equal(breaker.state(), 'closed');
  });
});
