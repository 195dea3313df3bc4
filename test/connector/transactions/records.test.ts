import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openState, type State } from '../../../connector/state.ts';
import { createRecords, type Records, transactionsSchema } from '../../../connector/transactions/records.ts';

const DAY = 86_400_000;

describe('connector/transactions/records', () => {
  let folder: string;
  let state: State;
  let records: Records;
  let now: number;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'records-'));
    state = openState(folder, [transactionsSchema]);
    now = 1_800_000_000_000;
    records = createRecords(state, () => now);
  });
  afterEach(() => {
    state.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const add = (hash: string): void =>
    records.add(
      {
        ...{ hash, envelopeXdr: 'AAAA', bumpXdr: undefined, source: 'G', sequence: 2n ** 62n, fee: 300n },
        ...{ maxTime: now / 1_000 + 30, deletions: false, operations: 3, signedAt: now },
      },
      [{ id: `of ${hash}`, hash, kind: 'test', payload: { a: 1 }, first: 0, count: 3, ending: undefined }],
    );
  const dead = { kind: 'dead', code: 'transaction-failed', message: 'x' } as const;
  const count = (table: string) =>
    (state.db.prepare(`SELECT COUNT(*) AS n FROM ${table}`).get() as { n: number }).n;

  it('keep a transaction, its intents and its bump as they were', () => {
    add('h');
    records.bump('h', 'BBBB', 4_000n);
    const [it_] = records.pending();
    assert.deepEqual(
      [it_!.sequence, it_!.fee, it_!.bumpXdr, it_!.operations],
      [2n ** 62n, 4_000n, 'BBBB', 3],
    );
    assert.deepEqual(records.intent('of h')!.payload, { a: 1 });
    records.settle('h', dead, [{ id: 'of h', ending: dead }]);
    assert.deepEqual(records.pending(), []);
    assert.deepEqual([records.get('h')!.outcome, records.intent('of h')!.ending], [dead, dead]);
  });

  it('know those that were to be tried again when the process died', () => {
    add('h');
    records.settle('h', dead, []);
    assert.deepEqual(
      records.abandoned().map(({ id }) => id),
      ['of h'],
    );
  });

  it('are bounded: what ended goes after a day, its fee after a week, what is pending never', () => {
    add('pending');
    add('old');
    records.settle('old', dead, [{ id: 'of old', ending: dead }]);
    now += DAY + 1_000;
    add('next');
    assert.deepEqual([records.get('old')!.envelopeXdr, records.intent('of old')], ['', undefined]);
    assert.equal(records.signedSince(now - 2 * DAY).fees, 900n);
    now += 7 * DAY;
    add('later');
    assert.equal(records.get('old'), undefined);
    assert.equal(records.get('pending')!.envelopeXdr, 'AAAA');
    assert.deepEqual([count('transactions'), count('transactions_intents')], [3, 3]);
  });

  it('@security write nothing of a transaction whose owner could not write', () => {
    assert.throws(() =>
      state.transact(() => {
        add('h');
        throw new Error('no');
      }),
    );
    assert.deepEqual([records.pending(), records.intent('of h')], [[], undefined]);
  });
});
