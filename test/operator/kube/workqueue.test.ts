import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { createWorkQueue } from '../../../operator/kube/workqueue.ts';
import { manualClock } from './clocks.ts';

const { signal } = new AbortController();

describe('work queue', () => {
  const make = () => {
    const clock = manualClock();
    return { clock, queue: createWorkQueue(clock, () => 0) };
  };

  it('gives a key once however often it was asked for', async () => {
    const { queue } = make();
    for (let times = 0; times < 3; times++) queue.add('a');
    queue.add('b');
    assert.deepEqual([await queue.take(signal), await queue.take(signal), queue.depth()], ['a', 'b', 0]);
  });

  it('keeps a key from a second worker until the first gives it back, and then gives it once more', async () => {
    const { queue } = make();
    queue.add('a');
    await queue.take(signal);
    queue.add('a');
    queue.add('a');
    const second = queue.take(signal);
    assert.equal(queue.depth(), 0);
    queue.done('a');
    assert.equal(await second, 'a');
    queue.done('a');
    assert.equal(queue.depth(), 0);
  });

  it('waits longer after each failure in a row, up to a minute, and starts over after a success', () => {
    const { queue } = make();
    const waits = Array.from({ length: 13 }, () => queue.addFailed('a'));
    assert.deepEqual(waits.slice(0, 3), [50, 100, 200]);
    assert.equal(waits.at(-1), 60_000);
    queue.forget('a');
    assert.equal(queue.addFailed('a'), 50);
    assert.equal(queue.addFailed('b'), 50, 'keys do not share their failures');
  });

  it('counts the shortest of several delays', () => {
    const { clock, queue } = make();
    queue.addAfter('a', 1000);
    queue.addAfter('a', 100);
    queue.addAfter('a', 500);
    clock.advance(99);
    assert.equal(queue.depth(), 0);
    clock.advance(1);
    assert.equal(queue.depth(), 1);
    clock.advance(5000);
    assert.equal(queue.depth(), 1, 'the longer delays are gone');
  });

  it('ends a wait when the signal is aborted, and loses no key by it', async () => {
    const { queue } = make();
    const stop = new AbortController();
    const waiting = queue.take(stop.signal);
    stop.abort();
    assert.equal(await waiting, undefined);
    queue.add('a');
    assert.equal(await queue.take(signal), 'a');
  });

  it('at any interleaving never has a key in two hands and never forgets one', async () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      act: fc.constantFrom('add', 'take', 'done'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { queue } = make();
        const held = new Set<string>();
        const owed = new Set<string>();
        for (const { key, act } of steps) {
          if (act === 'add') {
            queue.add(key);
            owed.add(key);
          } else if (act === 'take' && queue.depth() > 0) {
            const taken = (await queue.take(signal))!;
            assert.ok(!held.has(taken), 'in two hands');
            held.add(taken);
            owed.delete(taken);
          } else if (act === 'done' && held.delete(key)) queue.done(key);
        }
        for (const key of held) queue.done(key);
        const rest = new Set<string>();
        while (queue.depth() > 0) rest.add((await queue.take(signal))!);
        assert.deepEqual([...rest].sort(), [...owed].sort());
      }),
      { numRuns: 100 },
    );
  });
});
