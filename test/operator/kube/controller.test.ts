import assert from 'node:assert/strict';
import { createLogger } from '../../../common/log.ts';
import {
  type Controller,
  createController,
  type Reconcile,
  TerminalError,
} from '../../../operator/kube/controller.ts';
import { manualClock } from './clocks.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('controller', () => {
  const clock = manualClock();
  let controller: Controller;
  let outcomes: string[];
  let stop: AbortController;
  let abandon: AbortController;
  let done: Promise<void>;

  function start(reconcile: Reconcile): void {
    outcomes = [];
    stop = new AbortController();
    abandon = new AbortController();
    const observe = (outcome: string): number => outcomes.push(outcome);
    controller = createController({
      reconcile,
      clock,
      random: () => 0,
      log: createLogger('t', 'fatal'),
      observe,
    });
    done = controller.run(2, stop.signal, abandon.signal);
    controller.enqueue('ns/a');
  }
  afterEach(async () => {
    stop.abort();
    await done;
  });

  it('tries again after a throw, later each time', async () => {
    let tries = 0;
    start(async () => {
      if (++tries < 3) throw new Error('not yet');
      return {};
    });
    await settle();
    assert.equal(tries, 1);
    clock.advance(50);
    await settle();
    clock.advance(99);
    await settle();
    assert.equal(tries, 2);
    clock.advance(1);
    await settle();
    assert.deepEqual(outcomes, ['error', 'error', 'success']);
  });

  it('does not try again after a TerminalError, but for a new change or at its time', async () => {
    start(async () => {
      throw new TerminalError('Bad', 'bad');
    });
    await settle();
    clock.advance(3_600_000);
    await settle();
    assert.deepEqual(outcomes, ['terminal_error']);
    controller.enqueue('ns/a');
    await settle();
    assert.equal(outcomes.length, 2);
  });

  it('looks again when a result or a TerminalError says when', async () => {
    const results = [
      () => Promise.reject(new TerminalError('Bad', 'bad', { retryAfterMs: 100 })),
      async () => ({ requeueAfterMs: 200 }),
      async () => ({}),
    ];
    start(() => results.shift()!());
    await settle();
    clock.advance(100);
    await settle();
    clock.advance(200);
    await settle();
    assert.deepEqual(outcomes, ['terminal_error', 'requeue_after', 'success']);
  });

  it('lets a reconcile under way end before it stops, unless it is abandoned', async () => {
    let ended = false;
    start(
      (_key, { signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve({}))),
    );
    await settle();
    stop.abort();
    done.then(() => {
      ended = true;
    });
    await settle();
    assert.equal(ended, false);
    abandon.abort();
    await done;
    assert.equal(ended, true);
  });
});
