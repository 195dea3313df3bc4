import assert from 'node:assert/strict';
import { createWindows, type Windows } from '../../../sidecar/journal/windows.ts';
import type { Context } from '../../../sidecar/policy/check.ts';
import { evaluate } from '../../../sidecar/policy/evaluate.ts';
import type { Policy } from '../../../sidecar/policy/schema.ts';
import { ISSUER } from '../transactions.ts';
import {
  bump,
  buyOffer,
  CHANNEL,
  type Changes,
  CUSTOMER,
  context,
  deletion,
  deposit,
  NOW,
  offer,
  payment,
  policy,
  RICH,
  swap,
  transaction,
  USDC_ID,
  verdict,
} from './fixtures.ts';

/** A signer's state for these tests: what is allowed is counted. */
function signer(...policies: Policy[]) {
  const windows: Windows = createWindows();
  let atMs = Number(NOW) * 1000;
  const ask = ({ feeBump, ...changes }: Changes, more: Partial<Context> = {}): string => {
    const decision = evaluate(
      { transaction: transaction(changes), feeBump },
      policies,
      context({ total: (key, seconds, spends) => windows.total(key, seconds, spends, atMs), ...more }),
    );
    if (!decision.allowed) return `${decision.refusal.code} ${decision.refusal.field ?? ''}`.trim();
    windows.add(decision.spends, atMs);
    return decision.budget;
  };
  return {
    ask,
    windows,
    wait: (seconds: number) => {
      atMs += seconds * 1000;
    },
  };
}

const window = (amount: string, seconds = 60) => ({ amount, seconds });
const onlyDeletions: Context['hasRate'] = (budget) => budget === 'deletions';
const full: Partial<Context> = {
  total: (key) => (key.kind === 'deletion-fee' ? 0n : 10n ** 24n),
};

describe('signing policy: windows @security', () => {
  const [offers] = RICH.offers;
  const [pools] = RICH.pools;
  const [payments] = RICH.payments;
  const both = { XLM: window('250000000'), [USDC_ID]: window('25000000') };

  it('offers: new ones count in full, each side for itself', () => {
    const { ask } = signer(policy({ offers: [{ ...offers, turnover: both }] }));
    assert.equal(ask({ operations: [offer(), offer()] }), 'ordinary');
    assert.equal(ask({ operations: [offer()] }), 'window-exhausted operations[0]');
    assert.equal(ask({ operations: [buyOffer(), buyOffer()] }), 'ordinary');
    assert.equal(ask({ operations: [deletion(), buyOffer()] }), 'window-exhausted operations[1]');
    assert.equal(ask({ operations: [deletion()] }), 'ordinary');
  });

  it('offers: a changed one counts once in a slot, at its largest', () => {
    const { ask, wait } = signer(policy({ offers: [{ ...offers, turnover: both }] }));
    const change = (amount: bigint, offerId = 7n) => ask({ operations: [offer({ offerId, amount })] });
    for (let i = 0; i < 20; i++) assert.equal(change(100_000_000n), 'ordinary');
    assert.equal(change(250_000_000n), 'ordinary');
    assert.equal(change(1n, 8n), 'window-exhausted operations[0]');
    assert.equal(change(250_000_000n), 'ordinary');
    wait(5);
    assert.equal(change(1n), 'window-exhausted operations[0]');
    wait(55);
    assert.equal(change(250_000_000n), 'ordinary');
  });

  it('offers: the second change of one in a transaction counts like a new one, whatever its pair', () => {
    const { ask } = signer(policy({ offers: [{ ...offers, turnover: both }] }));
    const change = (changes = {}) => offer({ offerId: 7n, ...changes });
    assert.equal(ask({ operations: [change(), change(), change()] }), 'window-exhausted operations[0]');
    assert.equal(ask({ operations: [change(), change()] }), 'ordinary');
    assert.equal(ask({ operations: [change()] }), 'ordinary');
    assert.equal(
      ask({ operations: [change(), change({ amount: 60_000_000n })] }),
      'window-exhausted operations[0]',
    );
    assert.equal(
      ask({ operations: [change(), buyOffer({ offerId: 7n, amount: 100_000_000n })] }),
      'ordinary',
    );
    assert.equal(ask({ operations: [buyOffer({ offerId: 7n, amount: 150_000_000n })] }), 'ordinary');
    assert.equal(
      ask({ operations: [buyOffer({ offerId: 7n, amount: 160_000_000n })] }),
      'window-exhausted operations[0]',
    );
  });

  it('offers: a buy offer counts what it pays at most, rounded up', () => {
    const { ask } = signer(policy({ offers: [{ ...offers, turnover: { [USDC_ID]: window('2') } }] }));
    assert.equal(ask({ operations: [buyOffer({ amount: 11n })] }), 'ordinary');
    assert.equal(ask({ operations: [buyOffer({ amount: 1n })] }), 'window-exhausted operations[0]');
  });

  it('deposits: both assets at the most that may leave', () => {
    for (const [asset, amount] of [
      ['XLM', '100000000'],
      [USDC_ID, '10000000'],
    ] as const) {
      const room = (stroops: string) =>
        signer(policy({ pools: [{ ...pools, window: { [asset]: window(stroops) } }] }));
      assert.equal(room(amount).ask({ operations: [deposit()] }), 'ordinary');
      const less = (BigInt(amount) - 1n).toString();
      assert.equal(room(less).ask({ operations: [deposit()] }), 'window-exhausted operations[0]');
    }
  });

  it('payments: all of an asset together, also those that trade on the way', () => {
    const other = { ...payments, destinations: [CHANNEL] };
    const { ask, wait } = signer(policy({ payments: [payments, other] }));
    assert.equal(ask({ operations: [payment({ amount: 300_000_000n })] }), 'ordinary');
    assert.equal(
      ask({ operations: [swap({ destination: CUSTOMER, sendMax: 300_000_000n, destMin: 30_000_000n })] }),
      'ordinary',
    );
    assert.equal(
      ask({ operations: [payment({ destination: CHANNEL, amount: 200_000_001n })] }),
      'window-exhausted operations[0]',
    );
    assert.equal(ask({ operations: [payment({ destination: CHANNEL, amount: 200_000_000n })] }), 'ordinary');
    assert.equal(ask({ operations: [swap()] }), 'ordinary');
    wait(3_595);
    assert.equal(ask({ operations: [payment()] }), 'window-exhausted operations[0]');
    wait(10);
    assert.equal(ask({ operations: [payment()] }), 'ordinary');
  });

  it('a payment that trades counts in the pair’s window too', () => {
    const rule = {
      pair: ['XLM', USDC_ID],
      price: { min: '0.08', max: '0.20' },
      maxAmount: { XLM: '10000000000', [USDC_ID]: '0' },
      window: { XLM: window('150000000') },
    };
    const { ask } = signer(policy({ ...RICH, swaps: [rule] }));
    assert.equal(ask({ operations: [swap({ destination: CUSTOMER })] }), 'ordinary');
    assert.equal(ask({ operations: [swap()] }), 'window-exhausted operations[0]');
  });

  it('are of account, asset or pair and kind: another policy, name or order of the pair resets none', () => {
    const turned = {
      ...offers,
      pair: [USDC_ID, 'XLM'],
      price: { min: '5', max: '12.5' },
      turnover: { XLM: window('150000000') },
    };
    const first = signer(policy(RICH));
    assert.equal(first.ask({ operations: [offer()] }), 'ordinary');
    const { windows } = first;
    const total: Context['total'] = (key, seconds, spends) =>
      windows.total(key, seconds, spends, Number(NOW) * 1000);
    assert.equal(
      verdict({ operations: [offer()] }, { offers: [turned] }, { total }),
      'window-exhausted operations[0]',
    );
    assert.equal(verdict({ operations: [swap()] }, {}, { total }), 'allowed');
  });

  it('hold for every policy, each by its own', () => {
    const policies = [
      policy({ offers: [{ ...offers, turnover: { XLM: window('1000000000') } }] }),
      policy({ offers: [{ ...offers, turnover: { XLM: window('100000000') } }] }),
    ];
    for (const order of [policies, policies.toReversed()]) {
      const { ask } = signer(...order);
      assert.equal(ask({ operations: [offer()] }), 'ordinary');
      assert.equal(ask({ operations: [offer()] }), 'window-exhausted operations[0]');
    }
  });
});

describe('signing policy: deletions in a refusing state @security', () => {
  const states: [string, Record<string, unknown>, Partial<Context>][] = [
    ['the kill switch', { killSwitch: true }, {}],
    ['spent windows', {}, full],
    ['the rate', {}, { hasRate: onlyDeletions }],
    ['all at once', { killSwitch: true }, { ...full, hasRate: onlyDeletions }],
  ];
  for (const [name, spec, changes] of states)
    it(`pass under ${name}, and nothing else does`, () => {
      const { ask } = signer(policy({ ...RICH, ...spec }));
      assert.equal(
        ask({ operations: [deletion(), deletion({ type: 'manageBuyOffer', offerId: 8n })] }, changes),
        'deletions',
      );
      for (const operation of [offer(), offer({ offerId: 7n }), payment(), swap()])
        for (const operations of [[operation], [deletion(), operation]])
          assert.match(ask({ operations }, changes), /^(kill-switch|window-exhausted|rate-exceeded)/);
    });

  it('must be right in everything else', () => {
    const killed = { ...RICH, killSwitch: true };
    const operations = [deletion()];
    assert.equal(verdict({ operations }, killed), 'allowed');
    assert.equal(verdict({ operations, source: ISSUER }, killed), 'wrong-source source');
    assert.equal(
      verdict({ operations: [deletion({ source: ISSUER })] }, killed),
      'wrong-source operations[0].source',
    );
    assert.equal(verdict({ operations, fee: 20_001n }, killed), 'fee-too-high fee');
    assert.equal(verdict({ operations, timeBounds: undefined }, killed), 'no-time-bounds timeBounds.maxTime');
    assert.equal(verdict({ operations, memo: { kind: 'hash' } }, killed), 'memo-not-allowed memo');
    assert.equal(verdict({ operations: [] }, killed), 'operation-not-allowed operations');
    assert.equal(evaluate({ transaction: transaction({ operations }) }, [], context()).allowed, false);
  });

  it('cost at most ten times fees.perTransaction in an hour, of their own', () => {
    const spec = { fees: { perTransaction: '1000', window: window('5000', 3_600) } };
    const { ask, wait } = signer(policy({ ...spec, killSwitch: true }));
    const ask10 = () => Array.from({ length: 10 }, () => ask({ operations: [deletion()], fee: 1_000n }));
    assert.deepEqual(ask10(), Array(10).fill('deletions'));
    assert.equal(ask({ operations: [deletion()], fee: 1n }), 'window-exhausted fee');
    wait(3_605);
    assert.equal(ask({ operations: [deletion()], fee: 1_000n }), 'deletions');
  });

  it('are signed at a rate of their own', () => {
    const { ask } = signer(policy({ killSwitch: true }));
    for (const more of [{}, { isRepeated: true, countedFee: 100n }])
      assert.equal(ask({ operations: [deletion()] }, { hasRate: () => false, ...more }), 'rate-exceeded');
  });

  it('use that only when the ordinary room refuses', () => {
    const { ask, windows } = signer(policy({ fees: { window: window('150', 3_600) } }));
    assert.equal(ask({ operations: [deletion()] }), 'ordinary');
    assert.equal(ask({ operations: [deletion()] }), 'deletions');
    const total = (kind: 'fee' | 'deletion-fee') =>
      windows.total({ kind, asset: 'XLM' }, 3_600, [], Number(NOW) * 1000);
    assert.deepEqual([total('fee'), total('deletion-fee')], [100n, 100n]);
  });

  it('are held by the smallest budget of several policies', () => {
    const policies = [
      policy({ killSwitch: true }),
      policy({ killSwitch: true, fees: { perTransaction: '100' } }),
    ];
    const { ask } = signer(...policies);
    for (let i = 0; i < 10; i++) assert.equal(ask({ operations: [deletion()] }), 'deletions');
    assert.equal(ask({ operations: [deletion()] }), 'window-exhausted fee');
  });

  it('may be bumped, and the bump counts with them', () => {
    const operations = [deletion()];
    const { ask, windows } = signer(policy({ killSwitch: true }));
    assert.equal(ask({ operations }), 'deletions');
    assert.equal(ask({ operations, feeBump: bump({ fee: 400n }) }, { countedFee: 100n }), 'deletions');
    assert.equal(windows.total({ kind: 'deletion-fee', asset: 'XLM' }, 3_600, [], Number(NOW) * 1000), 400n);
    assert.equal(
      ask({ operations: [swap()], feeBump: bump({ fee: 400n }) }, { countedFee: 100n }),
      'kill-switch',
    );
  });
});

describe('signing policy: fee bumps and channels @security', () => {
  const counted = { countedFee: 100n };
  const cases: [string, string, Changes, Record<string, unknown>?, Partial<Context>?][] = [
    ['of what was signed here', 'allowed', { feeBump: bump() }],
    ['of what was not', 'inner-not-signed innerTx', { feeBump: bump() }, {}, { countedFee: undefined }],
    ['paid by a channel', 'allowed', { feeBump: bump({ source: CHANNEL }) }],
    ['paid by a stranger', 'wrong-source feeSource', { feeBump: bump({ source: ISSUER }) }],
    [
      'paid by a channel that is not listed',
      'wrong-source feeSource',
      { feeBump: bump({ source: CHANNEL }) },
      { channels: [] },
    ],
    ['at the limit of one operation more', 'allowed', { feeBump: bump({ fee: 40_000n }) }],
    ['a stroop above', 'fee-too-high fee', { feeBump: bump({ fee: 40_001n }) }],
    ['the largest int64', 'fee-too-high fee', { feeBump: bump({ fee: 2n ** 63n - 1n }) }],
    [
      'above the limit of a transaction',
      'fee-too-high fee',
      { feeBump: bump({ fee: 301n }) },
      { fees: { perTransaction: '300' } },
    ],
    [
      'of what today’s policy does not allow any more',
      'pair-not-allowed operations[0].destAsset',
      { feeBump: bump() },
      { swaps: [] },
    ],
    [
      'of what has expired',
      'expired timeBounds.maxTime',
      { feeBump: bump(), timeBounds: { minTime: 0n, maxTime: NOW } },
    ],
    ['of a fee that is too high today', 'fee-too-high fee', { feeBump: bump(), fee: 20_001n }],
    [
      'whose excess has room',
      'allowed',
      { feeBump: bump({ fee: 400n }) },
      { fees: { window: { amount: '300', seconds: 60 } } },
    ],
    [
      'whose excess has none',
      'window-exhausted fee',
      { feeBump: bump({ fee: 401n }) },
      { fees: { window: { amount: '300', seconds: 60 } } },
    ],
    [
      'of amounts that have counted',
      'allowed',
      { feeBump: bump(), operations: [payment()] },
      {},
      { total: ({ kind }) => (kind === 'payment' ? 10n ** 24n : 0n) },
    ],
    [
      'below what was counted',
      'allowed',
      { feeBump: bump({ fee: 50n }) },
      { fees: { window: { amount: '0', seconds: 60 } } },
    ],
    ['of a killed policy', 'kill-switch', { feeBump: bump() }, { killSwitch: true }],
    ['beyond the rate', 'rate-exceeded', { feeBump: bump() }, {}, { hasRate: () => false }],
  ];
  for (const [name, expected, changes, spec = {}, more = {}] of cases)
    it(`a bump ${name}: ${expected}`, () =>
      assert.equal(verdict(changes, { ...RICH, ...spec }, { ...counted, ...more }), expected));

  it('counts a bump below what was counted as nothing', () => {
    const decision = evaluate(
      { transaction: transaction(), feeBump: bump({ fee: 50n }) },
      [policy(RICH)],
      context(counted),
    );
    assert.ok(decision.allowed);
    assert.deepEqual(decision.spends, [{ kind: 'fee', asset: 'XLM', amount: '0' }]);
  });

  it('takes a channel that every policy lists', () => {
    const changes = { source: CHANNEL, operations: [swap({ source: transaction().source })] };
    assert.equal(verdict(changes, { channels: [CHANNEL] }), 'allowed');
    assert.equal(verdict(changes), 'wrong-source source');
    const policies = [policy(RICH), policy()];
    const decision = evaluate({ transaction: transaction(changes) }, policies, context());
    assert.ok(!decision.allowed);
    assert.equal(decision.refusal.code, 'wrong-source');
  });

  it('names policy and rule of what it refuses', () => {
    const refusal = (changes: Changes) => {
      const decision = evaluate({ transaction: transaction(changes) }, [policy(RICH)], context());
      assert.ok(!decision.allowed);
      return [decision.refusal.policy, decision.refusal.rule?.join(' ')];
    };
    assert.deepEqual(refusal({ operations: [offer({ price: { n: 1n, d: 1n } })] }), [
      'trading',
      'offers 0 price',
    ]);
    assert.deepEqual(refusal({ operations: [payment({ amount: 10n ** 12n })] }), [
      'trading',
      'payments 0 maxAmount',
    ]);
    assert.deepEqual(refusal({ fee: 10n ** 6n }), ['trading', 'fees perOperation']);
    assert.deepEqual(refusal({ operations: [deposit({ maxAmountB: 10n ** 12n })] }), [
      'trading',
      `pools 0 maxAmount ${USDC_ID}`,
    ]);
  });
});
