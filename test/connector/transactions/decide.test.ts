import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  begin,
  decide,
  type LookupFact,
  type Outcome,
  type Progress,
  type Step,
  type SubmitFact,
} from '../../../connector/transactions/decide.ts';
import type { DecodedResult } from '../../../connector/transactions/result.ts';

const START = 1_800_000_000_000;
const MAX_TIME = START / 1_000 + 30;

const result = (code: string): DecodedResult => ({
  ...{ successful: code === 'txSuccess', feeCharged: 100n, code, operationCode: undefined, operations: [] },
});
const found = (code: string) => ({ kind: 'found', found: { ledger: 7, result: result(code) } }) as const;
const refused = (code: string) =>
  ({ kind: 'refused', refusal: { result: result(code), reason: 'refused' } }) as const;
const absent = (closedAt: number): LookupFact => ({ kind: 'absent', closedAt });

/** A server of the script's answers, until the fate is known. Each step is `submit`, `look-up` or the outcome. */
function play(script: { submits: SubmitFact[]; lookup: (now: number) => LookupFact }, maybeTaken = false) {
  let progress: Progress = begin(MAX_TIME, START, maybeTaken);
  let step: Step = { action: maybeTaken ? 'look-up' : 'submit', afterMs: 0 };
  let now = START;
  const submits = [...script.submits];
  const trail: { action: string; at: number }[] = [];
  while (step.action !== 'done') {
    now += step.afterMs + 10;
    trail.push({ action: step.action, at: now - START });
    assert.ok(trail.length < 500, 'no end in sight');
    ({ progress, step } =
      step.action === 'submit'
        ? decide(progress, { event: 'submitted', fact: submits.shift() ?? { kind: 'pending' }, now })
        : decide(progress, { event: 'looked-up', fact: script.lookup(now), now }));
  }
  return { outcome: step.outcome as Outcome, trail, took: now - START, progress };
}

/** A ledger closed every five seconds and never had it. */
const never = (now: number): LookupFact => absent(now - (now % 5_000));

describe('connector/transactions/decide', () => {
  it('ends at once when the answer has it, applied or failed', () => {
    assert.deepEqual(play({ submits: [found('txSuccess')], lookup: never }).outcome.kind, 'applied');
    assert.deepEqual(play({ submits: [found('txFailed')], lookup: never }).outcome.kind, 'failed');
  });

  it('finds out by lookup what a silent or broken submission became', () => {
    for (const kind of ['pending', 'unavailable', 'untrusted'] as const) {
      const fact = { kind, reason: 'x' } as SubmitFact;
      const seen = (now: number): LookupFact => (now > START + 4_000 ? found('txSuccess') : never(now));
      const { outcome, trail } = play({ submits: [fact], lookup: seen });
      assert.equal(outcome.kind, 'applied');
      assert.equal(trail[1]?.action, 'look-up');
    }
  });

  it('sends the same envelope again while it can still apply, and not after', () => {
    const { outcome, trail } = play({ submits: [], lookup: never });
    assert.equal(outcome.kind, 'expired');
    const sent = trail.filter(({ action }) => action === 'submit');
    assert.ok(sent.length >= 3);
    assert.ok(sent.every(({ at }) => at < 30_000));
  });

  it('@security says expired only when ledger and clock are both past maxTime by the margin', () => {
    const future = play({ submits: [], lookup: () => absent(START + 3_600_000) });
    assert.equal(future.outcome.kind, 'expired');
    assert.ok(future.took > 35_000, 'a ledger of the future does not end it before its time');
    let closed = START;
    const stuck = (now: number): LookupFact => {
      if (now > START + 120_000) closed = now;
      return absent(closed);
    };
    assert.ok(
      play({ submits: [], lookup: stuck }).took > 120_000,
      'a ledger that stands still is waited for',
    );
  });

  it('reports core’s refusal once the ledger was asked, if nobody can have taken it before', () => {
    const bad = play({ submits: [refused('txBadSeq')], lookup: never });
    assert.equal(bad.outcome.kind, 'refused');
    assert.deepEqual(
      bad.trail.map(({ action }) => action),
      ['submit', 'look-up'],
    );
    const failed = play({
      submits: [refused('txFailed')],
      lookup: (now) => (now > START + 1_500 ? found('txFailed') : never(now)),
    });
    assert.equal(failed.outcome.kind, 'failed', 'a failure may take a moment to be seen in history');
  });

  it('@security does not believe a refusal after an answer that said nothing: it may be applied already', () => {
    const { outcome, took } = play({ submits: [{ kind: 'pending' }, refused('txBadSeq')], lookup: never });
    assert.equal(outcome.kind, 'expired');
    assert.ok(took > 30_000);
    const late = (now: number): LookupFact => (now > START + 20_000 ? found('txSuccess') : never(now));
    const applied = play({ submits: [{ kind: 'pending' }, refused('txBadSeq')], lookup: late });
    assert.equal(applied.outcome.kind, 'applied');
  });

  it('@security a restarted process asks the ledger before it sends anything', () => {
    const { trail, outcome } = play({ submits: [refused('txBadSeq')], lookup: never }, true);
    assert.equal(trail[0]?.action, 'look-up');
    assert.equal(outcome.kind, 'expired');
  });

  it('waits as long as a rate limit says, and calls it that when nothing ever got through', () => {
    const limited: SubmitFact = { kind: 'rate-limited', retryAfterMs: 7_000 };
    const { outcome, trail } = play({ submits: Array(20).fill(limited) as SubmitFact[], lookup: never });
    assert.deepEqual(outcome, { kind: 'expired', rateLimited: true });
    assert.equal(trail[1]!.at - trail[0]!.at, 7_010);
    assert.equal(play({ submits: [limited, found('txSuccess')], lookup: never }).outcome.kind, 'applied');
  });

  it('gives up on a server that cannot be dialled, soon, as nothing was sent', () => {
    const unsent: SubmitFact = { kind: 'unsent', cause: 'refused' };
    const { outcome, took } = play({ submits: Array(50).fill(unsent) as SubmitFact[], lookup: never });
    assert.equal(outcome.kind, 'unsent');
    assert.ok(took < 12_000);
    const after = play({
      submits: [{ kind: 'pending' }, ...(Array(50).fill(unsent) as SubmitFact[])],
      lookup: never,
    });
    assert.equal(after.outcome.kind, 'expired', 'not once it was sent');
  });

  it('@security never ends a transaction that may have been taken but by the ledger (property)', () => {
    const submitFact: fc.Arbitrary<SubmitFact> = fc.oneof(
      fc.constantFrom<SubmitFact>(
        { kind: 'pending' },
        { kind: 'untrusted' },
        { kind: 'unavailable', reason: 'x' },
      ),
      fc.constant<SubmitFact>({ kind: 'unsent', cause: 'x' }),
      fc.constantFrom('txBadSeq', 'txFailed', 'txTooLate').map((code): SubmitFact => refused(code)),
      fc.nat(20_000).map((retryAfterMs): SubmitFact => ({ kind: 'rate-limited', retryAfterMs })),
    );
    const lookups = fc.array(
      fc.constantFrom<'absent' | 'unreachable' | 'untrusted'>('absent', 'unreachable', 'untrusted'),
    );
    fc.assert(
      fc.property(fc.array(submitFact), lookups, (submits, kinds) => {
        const left = [...kinds];
        const { outcome, progress, took } = play({
          submits: [...submits],
          lookup: (now) => {
            const kind = left.shift() ?? 'absent';
            return kind === 'absent' ? never(now) : { kind };
          },
        });
        if (progress.maybeTaken) {
          assert.equal(outcome.kind, 'expired');
          assert.ok(took > 35_000);
          assert.equal((outcome as { rateLimited: boolean }).rateLimited, false);
        }
      }),
    );
  });
});
