import assert from 'node:assert/strict';
import type { Context } from '../../../sidecar/policy/check.ts';
import { evaluate } from '../../../sidecar/policy/evaluate.ts';
import type { PathPayment } from '../../../sidecar/transaction.ts';
import { ISSUER } from '../transactions.ts';
import { context, EURC_ID, policy, refusalOf, swap, transaction, USDC_ID, verdict } from './fixtures.ts';

const ops = (...operations: PathPayment[]) => ({ operations });
const SELL_USDC = { sendAsset: USDC_ID, destAsset: 'XLM' };

describe('signing policy: swaps @security', () => {
  const cases: [string, string, ...Parameters<typeof verdict>][] = [
    [
      'a path payment to another',
      'asset-not-allowed operations[0].sendAsset',
      ops(swap({ destination: ISSUER })),
    ],
    [
      'the same asset on both ends',
      'pair-not-allowed operations[0].destAsset',
      ops(swap({ destAsset: 'XLM', destMin: 100_000_000n, path: [USDC_ID] })),
    ],
    [
      'an asset that no rule lists',
      'pair-not-allowed operations[0].destAsset',
      ops(swap({ destAsset: EURC_ID })),
    ],
    [
      'a second operation',
      'pair-not-allowed operations[1].destAsset',
      ops(swap(), swap({ destAsset: EURC_ID })),
    ],
    [
      'a foreign asset on the path',
      'pair-not-allowed operations[0].path[1]',
      ops(swap({ path: [USDC_ID, EURC_ID] })),
    ],
    ['a listed asset on the path', 'allowed', ops(swap({ path: ['XLM', USDC_ID] }))],
    ['the lowest price', 'allowed', ops(swap({ destMin: 8_000_000n }))],
    ['a stroop below it', 'price-out-of-collar operations[0]', ops(swap({ destMin: 7_999_999n }))],
    ['the highest price', 'allowed', ops(swap({ destMin: 20_000_000n }))],
    ['a stroop above it', 'price-out-of-collar operations[0]', ops(swap({ destMin: 20_000_001n }))],
    ['nothing in return', 'price-out-of-collar operations[0]', ops(swap({ destMin: 0n }))],
    ['nothing sent', 'price-out-of-collar operations[0]', ops(swap({ sendMax: 0n }))],
    [
      'a negative amount',
      'price-out-of-collar operations[0]',
      ops(swap({ sendMax: -100_000_000n, destMin: -10_000_000n })),
    ],
    [
      'the other side at the highest price',
      'allowed',
      ops(swap({ ...SELL_USDC, sendMax: 20_000_000n, destMin: 100_000_000n })),
    ],
    [
      'a stroop above it, other side',
      'price-out-of-collar operations[0]',
      ops(swap({ ...SELL_USDC, sendMax: 20_000_001n, destMin: 100_000_000n })),
    ],
    [
      'the other side at the lowest price',
      'allowed',
      ops(swap({ ...SELL_USDC, sendMax: 8_000_000n, destMin: 100_000_000n })),
    ],
    [
      'a stroop below it, other side',
      'price-out-of-collar operations[0]',
      ops(swap({ ...SELL_USDC, sendMax: 7_999_999n, destMin: 100_000_000n })),
    ],
    ['a strict receive', 'allowed', ops(swap({ type: 'pathPaymentStrictReceive' }))],
    [
      'a strict receive below the collar',
      'price-out-of-collar operations[0]',
      ops(swap({ type: 'pathPaymentStrictReceive', destMin: 7_999_999n })),
    ],
    ['the largest amount', 'allowed', ops(swap({ sendMax: 10_000_000_000n, destMin: 1_000_000_000n }))],
    [
      'a stroop more',
      'amount-too-large operations[0]',
      ops(swap({ sendMax: 10_000_000_001n, destMin: 1_000_000_001n })),
    ],
    [
      'the other asset’s limit',
      'amount-too-large operations[0]',
      ops(swap({ ...SELL_USDC, sendMax: 1_000_000_001n, destMin: 10_000_000_000n })),
    ],
  ];
  for (const [name, expected, ...input] of cases)
    it(`${name}: ${expected}`, () => assert.equal(verdict(...input), expected));

  it('says of the same asset on both ends that no rule can allow it', () => {
    const operations = [swap({ destAsset: 'XLM', path: [USDC_ID] })];
    const refusal = refusalOf({ operations }, [policy()]);
    assert.match(refusal!.message, /same asset on both ends is never allowed/);
  });

  it('counts what leaves in the pair’s window, with the operations of the same transaction', () => {
    const rule = {
      pair: ['XLM', USDC_ID],
      price: { min: '0.08', max: '0.2' },
      maxAmount: { XLM: '10000000000', [USDC_ID]: '0' },
    };
    const swaps = [{ ...rule, window: { XLM: { amount: '300000000', seconds: 60 } } }];
    const asked: unknown[] = [];
    const total: Context['total'] = ({ kind, asset }, seconds, spends) => {
      if (kind !== 'swap') return 0n;
      asked.push({ asset, seconds });
      return spends.reduce(
        (sum, spend) => sum + BigInt(spend.kind === 'swap' ? spend.amount : 0),
        100_000_000n,
      );
    };
    assert.equal(verdict(ops(swap(), swap()), { swaps }, { total }), 'allowed');
    assert.equal(
      verdict(ops(swap(), swap(), swap()), { swaps }, { total }),
      'window-exhausted operations[0]',
    );
    assert.deepEqual(asked[0], { asset: 'XLM', seconds: 60 });
  });

  it('spends the most that can leave, and the fee', () => {
    const decision = evaluate({ transaction: transaction({ fee: 321n }) }, [policy()], context());
    assert.ok(decision.allowed);
    assert.deepEqual(decision.spends, [
      { kind: 'fee', asset: 'XLM', amount: '321' },
      { kind: 'swap', asset: 'XLM', pair: [USDC_ID, 'XLM'].join(' '), amount: '100000000' },
    ]);
  });
});
