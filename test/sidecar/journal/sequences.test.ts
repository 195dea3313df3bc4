import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createSequences, GRACE_SECONDS, type LiveSequence } from '../../../sidecar/journal/sequences.ts';
import { ACCOUNT } from '../policy/fixtures.ts';

const A = 'aa'.repeat(32);
const B = 'bb'.repeat(32);

describe('live sequences @security', () => {
  let wall: bigint;
  let monotonicMs: number;
  const create = () =>
    createSequences(
      () => wall,
      () => monotonicMs,
    );
  const of = (changes: Partial<LiveSequence> = {}): LiveSequence => ({
    source: ACCOUNT,
    sequence: 5n,
    hash: A,
    maxTime: 1_030n,
    fee: 100n,
    ...changes,
  });
  const isLive = { code: 'sequence-live' };
  /** Both clocks go on. */
  const pass = (seconds: number): void => {
    wall += BigInt(seconds);
    monotonicMs += seconds * 1000;
  };
  beforeEach(() => {
    wall = 1_000n;
    monotonicMs = 0;
  });

  it('lets one hash have a sequence until its maxTime has passed by a minute', () => {
    const sequences = create();
    sequences.take(of())(true);
    for (const seconds of [0, 30, 60]) {
      pass(seconds);
      assert.throws(() => sequences.take(of({ hash: B, maxTime: 1_200n })), isLive);
      assert.equal(sequences.signed(A)?.hash, A);
      sequences.take(of())(true);
    }
    pass(1);
    assert.equal(sequences.signed(A), undefined);
    sequences.take(of({ hash: B, maxTime: 1_200n }))(true);
    assert.throws(() => sequences.take(of()), isLive);
  });

  it('ends nothing early when the wall clock jumps ahead, and nothing while it is back', () => {
    const sequences = create();
    sequences.take(of())(true);
    wall += 86_400n;
    assert.throws(() => sequences.take(of({ hash: B })), isLive);
    wall -= 2n * 86_400n;
    monotonicMs += 91_000;
    assert.throws(() => sequences.take(of({ hash: B })), isLive);
    wall += 86_400n;
    pass(91);
    sequences.take(of({ hash: B }))(true);
  });

  it('knows sequences and sources apart', () => {
    const sequences = create();
    sequences.take(of())(true);
    sequences.take(of({ sequence: 6n, hash: B }))(true);
    sequences.take(of({ source: 'other', hash: 'cc'.repeat(32) }))(true);
    assert.equal(sequences.save().length, 3);
  });

  it('holds it while a signature is being made, and frees it when none can have left', () => {
    const sequences = create();
    const first = sequences.take(of());
    const second = sequences.take(of());
    assert.equal(sequences.signed(A), undefined);
    first(false);
    pass(5_000);
    assert.throws(() => sequences.take(of({ hash: B })), isLive);
    second(false);
    sequences.take(of({ hash: B }))(true);
  });

  it('keeps it when one of two failed and the other left', () => {
    const sequences = create();
    const first = sequences.take(of());
    sequences.take(of())(true);
    first(false);
    assert.throws(() => sequences.take(of({ hash: B })), isLive);
  });

  it('only ever raises the fee', () => {
    const sequences = create();
    for (const fee of [100n, 300n, 200n]) sequences.take(of({ fee }))(true);
    assert.equal(sequences.signed(A)?.fee, 300n);
  });

  it('is the same after a restart', () => {
    const before = create();
    before.take(of({ fee: 300n }))(true);
    before.take(of({ sequence: 6n, hash: B }));
    const after = create();
    after.load(before.save());
    assert.deepEqual(after.save(), before.save());
    assert.equal(after.signed(A)?.fee, 300n);
    assert.throws(() => after.take(of({ hash: B })), isLive);
    after.take(of({ sequence: 6n, hash: 'cc'.repeat(32) }))(true);
  });

  it('never has two released hashes that can apply at once, however clocks step and signatures fail', () => {
    const step = fc.record({
      again: fc.option(fc.nat({ max: 2 })),
      released: fc.boolean(),
      waits: fc.boolean(),
      seconds: fc.integer({ min: 0, max: 100 }),
      /** How far the wall clock is ahead of the true time from here on. */
      ahead: fc.constantFrom(0n, 0n, 0n, 3_600n, -3_600n),
      restart: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const trueTime = () => 100_000n + BigInt(monotonicMs / 1000);
        monotonicMs = 0;
        wall = trueTime();
        let sequences = create();
        let made = 0;
        const asked: LiveSequence[] = [];
        const left = new Map<string, LiveSequence>();
        let waiting: (() => void)[] = [];
        for (const { again, released, waits, seconds, ahead, restart } of steps) {
          monotonicMs += seconds * 1000;
          wall = trueTime() + ahead;
          // A restart knows no time but the wall clock's.
          if (restart && ahead === 0n) {
            const saved = sequences.save();
            sequences = create();
            sequences.load(saved);
            waiting = [];
          }
          const old = again === null ? undefined : asked.at(-1 - again);
          const one = old ?? of({ hash: `hash ${made++}`, maxTime: wall + 30n });
          asked.push(one);
          // The policy refuses what has expired.
          if (one.maxTime <= wall) continue;
          try {
            const settle = sequences.take(one);
            const done = () => {
              settle(released);
              // With a clock that is ahead for good nobody knows when it ends.
              if (released && one.maxTime <= trueTime() + 30n) left.set(one.hash, one);
            };
            if (waits) waiting.push(done);
            else done();
          } catch {
            waiting.shift()?.();
          }
          const live = [...left.values()].filter(({ maxTime }) => maxTime >= trueTime());
          assert.ok(live.length <= 1, live.map(({ hash }) => hash).join());
        }
      }),
      { numRuns: 500 },
    );
    assert.equal(GRACE_SECONDS, 60n);
  });
});
