import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Side } from '../../../connector/market/quote.ts';
import { operationOf } from '../../../connector/orders/steps.ts';
import { trader } from '../../sandbox/testing.ts';
import { createRig, market, never, type Rig, taker, UNIT } from './orders-rig.ts';

/** The makers of the book stand far from where this trades: 0.05 and 0.25. */
const book = [
  { selling: 'XLM', amount: 1000n, n: 25, d: 100 },
  { selling: 'USDC:issuer', amount: 50n, n: 20, d: 1 },
];

const side = fc.constantFrom<Side>('BUY', 'SELL');
const cents = fc.integer({ min: 6, max: 20 });
const units = fc.integer({ min: 1, max: 60 });
const which = fc.nat({ max: 30 });
const action = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('place'), side, cents, units, maker: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('amend'), which, cents, units }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel'), which }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('take'), side, cents, units }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('silence', 'deaf', 'restart', 'sweep', 'all') }) },
);
type Action = {
  do: string;
  side?: Side;
  cents?: number;
  units?: number;
  maker?: boolean;
  which?: number;
};

describe('connector/orders in a storm', () => {
  const price = (hundredths: number) => ({ numerator: BigInt(hundredths), denominator: 100n });

  async function step(rig: Rig, it: Action, index: number): Promise<void> {
    const id = `o-${it.which ?? index}`;
    switch (it.do) {
      case 'place':
        await rig.orders.place(
          [
            {
              ...{ clientOrderId: id, market, side: it.side!, type: it.maker ? 'maker-only' : 'limit' },
              ...{ price: price(it.cents!), amount: BigInt(it.units!) * UNIT, client: 'bot' },
            },
          ],
          never,
        );
        break;
      case 'amend':
        await rig.orders
          .amend(id, { price: price(it.cents!), amount: BigInt(it.units!) * UNIT }, never)
          .catch(() => undefined);
        break;
      case 'cancel':
        await rig.orders.cancel(id, never).catch(() => undefined);
        break;
      case 'take': {
        const { numerator: n, denominator: d } = price(it.cents!);
        const terms = { id: undefined, offerId: '0', market, side: it.side!, price: { n, d } };
        const amount = BigInt(it.units!) * UNIT;
        rig.act('taker', [operationOf({ ...terms, action: 'place', amount }, taker.publicKey())]);
        break;
      }
      case 'silence':
        rig.faults.silent = true;
        break;
      case 'deaf':
        rig.tellsFills = false;
        break;
      case 'restart':
        rig.restart().start();
        break;
      case 'all':
        await rig.orders.cancelAll(undefined, never);
        break;
      default:
        await rig.orders.sweep(never);
    }
  }

  it('knows at the end every offer, fill and stroop that the ledger knows @security', async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 25 }), async (actions) => {
        const rig = createRig(book, { trading: { collarPct: 100 } });
        try {
          rig.orders.start();
          await rig.orders.sweep(never);
          const held = () => rig.account().balances.map(({ balance }) => balance) as [bigint, bigint];
          const before = held();
          let fees = 0n;
          for (const [index, it] of (actions as Action[]).entries()) await step(rig, it, index);
          rig.faults.silent = false;
          rig.tell();
          for (const _ of [1, 2, 3]) await rig.orders.sweep(never);
          const orders = rig.orders.list({ limit: 1000 });
          assert.ok(orders.every(({ state }) => state !== 'pending' && state !== 'unknown'));
          // What rests is what the ledger has, to the stroop of a rounding in quote.
          const open = orders.filter(({ state }) => state === 'open');
          assert.deepEqual(
            new Set(open.map(({ offerId }) => offerId)),
            new Set(rig.offers().map(({ id }) => id)),
          );
          // What was filled is what the account gained and lost, fees apart.
          const [base, quote] = orders.reduce(
            ([b, q], { side: of, filledBase, filledQuote }) =>
              of === 'BUY' ? [b + filledBase, q - filledQuote] : [b - filledBase, q + filledQuote],
            [0n, 0n],
          );
          for (const { transactions } of rig.network.ledgers) {
            for (const { transaction, result } of transactions) {
              if (transaction.source === trader.publicKey()) fees += result.feeCharged;
            }
          }
          const after = held();
          assert.deepEqual([after[0] - before[0] + fees, after[1] - before[1]], [base, quote]);
        } finally {
          rig.stop();
        }
      }),
      { numRuns: 40 },
    );
  });
});
