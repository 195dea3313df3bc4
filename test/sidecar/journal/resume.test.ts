import assert from 'node:assert/strict';
import { resume } from '../../../sidecar/journal/state.ts';
import { verifyFolder } from '../../../sidecar/journal/verify.ts';
import { ACCOUNT } from '../policy/fixtures.ts';
import { createPlace, type Place, START_MS, signed } from './fixtures.ts';

const HOUR_MS = 3_600_000;

describe('a start with a wrong clock @security', () => {
  let place: Place;
  const { hash, sequence, maxTime } = signed(0);
  const other = { source: ACCOUNT, sequence: BigInt(sequence), hash: 'ee'.repeat(32), fee: 100n };
  /** As the signer starts. */
  const start = async () => {
    await place.closeAll();
    const journal = await place.open();
    const { wallMs, monotonicMs } = place.time;
    const resumed = resume(
      journal.restored,
      () => place.time.wallMs,
      () => place.time.monotonicMs,
    );
    assert.ok(resumed.clock.windowMs() >= journal.restored.at && wallMs > 0 && monotonicMs > 0);
    await journal.append({ type: 'started', at: resumed.clock.windowMs() });
    const takeOther = () =>
      resumed.sequences.take({ ...other, maxTime: BigInt(Math.floor(place.time.wallMs / 1000) + 100) });
    return { journal, ...resumed, takeOther };
  };
  beforeEach(async () => {
    place = createPlace();
    const { journal } = await start();
    await journal.append(signed(0, { at: START_MS }));
    place.time.wallMs += 5_000;
  });
  afterEach(() => place.remove());

  it('lets no other body have a live sequence, whether it is ahead or behind, and over checkpoints', async () => {
    for (const jump of [HOUR_MS, 0, -HOUR_MS, 30 * 24 * HOUR_MS]) {
      place.time.wallMs = START_MS + jump;
      const { journal, takeOther, sequences, clock } = await start();
      assert.throws(takeOther, { code: 'sequence-live' }, `clock ${jump} ms ahead`);
      assert.equal(sequences.signed(hash)?.maxTime, BigInt(maxTime));
      // Also when a checkpoint was written by that clock.
      place.pass(10);
      for (let n = 1; journal.checkpoint() === 0; n++)
        await journal.append(signed(n, { at: clock.windowMs(), operations: Array(5_000).fill('payment') }));
    }
    assert.ok((await verifyFolder(place.dir)).ok);
  });

  it('ends it when what was left of it has passed since the start', async () => {
    place.time.wallMs += 10_000;
    const { takeOther } = await start();
    place.pass(90_000);
    assert.throws(takeOther, { code: 'sequence-live' });
    place.pass(1_000);
    takeOther();
  });
});
