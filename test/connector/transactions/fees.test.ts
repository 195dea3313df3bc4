import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  bidFor,
  bumpFee,
  type FeeHistory,
  type FeeLimits,
  wanted,
} from '../../../connector/transactions/fees.ts';
import { createSpent } from '../../../connector/transactions/spent.ts';

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;
const statistics = (bid: bigint, capacityUsage = 1) => ({ baseFee: 100n, capacityUsage, bids: { 90: bid } });
const limits: FeeLimits = { perOperation: 20_000n, perTransaction: 2_020_000n, percentile: 90 };
const none: FeeHistory = { spent: 0n, oldest: undefined, operations: 0, countedSince: NOW };
const bid = (
  of: Partial<FeeLimits>,
  history: Partial<FeeHistory>,
  operations = 1,
  deletions = false,
): bigint =>
  bidFor(
    statistics(15_000n),
    { ...limits, ...of },
    { ...none, ...history },
    { operations, deletions, now: NOW },
  );

describe('connector/transactions/fees', () => {
  it('bids the percentile while ledgers are full, the base fee else', () => {
    assert.equal(wanted(statistics(700n, 0.9), 90), 700n);
    assert.equal(wanted(statistics(700n, 0.5), 90), 100n);
    assert.equal(wanted(statistics(50n), 90), 100n);
  });

  it('is capped for an operation and for the transaction, never below the base fee', () => {
    assert.equal(bid({ perOperation: 900n }, {}), 900n);
    assert.equal(bid({ perTransaction: 50_000n }, {}, 100), 500n);
    assert.equal(bid({ perTransaction: 50n }, {}), 100n);
  });

  it('shares what is left of the window among the operations expected in its rest, deletions excepted', () => {
    const window = { amount: 1_000_000n, seconds: 86_400 };
    // Half is spent, 100 operations an hour, and the oldest leaves in ten hours: 500,000 / 1,000.
    const history = { spent: 500_000n, oldest: NOW - 14 * HOUR, operations: 100, countedSince: NOW - HOUR };
    assert.equal(bid({ window }, history), 500n);
    assert.equal(bid({ window }, history, 1, true), 15_000n);
    assert.equal(bid({ window }, { ...history, spent: 2_000_000n }), 100n);
    assert.equal(bid({ window }, {}), 15_000n, 'nothing is known yet');
  });

  it('a bump replaces what is queued at ten times its rate only, and only where the market bids more', () => {
    const own = { fee: 100n, units: 1, operations: 1 };
    assert.equal(bumpFee(statistics(100n), limits, own, undefined), 'not-needed');
    assert.equal(bumpFee(statistics(101n), limits, own, undefined), 2_000n);
    assert.equal(bumpFee(statistics(5_000n), limits, own, undefined), 10_000n);
    assert.equal(bumpFee(statistics(101n), { ...limits, perOperation: 999n }, own, undefined), 'forbidden');
    assert.equal(
      bumpFee(statistics(101n), { ...limits, perTransaction: 1_999n }, own, undefined),
      'forbidden',
    );
  });

  it('a bump of what core refused bids what it asked for, counted for one operation more', () => {
    const own = { fee: 300n, units: 3, operations: 3 };
    assert.equal(bumpFee(statistics(100n), limits, own, { fee: 700n, units: 3 }), 934n);
    assert.equal(
      bumpFee(statistics(100n), limits, own, { fee: 0n, units: 3 }),
      401n,
      'never less than it had',
    );
    assert.equal(bumpFee(statistics(100n), limits, own, { fee: 10n ** 18n, units: 3 }), 'forbidden');
  });

  it('no bid or bump passes the caps where they allow the base fee (property)', () => {
    const amount = fc.bigInt({ min: 100n, max: 10_000_000n });
    fc.assert(
      fc.property(
        amount,
        amount,
        amount,
        fc.integer({ min: 1, max: 100 }),
        (market, perOperation, each, operations) => {
          const of = { ...limits, perOperation, perTransaction: each * BigInt(operations + 1) };
          const one = bidFor(statistics(market), of, none, { operations, deletions: false, now: NOW });
          assert.ok(one <= perOperation && one * BigInt(operations) <= of.perTransaction);
          const own = { fee: one * BigInt(operations), units: operations, operations };
          const fee = bumpFee(statistics(market), of, own, undefined);
          if (typeof fee === 'string') return;
          assert.ok(fee <= perOperation * BigInt(operations + 1) && fee <= of.perTransaction);
          assert.ok(fee * BigInt(operations) >= 10n * own.fee * BigInt(operations + 1));
        },
      ),
    );
  });

  it('counts a fee that was signed for once, and reads nothing to do so', () => {
    let fees = 0n;
    let reads = 0;
    const signedSince = () => {
      reads++;
      return { fees, oldest: undefined, operations: 0 };
    };
    let time = 0;
    const spent = createSpent({ signedSince }, {}, () => time);
    spent();
    time = 120_000;
    fees = 100n;
    const before = reads;
    spent.add(100n, 1);
    assert.equal(reads, before);
    assert.equal(spent().spent, 100n);
    spent.add(50n, 1);
    assert.equal(spent().spent, 150n);
  });
});
