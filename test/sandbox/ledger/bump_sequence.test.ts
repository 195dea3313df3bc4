import assert from 'node:assert/strict';
import { START } from '../testing.ts';
import { INT64_MAX } from './exchange.ts';
import { type Body, createWorld, LEDGER, reaches, SEQUENCE } from './testing.ts';

const bump = (bump_to: bigint): Body => ({ bump_sequence: { bump_to } });

describe('bump_sequence', () => {
  it('success: raises the sequence number, never lowers it, and notes ledger and time', () => {
    const world = createWorld('alice');
    world.ok('alice', bump(SEQUENCE + 100n));
    world.ok('alice', bump(0n));
    const { sequence, sequenceLedger, sequenceTime, extension } = world.accountOf('alice');
    assert.equal(sequence, SEQUENCE + 101n);
    assert.deepEqual([sequenceLedger, sequenceTime, extension], [LEDGER, BigInt(START), 3]);
  });

  it('success: at the highest number no transaction of the account is good any more', () => {
    const world = createWorld('alice');
    world.ok('alice', bump(INT64_MAX));
    const { code } = world.run('alice', [bump(0n)], { sequence: INT64_MAX });
    assert.equal(code, 'tx_bad_seq');
  });

  reaches('bad_seq', 'a negative number', () => ['alice', bump(-1n)]);
});
