import assert from 'node:assert/strict';
import type { Context } from '../../../sidecar/policy/check.ts';
import { ISSUER } from '../transactions.ts';
import { ACCOUNT, NOW, policy, refusalOf, swap, verdict } from './fixtures.ts';

const at = (maxTime: bigint) => ({ timeBounds: { minTime: 0n, maxTime } });

describe('signing policy: the transaction as a whole @security', () => {
  const cases: [string, string, ...Parameters<typeof verdict>][] = [
    ['a swap of a listed pair', 'allowed', {}],
    ['the kill switch', 'kill-switch', {}, { killSwitch: true }],
    ['another source', 'wrong-source source', { source: ISSUER }],
    [
      'another source of an operation',
      'wrong-source operations[1].source',
      { operations: [swap({ source: ACCOUNT }), swap({ source: ISSUER })] },
    ],
    ['Soroban data', 'operation-not-allowed ext', { hasSorobanData: true }],
    ['no operation', 'operation-not-allowed operations', { operations: [] }],
    ['as many operations as allowed', 'allowed', { operations: [swap(), swap()] }, { maxOperations: 2 }],
    [
      'one operation too many',
      'too-many-operations operations',
      { operations: [swap(), swap(), swap()] },
      { maxOperations: 2 },
    ],
    ['no time bounds', 'no-time-bounds timeBounds.maxTime', { timeBounds: undefined }],
    ['no end of the time bounds', 'no-time-bounds timeBounds.maxTime', at(0n)],
    ['a maxTime that is now', 'expired timeBounds.maxTime', at(NOW)],
    ['a maxTime in the next second', 'allowed', at(NOW + 1n)],
    ['the latest maxTime', 'allowed', at(NOW + 110n)],
    ['a maxTime a second later', 'time-bounds-too-far timeBounds.maxTime', at(NOW + 111n)],
    [
      'the policy’s own bound',
      'time-bounds-too-far timeBounds.maxTime',
      at(NOW + 21n),
      { maxTimeBoundSeconds: 20 },
    ],
    ['minSeqNum', 'precondition-not-allowed minSeqNum', { otherPreconditions: ['minSeqNum'] }],
    ['a memo by default', 'memo-not-allowed memo', { memo: { kind: 'text', bytes: Buffer.from('hi') } }],
    ['any memo', 'allowed', { memo: { kind: 'hash' } }, { memo: { kind: 'Any' } }],
    [
      'a listed text',
      'allowed',
      { memo: { kind: 'text', bytes: Buffer.from('hi') } },
      { memo: { kind: 'Text', texts: ['ho', 'hi'] } },
    ],
    [
      'a text that is not listed',
      'memo-not-allowed memo',
      { memo: { kind: 'text', bytes: Buffer.from('hi ') } },
      { memo: { kind: 'Text', texts: ['hi'] } },
    ],
    [
      'an id where texts are listed',
      'memo-not-allowed memo',
      { memo: { kind: 'id' } },
      { memo: { kind: 'Text', texts: ['1'] } },
    ],
    ['the highest fee of an operation', 'allowed', { fee: 20_000n }],
    ['a stroop more', 'fee-too-high fee', { fee: 20_001n }],
    ['the fee of two operations', 'allowed', { fee: 40_000n, operations: [swap(), swap()] }],
    [
      'the limit of the transaction',
      'fee-too-high fee',
      { fee: 101n, operations: [swap(), swap()] },
      { fees: { perTransaction: '100' } },
    ],
  ];
  for (const [name, expected, ...input] of cases)
    it(`${name}: ${expected}`, () => assert.equal(verdict(...input), expected));

  it('counts fees in their window', () => {
    const asked: unknown[] = [];
    const total: Context['total'] = (key, seconds, spends) => {
      asked.push([key, seconds]);
      return 500_000_000n - 100n + BigInt(spends[0]!.amount);
    };
    assert.equal(verdict({ fee: 100n }, {}, { total }), 'allowed');
    assert.equal(verdict({ fee: 101n }, {}, { total }), 'window-exhausted fee');
    assert.deepEqual(asked[0], [{ kind: 'fee', asset: 'XLM' }, 86_400]);
  });

  it('allows nothing without a policy', () => {
    assert.equal(refusalOf({}, [])?.code, 'policy-missing');
  });

  it('wants every policy to allow, and names the one that refuses', () => {
    const strict = { ...policy({ fees: { perOperation: '99' } }), name: 'strict' };
    for (const policies of [
      [policy(), strict],
      [strict, policy()],
    ])
      assert.match(refusalOf({}, policies)!.message, /^policy strict: a fee of 100 /);
    assert.equal(refusalOf({}, [policy(), policy()]), undefined);
  });
});
