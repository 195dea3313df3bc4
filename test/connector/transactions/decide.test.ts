import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  begin,
  decide,
  isDead,
  type LookupFact,
  type Observation,
  type Outcome,
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
const absent = (closedAt: number): LookupFact => ({
  kind: 'absent',
  head: { sequence: Math.floor((closedAt - START) / 5_000) + 100, closedAt, baseFee: 100n, baseReserve: 1n },
});
/** A ledger closes every five seconds and never has it. */
const never = (now: number): LookupFact => absent(now - (now % 5_000));

type Bump = Extract<Observation, { event: 'bumped' }>['fact']['kind'];
interface Script {
  submit?: (now: number, nth: number) => SubmitFact;
  lookup?: (now: number) => LookupFact;
  bump?: (nth: number) => Bump;
  resumed?: boolean;
}

/** Servers that answer by the script, until the fate is known. */
function play({ submit, lookup = never, bump = () => 'not-needed', resumed = false }: Script) {
  let now = START;
  const trail: { action: string; at: number }[] = [];
  const count = (action: string): number => trail.filter((it) => it.action === action).length;
  let { progress, step } = begin(MAX_TIME, now, resumed);
  while (step.action !== 'done') {
    now += ('afterMs' in step ? step.afterMs : 0) + 10;
    trail.push({ action: step.action, at: now - START });
    assert.ok(trail.length < 1_000, 'no end in sight');
    const nth = count(step.action);
    const observation: Observation =
      step.action === 'submit'
        ? { event: 'submitted', fact: submit?.(now, nth) ?? { kind: 'unknown' }, now }
        : step.action === 'look-up'
          ? { event: 'looked-up', fact: lookup(now), now }
          : { event: 'bumped', fact: { kind: bump(nth) }, now };
    ({ progress, step } = decide(progress, observation));
  }
  const outcome: Outcome = step.outcome;
  return { outcome, trail, took: now - START, count };
}
const always = (fact: SubmitFact) => () => fact;

describe('connector/transactions/decide', () => {
  it('@security takes no server’s “included” for the truth, but looks it up', () => {
    const { outcome, trail } = play({
      submit: always({ kind: 'included' }),
      lookup: () => found('txSuccess'),
    });
    assert.equal(outcome.kind, 'applied');
    assert.deepEqual(
      trail.map(({ action }) => action),
      ['submit', 'look-up'],
    );
    assert.equal(play({ submit: always({ kind: 'included' }) }).outcome.kind, 'expired');
  });

  it('ends with what a ledger has, applied or failed', () => {
    assert.equal(play({ lookup: () => found('txFailed') }).outcome.kind, 'failed');
  });

  it('sends the same again while it can still apply, and not after', () => {
    const { outcome, trail, count } = play({});
    assert.equal(outcome.kind, 'expired');
    assert.ok(count('submit') >= 3);
    assert.ok(trail.filter(({ action }) => action === 'submit').every(({ at }) => at < 30_000));
  });

  it('@security says expired only when ledger and clock are both past maxTime by the margin', () => {
    assert.ok(play({ lookup: () => absent(START + 3_600_000) }).took > 35_000, 'a ledger of the future');
    const stuck = (now: number): LookupFact => absent(now > START + 120_000 ? now : START);
    assert.ok(play({ lookup: stuck }).took > 120_000, 'a ledger that stands still');
    const end = MAX_TIME * 1_000 + 5_000;
    assert.deepEqual(
      [isDead(MAX_TIME, end, end + 1), isDead(MAX_TIME, end + 1, end), isDead(MAX_TIME, end + 1, end + 1)],
      [false, false, true],
    );
  });

  it('@security a refusal ends nothing: who refused it may keep it', () => {
    const late = (now: number): LookupFact => (now > START + 20_000 ? found('txSuccess') : never(now));
    for (const code of ['txBadSeq', 'txFailed', 'txTooLate', 'txInsufficientBalance']) {
      const { outcome, took } = play({ submit: always(refused(code)) });
      assert.ok(outcome.kind === 'expired' && took > 35_000);
      assert.equal(outcome.refusal?.result?.code, code);
      assert.equal(play({ submit: always(refused(code)), lookup: late }).outcome.kind, 'applied');
    }
  });

  it('@security names no refusal as the reason once some server may have taken it', () => {
    const { outcome } = play({
      submit: (_now, nth) => (nth === 1 ? { kind: 'unknown' } : refused('txBadSeq')),
    });
    assert.ok(outcome.kind === 'expired' && outcome.refusal === undefined);
  });

  it('@security a restarted process asks the ledger before it sends anything', () => {
    assert.equal(play({ resumed: true }).trail[0]!.action, 'look-up');
    const unsent = always({ kind: 'unsent', cause: 'x' });
    assert.equal(play({ resumed: true, submit: unsent }).outcome.kind, 'expired');
  });

  it('waits as long as a rate limit says, and calls it that when nothing ever got through', () => {
    const limited = always({ kind: 'rate-limited', retryAfterMs: 7_000 });
    const { outcome, trail } = play({ submit: limited });
    assert.deepEqual(outcome, { kind: 'expired', refusal: undefined, rateLimited: true });
    const [one, two] = trail.filter(({ action }) => action === 'submit');
    assert.ok(two!.at - one!.at >= 7_000);
  });

  it('gives up on servers that cannot be dialled, soon, as it never left this process', () => {
    const unsent = always({ kind: 'unsent', cause: 'refused' });
    const { outcome, took } = play({ submit: unsent });
    assert.equal(outcome.kind, 'unsent');
    assert.ok(took < 12_000);
    const after = play({
      submit: (_now, nth) => (nth === 1 ? { kind: 'rate-limited', retryAfterMs: 1_000 } : unsent()),
    });
    assert.equal(after.outcome.kind, 'expired', 'not once a server was reached');
  });

  it('thinks about a higher bid when ledgers pass it over or core says that it is too low', () => {
    const passed = play({ submit: always({ kind: 'queued' }), bump: () => 'sent' });
    assert.equal(passed.count('bump'), 2, 'every other ledger of the thirty seconds');
    const first = passed.trail.findIndex(({ action }) => action === 'bump');
    assert.equal(passed.trail[first + 1]!.action, 'submit');
    assert.ok(passed.trail[first]!.at >= 10_000);
    const low = play({ submit: always(refused('txInsufficientFee')), bump: () => 'sent' });
    assert.ok(low.trail.find(({ action }) => action === 'bump')!.at < 100);
    assert.equal(low.count('bump'), 3, 'a bounded number of times');
    const forbidden = play({ bump: () => 'forbidden' });
    assert.equal(forbidden.outcome.kind, 'expired', 'and waits for its end where the caps forbid it');
  });

  /**
   * The adversary: servers that answer anything, and a network that may have taken an envelope at each submission that
   * was not provably stopped before it left, and may apply it in any ledger up to maxTime, whatever it answered.
   */
  it('@security never ends while an envelope that left may still apply, and always ends (property)', () => {
    const fact: fc.Arbitrary<SubmitFact> = fc.oneof(
      fc.constantFrom<SubmitFact>({ kind: 'included' }, { kind: 'queued' }, { kind: 'unknown' }),
      fc.constantFrom<SubmitFact>({ kind: 'try-again' }, { kind: 'unsent', cause: 'x' }),
      fc.constantFrom('txBadSeq', 'txFailed', 'txTooLate', 'txInsufficientFee').map(refused),
      fc.nat(20_000).map((retryAfterMs): SubmitFact => ({ kind: 'rate-limited', retryAfterMs })),
    );
    const lookup = fc.constantFrom('absent', 'unreachable', 'untrusted');
    const bump = fc.constantFrom<Bump>('sent', 'not-needed', 'forbidden', 'refused');
    fc.assert(
      fc.property(
        fc.record({
          submits: fc.array(fact, { minLength: 1 }),
          lookups: fc.array(lookup),
          bumps: fc.array(bump),
          resumed: fc.boolean(),
          /** When a ledger has it, from the start; never where it did not leave. */
          appliedAfter: fc.option(fc.nat(30_000), { nil: undefined }),
          code: fc.constantFrom('txSuccess', 'txFailed'),
        }),
        ({ submits, lookups, bumps, resumed, appliedAfter, code }) => {
          let left = resumed;
          let leftAt = 0;
          const kinds = [...lookups];
          const isIn = (closedAt: number): boolean =>
            left && appliedAfter !== undefined && closedAt - START >= Math.max(appliedAfter, leftAt);
          const { outcome, took } = play({
            resumed,
            submit(now, nth) {
              const answer = submits[(nth - 1) % submits.length]!;
              if (answer.kind !== 'unsent' && !left) {
                left = true;
                leftAt = now - START;
              }
              return answer;
            },
            lookup(now) {
              const kind = kinds.shift() ?? 'absent';
              if (kind !== 'absent') return { kind: kind as 'unreachable' | 'untrusted' };
              const closedAt = now - (now % 5_000);
              const last = Math.floor((MAX_TIME * 1_000) / 5_000) * 5_000;
              return isIn(Math.min(closedAt, last)) ? found(code) : absent(closedAt);
            },
            bump: (nth) => bumps[nth - 1] ?? 'not-needed',
          });
          const applies = left && appliedAfter !== undefined && Math.max(appliedAfter, leftAt) <= 30_000;
          if (applies) assert.equal(outcome.kind, code === 'txSuccess' ? 'applied' : 'failed');
          if (outcome.kind === 'unsent') assert.equal(left, false);
          if (outcome.kind === 'expired') {
            assert.ok(took > 35_000, 'nothing new may be built before');
            if (outcome.rateLimited) assert.ok(submits.some(({ kind }) => kind === 'rate-limited'));
            if (submits[0]!.kind === 'unknown')
              assert.deepEqual([outcome.refusal, outcome.rateLimited], [undefined, false]);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
