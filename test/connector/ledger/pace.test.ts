import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createPace, retryAfterMs } from '../../../connector/ledger/pace.ts';

describe('connector/ledger/pace', () => {
  let time = 0;
  const create = () => createPace(() => time);
  const headers = (limit: number, remaining: number, reset: number) => ({
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(reset),
  });

  beforeEach(() => {
    time = 5_000_000;
  });

  const learnt = (limit: number, remaining: number, reset: number, status = 200) => {
    const pace = create();
    pace.enter(false, 0)!.answered({ status, headers: headers(limit, remaining, reset) });
    return pace;
  };

  it('lets everything pass while no answer names a limit', () => {
    const pace = create();
    for (let i = 0; i < 1_000; i += 1) pace.enter(false, 0)!.answered({ status: 200, headers: {} });
    assert.equal(pace.enter(false, 0)?.waitMs, 0);
  });

  it('reads a recorded Horizon’s headers: 60 an hour', () => {
    const recorded = readFileSync(new URL('../../fixtures/horizon/recordings.jsonl', import.meta.url), 'utf8')
      .split('\n')
      .find((line) => line.startsWith('{"n":232,') || /"n": ?232,/.test(line.slice(0, 20)))!;
    const { response } = JSON.parse(recorded) as { response: { headers: [string, string][] } };
    const pace = create();
    pace.enter(false, 0)!.answered({
      status: 200,
      headers: Object.fromEntries(response.headers.map(([name, value]) => [name.toLowerCase(), value])),
    });
    // 99 left of 101, of which 10 are kept for submissions.
    for (let i = 0; i < 89; i += 1) assert.equal(pace.enter(false, 0)?.waitMs, 0, String(i));
    assert.equal(pace.enter(false, 59_999), undefined);
    assert.equal(pace.enter(false, 60_000)?.waitMs, 60_000, 'a token comes each minute');
  });

  it('reads wait one behind the other; submissions never wait, and reads leave some tokens to them', () => {
    const pace = learnt(3_600, 20, 3_580);
    assert.equal(pace.enter(false, 0), undefined, 'twenty are kept');
    assert.equal(pace.enter(false, 5_000)?.waitMs, 1_000);
    assert.equal(pace.enter(false, 5_000)?.waitMs, 2_000);
    assert.equal(pace.enter(true, 0)?.waitMs, 0);
    assert.equal(pace.enter(false, 5_000)?.waitMs, 4_000);
    time += 10_000;
    assert.equal(pace.enter(false, 0)?.waitMs, 0);
  });

  it('gives the token back of what was not sent, and counts what is under way against what a server says is left', () => {
    const pace = learnt(100, 51, 49);
    const under = Array.from({ length: 30 }, () => pace.enter(false, 0)!);
    under.pop()!.cancel();
    under.pop()!.answered({ status: 200, headers: headers(100, 40, 60) });
    // 40 left, 28 under way, ten kept: two.
    assert.equal(pace.enter(false, 0)?.waitMs, 0);
    assert.equal(pace.enter(false, 0)?.waitMs, 0);
    assert.equal(pace.enter(false, 0), undefined);
  });

  it('after a 429 reads wait as long as it says, and submissions may try', () => {
    const pace = create();
    pace.enter(false, 0)!.answered({ status: 429, headers: { 'retry-after': '7' } });
    assert.equal(pace.enter(false, 6_999), undefined);
    assert.equal(pace.enter(false, 7_000)?.waitMs, 7_000);
    assert.equal(pace.enter(true, 0)?.waitMs, 0);
    time += 7_000;
    assert.equal(pace.enter(false, 0)?.waitMs, 0);
  });

  it('@security a server cannot mute itself for longer than a minute, nor confuse by nonsense', () => {
    assert.equal(retryAfterMs({ 'retry-after': '999999999' }, 0), 60_000);
    assert.equal(retryAfterMs({ 'retry-after': '0' }, 0), 1);
    assert.equal(retryAfterMs({ 'retry-after': 'soon' }, 0), 1_000);
    assert.equal(retryAfterMs({}, 0), 1_000);
    assert.equal(retryAfterMs({ 'retry-after': ['1', '2'] }, 0), 1_000);
    assert.equal(retryAfterMs({ 'retry-after': 'Thu, 01 Jan 1970 00:00:05 GMT' }, 2_000), 3_000);
    const muted = learnt(1, 0, 86_400);
    assert.equal(muted.enter(false, 59_999), undefined);
    time += 60_000;
    assert.equal(muted.enter(false, 0)?.waitMs, 0);
    const slow = learnt(3_600, 0, 86_400);
    assert.equal(slow.enter(false, 59_999), undefined, 'the tokens that are kept back count too');
    time += 60_000;
    assert.equal(slow.enter(false, 0)?.waitMs, 0, 'one asks whether there are tokens again');
    assert.equal(slow.enter(false, 59_999), undefined);
    for (const [limit, remaining, reset] of [
      [0, 0, 1],
      [30, 60, 1],
      [-1, 0, 1],
      [1.5, 1, 1],
      [1e12, 0, 1],
    ] as const) {
      assert.equal(learnt(limit, remaining, reset).enter(false, 0)?.waitMs, 0, `${limit} ${remaining}`);
    }
  });
});
