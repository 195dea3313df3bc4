import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createQueue } from '../../../connector/transactions/queue.ts';

const forever = new AbortController().signal;

describe('connector/transactions/queue', () => {
  it('runs one at a time, in order, also after a failure', async () => {
    const queue = createQueue();
    const trail: string[] = [];
    const task =
      (name: string, ms: number, fails = false) =>
      async () => {
        trail.push(`+${name}`);
        await delay(ms);
        trail.push(`-${name}`);
        if (fails) throw new Error(name);
        return name;
      };
    const all = await Promise.allSettled([
      queue.run(task('a', 10), 1_000, forever),
      queue.run(task('b', 5, true), 1_000, forever),
      queue.run(task('c', 1), 1_000, forever),
    ]);
    assert.deepEqual(trail, ['+a', '-a', '+b', '-b', '+c', '-c']);
    assert.deepEqual(
      all.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
  });

  it('lets who is aborted or waited too long go, never starts their task, and opens nothing for those behind', async () => {
    const queue = createQueue();
    const gone = new AbortController();
    const trail: string[] = [];
    const first = queue.run(async () => delay(40).then(() => trail.push('first')), 1_000, forever);
    const aborted = queue.run(async () => trail.push('aborted'), 1_000, gone.signal);
    const late = queue.run(async () => trail.push('late'), 5, forever);
    const last = queue.run(async () => trail.push('last'), 1_000, forever);
    gone.abort(new Error('gone'));
    await assert.rejects(aborted, /gone/);
    await assert.rejects(late, { code: 'rate-limited' });
    await Promise.all([first, last]);
    assert.deepEqual(trail, ['first', 'last']);
  });

  it('holds on to nothing of what was done', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const queue = createQueue();
    const results: WeakRef<object>[] = [];
    for (let i = 0; i < 3; i++) {
      await queue.run(
        async () => {
          const result = { order: i };
          results.push(new WeakRef(result));
          return result;
        },
        1_000,
        forever,
      );
    }
    await queue.run(async () => undefined, 1_000, forever);
    await delay(1);
    collect();
    assert.deepEqual(
      results.map((result) => result.deref()),
      [undefined, undefined, undefined],
    );
  });

  it('says when it is idle', async () => {
    const queue = createQueue();
    await queue.idle();
    let done = false;
    void queue.run(
      async () => {
        await delay(10);
        done = true;
      },
      1_000,
      forever,
    );
    await queue.idle();
    assert.equal(done, true);
  });
});
