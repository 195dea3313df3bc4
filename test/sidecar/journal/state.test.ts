import assert from 'node:assert/strict';
import type { JournalEvent, Spend } from '../../../sidecar/journal/entry.ts';
import { createSequences } from '../../../sidecar/journal/sequences.ts';
import { createWindows } from '../../../sidecar/journal/windows.ts';
import { ACCOUNT } from '../policy/fixtures.ts';

const A = 'aa'.repeat(32);
const B = 'bb'.repeat(32);

describe('live sequences @security', () => {
  let now: bigint;
  const create = () => createSequences(() => now);
  beforeEach(() => {
    now = 1_000n;
  });

  it('lets one hash have a sequence until its maxTime has passed by a minute', () => {
    const sequences = create();
    sequences.take(ACCOUNT, 5n, A, 1_030n)(true);
    for (const time of [1_000n, 1_030n, 1_090n]) {
      now = time;
      assert.throws(() => sequences.take(ACCOUNT, 5n, B, 1_200n), { code: 'sequence-live' });
      assert.equal(sequences.isSigned(ACCOUNT, 5n, A), true);
      sequences.take(ACCOUNT, 5n, A, 1_030n)(true);
    }
    now = 1_091n;
    assert.equal(sequences.isSigned(ACCOUNT, 5n, A), false);
    sequences.take(ACCOUNT, 5n, B, 1_200n)(true);
    assert.throws(() => sequences.take(ACCOUNT, 5n, A, 1_200n), { code: 'sequence-live' });
  });

  it('knows sequences and sources apart', () => {
    const sequences = create();
    sequences.take(ACCOUNT, 5n, A, 1_030n)(true);
    sequences.take(ACCOUNT, 6n, B, 1_030n)(true);
    sequences.take('other', 5n, B, 1_030n)(true);
  });

  it('holds it while a signature is being made, and frees it when none can have left', () => {
    const sequences = create();
    const first = sequences.take(ACCOUNT, 5n, A, 1_030n);
    const second = sequences.take(ACCOUNT, 5n, A, 1_030n);
    assert.equal(sequences.isSigned(ACCOUNT, 5n, A), false);
    assert.throws(() => sequences.take(ACCOUNT, 5n, B, 1_030n), { code: 'sequence-live' });
    first(false);
    now = 5_000n;
    assert.throws(() => sequences.take(ACCOUNT, 5n, B, 1_030n), { code: 'sequence-live' });
    now = 1_000n;
    second(false);
    sequences.take(ACCOUNT, 5n, B, 1_030n)(true);
  });

  it('keeps it when one of two failed and the other left', () => {
    const sequences = create();
    const first = sequences.take(ACCOUNT, 5n, A, 1_030n);
    const second = sequences.take(ACCOUNT, 5n, A, 1_030n);
    second(true);
    first(false);
    assert.throws(() => sequences.take(ACCOUNT, 5n, B, 1_030n), { code: 'sequence-live' });
  });

  it('is rebuilt from the journal', () => {
    const event: JournalEvent = {
      type: 'signed',
      hash: A,
      source: ACCOUNT,
      sequence: '5',
      maxTime: '1030',
      operations: [],
      spends: [],
      policies: [],
    };
    const sequences = create();
    sequences.replay(event);
    sequences.replay({ type: 'started' });
    assert.equal(sequences.isSigned(ACCOUNT, 5n, A), true);
    assert.throws(() => sequences.take(ACCOUNT, 5n, B, 1_030n), { code: 'sequence-live' });
  });
});

describe('windows @security', () => {
  const swap = (amount: string, changes: Partial<Spend> = {}): Spend => ({
    kind: 'swap',
    asset: 'XLM',
    pair: 'A XLM',
    amount,
    ...changes,
  });
  const key = { kind: 'swap', asset: 'XLM', pair: 'A XLM' } as const;

  it('counts at least what was signed in the window, and at most ten seconds more', () => {
    let now = 0;
    const windows = createWindows(() => now);
    windows.add([swap('5'), swap('7')]);
    now = 60_000;
    assert.equal(windows.spent(key, 60), 12n);
    now = 69_999;
    assert.equal(windows.spent(key, 60), 12n);
    now = 70_000;
    assert.equal(windows.spent(key, 60), 0n);
    assert.equal(windows.spent(key, 3_600), 12n);
  });

  it('knows kinds, assets and pairs apart', () => {
    const windows = createWindows(() => 0);
    windows.add([
      swap('1'),
      swap('2', { asset: 'A' }),
      swap('4', { pair: 'B XLM' }),
      { kind: 'fee', asset: 'XLM', amount: '8' },
    ]);
    assert.equal(windows.spent(key, 60), 1n);
    assert.equal(windows.spent({ ...key, asset: 'A' }, 60), 2n);
    assert.equal(windows.spent({ ...key, pair: 'B XLM' }, 60), 4n);
    assert.equal(windows.spent({ kind: 'fee', asset: 'XLM' }, 60), 8n);
  });

  it('takes amounts at the time of their line, and forgets after a week', () => {
    const now = 1_000_000_000;
    const windows = createWindows(() => now);
    windows.add([swap('1')], now - 604_900_000);
    windows.add([swap('2')], now - 100_000);
    windows.add([swap('4')], now - 50_000);
    assert.equal(windows.spent(key, 60), 4n);
    assert.equal(windows.spent(key, 604_800), 6n);
  });

  it('still counts what a clock that was set back finds in its future', () => {
    let now = 1_000_000;
    const windows = createWindows(() => now);
    windows.add([swap('3')]);
    now = 500_000;
    assert.equal(windows.spent(key, 60), 3n);
  });
});
