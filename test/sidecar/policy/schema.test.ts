import assert from 'node:assert/strict';
import { signingPolicy } from '../../../sidecar/policy/schema.ts';
import { policyYaml } from '../transactions.ts';
import { ACCOUNT, EURC_ID, policy, USDC_ID } from './fixtures.ts';

const swap = {
  pair: ['XLM', USDC_ID],
  price: { min: '0.1', max: '0.2' },
  maxAmount: { XLM: '1', [USDC_ID]: '1' },
};

describe('signing policy: its file @security', () => {
  const bad: [string, Record<string, unknown>][] = [
    ['an unknown field', { maxOperation: 1 }],
    ['an unknown field of a rule', { swaps: [{ ...swap, slippage: '1' }] }],
    ['a rule without a collar', { swaps: [{ ...swap, price: undefined }] }],
    ['a collar without an end', { swaps: [{ ...swap, price: { min: '0.1' } }] }],
    ['a collar upside down', { swaps: [{ ...swap, price: { min: '0.2', max: '0.1' } }] }],
    ['a price of zero', { swaps: [{ ...swap, price: { min: '0', max: '0.1' } }] }],
    ['a price as a number', { swaps: [{ ...swap, price: { min: 0.1, max: '0.2' } }] }],
    ['an amount as a number', { swaps: [{ ...swap, maxAmount: { XLM: 1, [USDC_ID]: '1' } }] }],
    ['an amount in units', { swaps: [{ ...swap, maxAmount: { XLM: '1.5', [USDC_ID]: '1' } }] }],
    [
      'an amount above int64',
      { swaps: [{ ...swap, maxAmount: { XLM: '9223372036854775808', [USDC_ID]: '1' } }] },
    ],
    ['an amount of one asset alone', { swaps: [{ ...swap, maxAmount: { XLM: '1' } }] }],
    ['an amount of a third asset', { swaps: [{ ...swap, maxAmount: { XLM: '1', [EURC_ID]: '1' } }] }],
    [
      'a window of a third asset',
      { swaps: [{ ...swap, window: { [EURC_ID]: { amount: '1', seconds: 1 } } }] },
    ],
    ['a window longer than a week', { fees: { window: { amount: '1', seconds: 604_801 } } }],
    ['a pair of one asset', { swaps: [{ ...swap, pair: ['XLM', 'XLM'], maxAmount: { XLM: '1' } }] }],
    ['a pair listed twice', { swaps: [swap, { ...swap, pair: [USDC_ID, 'XLM'] }] }],
    ['an offer without a turnover', { offers: [swap] }],
    [
      'a turnover of a third asset',
      { offers: [{ ...swap, turnover: { [EURC_ID]: { amount: '1', seconds: 1 } } }] },
    ],
    ['a window where a turnover belongs', { offers: [{ ...swap, turnover: {}, window: {} }] }],
    ['a pool listed twice', { pools: [swap, { ...swap, pair: [USDC_ID, 'XLM'] }] }],
    ['a payment without a window', { payments: [{ asset: 'XLM', destinations: [ACCOUNT], maxAmount: '1' }] }],
    ['a trustline of XLM', { trustlines: ['XLM'] }],
    ['a channel twice', { channels: [ACCOUNT, ACCOUNT] }],
    ['time bounds above the hard maximum', { maxTimeBoundSeconds: 121 }],
    ['texts without kind Text', { memo: { texts: ['x'] } }],
    ['kind Text without texts', { memo: { kind: 'Text' } }],
    ['no account', { accounts: [] }],
    ['a seed for an account', { accounts: [`S${ACCOUNT.slice(1)}`] }],
  ];
  for (const [name, spec] of bad)
    it(`refuses ${name}`, () => assert.throws(() => policy(spec), /^Error: p\.yaml: line 1: spec/));

  it('refuses another kind and another version', () => {
    const good = JSON.parse(policyYaml(ACCOUNT));
    for (const change of [{ kind: 'ConfigMap' }, { apiVersion: 'stellar-connector.io/v1' }, { extra: 1 }])
      assert.equal(signingPolicy.safeParse({ ...good, ...change }).success, false);
  });
});
