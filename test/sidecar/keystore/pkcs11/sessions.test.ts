import assert from 'node:assert/strict';
import { createSessionPool, PoolClosed } from '../../../../sidecar/keystore/pkcs11/sessions.ts';

const never = new AbortController().signal;
const turn = () => new Promise(setImmediate);

/** A pool of numbered sessions, and tasks that end when told to. */
function setup(size: number) {
  let next = 1;
  const closed: number[] = [];
  const pool = createSessionPool<number>({
    open: () => next++,
    close: (session) => void closed.push(session),
    size,
  });
  const task = () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const state = {
      session: 0,
      resolve,
      run: (session: number) => {
        state.session = session;
        return promise;
      },
    };
    return state;
  };
  return { pool, closed, task };
}

describe('PKCS#11 session pool', () => {
  it('gives each task a session of its own, opens no more than needed, and reuses them in order', async () => {
    const { pool, task } = setup(2);
    const [a, b, c] = [task(), task(), task()];
    const done = [a, b, c].map(({ run }) => pool.use(run, never));
    await turn();
    assert.deepEqual([a.session, b.session, c.session], [1, 2, 0]);
    b.resolve('b');
    await turn();
    assert.equal(c.session, 2);
    a.resolve('a');
    c.resolve('c');
    assert.deepEqual(await Promise.all(done), ['a', 'b', 'c']);
  });

  it('closes a session in which anything failed, and opens another', async () => {
    const { pool, closed, task } = setup(1);
    await assert.rejects(
      pool.use(() => Promise.reject(new Error('CKR_X')), never),
      /CKR_X/,
    );
    assert.deepEqual(closed, [1]);
    const next = task();
    next.resolve('ok');
    await pool.use(next.run, never);
    assert.equal(next.session, 2);
  });

  it('frees an aborted caller at once, but the session only when its call has ended', async () => {
    const { pool, task } = setup(1);
    const controller = new AbortController();
    const [first, second] = [task(), task()];
    const aborted = pool.use(first.run, controller.signal);
    const waiting = pool.use(second.run, never);
    await turn();
    controller.abort(new Error('deadline'));
    await assert.rejects(aborted, /deadline/);
    await turn();
    assert.equal(second.session, 0);
    first.resolve('late');
    second.resolve('second');
    assert.equal(await waiting, 'second');
    assert.equal(second.session, 1);
  });

  it('forgets one that gave up waiting', async () => {
    const { pool, task } = setup(1);
    const controller = new AbortController();
    const [first, second, third] = [task(), task(), task()];
    const running = pool.use(first.run, never);
    const givenUp = pool.use(second.run, controller.signal);
    const waiting = pool.use(third.run, never);
    await turn();
    controller.abort(new Error('deadline'));
    await assert.rejects(givenUp, /deadline/);
    first.resolve('first');
    third.resolve('third');
    assert.deepEqual(await Promise.all([running, waiting]), ['first', 'third']);
    assert.equal(second.session, 0);
  });

  it('begins nothing for one who gave up in the very turn in which a session came free @security', async () => {
    const { pool, task } = setup(1);
    const controller = new AbortController();
    const [first, second] = [task(), task()];
    const running = pool.use(first.run, never);
    const givenUp = pool.use(second.run, controller.signal);
    await turn();
    first.resolve('first');
    await running;
    controller.abort(new Error('deadline'));
    await assert.rejects(givenUp, /deadline/);
    await turn();
    assert.equal(second.session, 0);
  });

  it('opens another session after its idle ones were dropped', async () => {
    const { pool, closed, task } = setup(1);
    for (const session of [1, 2]) {
      const next = task();
      next.resolve('ok');
      await pool.use(next.run, never);
      assert.equal(next.session, session);
      pool.freshen();
    }
    assert.deepEqual(closed, [1, 2]);
  });

  it('when closed, sends away who waits, lets what runs end, and takes nothing more', async () => {
    const { pool, closed, task } = setup(1);
    const [running, waiting] = [task(), task()];
    const done = pool.use(running.run, never);
    const sentAway = pool.use(waiting.run, never);
    let isClosed = false;
    const closing = pool.close().then(() => {
      isClosed = true;
    });
    await assert.rejects(sentAway, PoolClosed);
    await assert.rejects(
      pool.use(async () => 'x', never),
      PoolClosed,
    );
    await turn();
    assert.equal(isClosed, false);
    running.resolve('x');
    await Promise.all([done, closing]);
    assert.deepEqual([closed, waiting.session], [[1], 0]);
  });

  it('keeps the place of who waits when another, whose turn has just come, gives up', async () => {
    // Somewhere in these turns the session has been handed on, and who got it has not taken notice.
    for (let turns = 0; turns < 12; turns++) {
      const { pool, task } = setup(1);
      const [first, second, third] = [task(), task(), task()];
      const controller = new AbortController();
      const done = pool.use(first.run, never);
      const gaveUp = pool.use(second.run, controller.signal).catch(() => undefined);
      const waiting = pool.use(third.run, never);
      await turn();
      for (const one of [first, second, third]) one.resolve('done');
      for (let i = 0; i < turns; i++) await Promise.resolve();
      controller.abort(new Error('deadline'));
      await Promise.all([done, gaveUp]);
      assert.equal(await Promise.race([waiting, turn().then(turn)]), 'done', `after ${turns} turns`);
    }
  });
});
