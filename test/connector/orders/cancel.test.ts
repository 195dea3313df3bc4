import assert from 'node:assert/strict';
import { connectorError } from '../../../connector/errors.ts';
import { createMetrics } from '../../../connector/metrics.ts';
import { type Cause, createGuard, type Guard, judgeCauses } from '../../../connector/orders/guard.ts';
import { operationOf } from '../../../connector/orders/steps.ts';
import type { OrderRequest } from '../../../connector/orders/types.ts';
import { createRig, market, never, price, type Rig, taker, UNIT } from './orders-rig.ts';

const book = [
  { selling: 'XLM', amount: 100n, n: 12, d: 100 },
  { selling: 'USDC:issuer', amount: 11n, n: 100, d: 11 },
];
const request = (clientOrderId: string, fields: Partial<OrderRequest> = {}): OrderRequest => ({
  ...{ clientOrderId, market, side: 'SELL', type: 'limit', price: price('0.14'), amount: 10n * UNIT },
  client: 'bot',
  ...fields,
});
const buys = (amount: bigint) =>
  operationOf(
    {
      ...{ action: 'place', id: undefined, offerId: '0', market, side: 'BUY', price: { n: 14n, d: 100n } },
      amount: amount * UNIT,
    },
    taker.publicKey(),
  );
const tick = () => new Promise((resolve) => setImmediate(resolve));

describe('connector/orders/cancel', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = createRig(book);
    rig.orders.start();
  });
  afterEach(() => rig.stop());

  it('deletes all in one transaction, the largest exposure first, also what it did not place', async () => {
    await rig.orders.sweep(never);
    rig.act('trader', [
      operationOf(
        {
          ...{ action: 'place', id: undefined, offerId: '0', market, side: 'SELL' },
          price: { n: 15n, d: 100n },
          amount: 50n * UNIT,
        },
        '',
      ),
    ]);
    await rig.orders.place(
      [
        request('small'),
        request('big', { amount: 90n * UNIT }),
        // 70 XLM at its price.
        request('bid', { side: 'BUY', price: price('0.1'), amount: 70n * UNIT }),
      ],
      never,
    );
    const ids = Object.fromEntries(['small', 'big', 'bid'].map((id) => [id, rig.orders.get(id)!.offerId!]));
    const stranger = rig.offers().find(({ amount }) => amount === 50n * UNIT)!.id;
    const { length } = rig.transactions;
    const report = await rig.orders.cancelAll(undefined, never);
    assert.deepEqual(report, { cancelled: [ids.big, ids.bid, stranger, ids.small], left: [] });
    assert.equal(rig.transactions.length, length + 1);
    assert.deepEqual(rig.offers(), []);
    assert.equal(rig.orders.get('big')!.state, 'cancelled');
  });

  it('asks for no more operations at once than the policies allow: else none would be taken away', async () => {
    await rig.orders.place(
      [1, 2, 3, 4, 5].map((n) => request(`o-${n}`)),
      never,
    );
    rig.limits.maxOperations = 2;
    rig.intents.length = 0;
    const { cancelled } = await rig.orders.cancelAll(undefined, never);
    assert.equal(cancelled.length, 5);
    assert.equal(rig.intents.length, 3);
  });

  it('keeps to a market where one is given', async () => {
    await rig.orders.place([request('a')], never);
    const other = { base: market.quote, quote: 'native' };
    assert.deepEqual(await rig.orders.cancelAll(other, never), { cancelled: [], left: [] });
    assert.equal((await rig.orders.cancelAll(market, never)).cancelled.length, 1);
  });

  it('tries the others again when one was filled on the way, which fails the transaction for all', async () => {
    await rig.orders.place([request('a'), request('b', { price: price('0.15') })], never);
    rig.faults.before = () => {
      rig.faults.before = () => undefined;
      rig.act('taker', [buys(110n)]);
    };
    const report = await rig.orders.cancelAll(undefined, never);
    assert.deepEqual(report, { cancelled: [rig.orders.get('b')!.offerId], left: [] });
    assert.deepEqual([rig.orders.get('a')!.state, rig.orders.get('b')!.state], ['filled', 'cancelled']);
  });

  it('waits for what is on its way to the book, and deletes that too', async () => {
    const placing = rig.orders.place([request('late')], never);
    const report = await rig.orders.cancelAll(undefined, never);
    await placing;
    assert.equal(report.cancelled.length, 1);
    assert.deepEqual(rig.offers(), []);
  });

  it('does not say that all is gone while the fate of an order is not known @security', async () => {
    rig.faults.silent = true;
    const [order] = await rig.orders.place([request('a')], never);
    assert.equal(order!.state, 'unknown');
    rig.faults.refuse = () => connectorError('ledger-unreachable', 'no connection');
    const { left } = await rig.orders.cancelAll(undefined, never);
    assert.match(left.map(({ reason }) => reason).join(), /nobody knows yet/);
    const other = { base: market.quote, quote: 'native' };
    assert.deepEqual((await rig.orders.cancelAll(other, never)).left, []);
  });

  it('says what is left and why', async () => {
    await rig.orders.place([request('a')], never);
    rig.faults.refuse = () => connectorError('signer-unavailable', 'the signer does not answer');
    const report = await rig.orders.cancelAll(undefined, never);
    assert.deepEqual(report, {
      cancelled: [],
      left: [{ offerId: rig.orders.get('a')!.offerId, market, reason: 'the signer does not answer' }],
    });
    assert.equal(rig.orders.get('a')!.state, 'open');
    rig.faults.refuse = () => undefined;
    assert.equal((await rig.orders.cancelAll(undefined, never)).cancelled.length, 1);
  });

  describe('guard', () => {
    const lines: object[] = [];
    let guard: Guard;
    const log = { warn: (f: object) => lines.push(f), error: (f: object) => lines.push(f) };
    const stand = (trading: { deadManSeconds: number; staleSeconds: number }) => {
      lines.length = 0;
      guard = createGuard({
        ...{ trading, orders: rig.orders, market: rig.data, metrics: createMetrics(), log },
        ...{ now: rig.time.clock, every: rig.time.every },
      });
      guard.start();
    };
    /** Lets time pass in steps of a second, and what it sets off run. */
    const pass = async (seconds: number) => {
      for (let i = 0; i < seconds; i++) {
        rig.time.advance(1000);
        await tick();
      }
      for (let i = 0; i < 20; i++) await tick();
    };
    afterEach(() => guard.stop());

    it('cancels all when no client is heard, and lets place again when one is', async () => {
      stand({ deadManSeconds: 120, staleSeconds: 60 });
      await rig.orders.place([request('a')], never);
      guard.heard();
      await pass(100);
      guard.heard();
      await pass(100);
      assert.equal(rig.offers().length, 1);
      await pass(25);
      assert.deepEqual(rig.offers(), []);
      assert.deepEqual(guard.causes(), ['dead-man']);
      await assert.rejects(rig.orders.place([request('b')], never), /no client was heard/);
      guard.heard();
      assert.deepEqual(guard.causes(), []);
      const [order] = await rig.orders.place([request('b')], never);
      assert.equal(order!.state, 'open');
    });

    it('cancels all when the data is stale, again until nothing is left', async () => {
      stand({ deadManSeconds: 0, staleSeconds: 60 });
      await rig.orders.place([request('a')], never);
      rig.book.at = rig.time.clock();
      await pass(60);
      assert.equal(rig.offers().length, 1);
      rig.faults.refuse = () => connectorError('ledger-unreachable', 'no connection');
      await pass(3);
      assert.equal(rig.offers().length, 1);
      assert.deepEqual(guard.causes(), ['stale-data']);
      assert.equal((lines.at(-1) as { left: object[] }).left.length, 1);
      rig.faults.refuse = () => undefined;
      await pass(15);
      assert.deepEqual(rig.offers(), []);
      delete rig.book.at;
      await pass(1);
      assert.deepEqual(guard.causes(), []);
    });

    it('cancels all at shutdown, reports, and nothing is placed any more', async () => {
      stand({ deadManSeconds: 0, staleSeconds: 60 });
      await rig.orders.place([request('a'), request('b')], never);
      const report = await guard.shutdown(never);
      assert.equal(report.cancelled.length, 2);
      assert.deepEqual(rig.offers(), []);
      await assert.rejects(rig.orders.place([request('c')], never), { code: 'shutting-down' });
      await assert.rejects(rig.orders.amend('a', { amount: UNIT }, never), { code: 'shutting-down' });
      assert.deepEqual(guard.causes(), ['shutdown'] satisfies Cause[]);
    });

    it('takes away what comes to the book while nobody watches', async () => {
      stand({ deadManSeconds: 120, staleSeconds: 60 });
      await pass(121);
      assert.deepEqual(guard.causes(), ['dead-man']);
      // As an order does that was sent before, and whose fate nobody knew until now.
      const step = { action: 'place' as const, id: undefined, offerId: '0', market, side: 'SELL' as const };
      rig.act('trader', [operationOf({ ...step, price: { n: 15n, d: 100n }, amount: UNIT }, '')]);
      await pass(35);
      assert.deepEqual(rig.offers(), []);
    });

    it('goes on at shutdown while there is time, and ends with it', async () => {
      stand({ deadManSeconds: 0, staleSeconds: 600 });
      await rig.orders.place([request('a'), request('b')], never);
      rig.faults.refuse = () => connectorError('signer-unavailable', 'the signer starts anew');
      const cancelling = guard.shutdown(never);
      await pass(5);
      assert.equal(rig.offers().length, 2);
      rig.faults.refuse = () => undefined;
      await pass(5);
      assert.equal((await cancelling).cancelled.length, 2);
      assert.deepEqual(rig.offers(), []);
      assert.equal(lines.length, 1);
    });

    it('says at shutdown what is left when the time is over', async () => {
      stand({ deadManSeconds: 0, staleSeconds: 600 });
      await rig.orders.place([request('a')], never);
      rig.faults.refuse = () => connectorError('signer-unavailable', 'the signer is gone');
      const over = new AbortController();
      const cancelling = guard.shutdown(over.signal);
      await pass(5);
      over.abort();
      assert.equal((await cancelling).left.length, 1);
      assert.equal((lines.at(-1) as { left: object[] }).left.length, 1);
    });

    it('leaves the timer out where it is 0', () => {
      const calm = { now: 1e9, heardAt: 0, fresh: true };
      assert.deepEqual(judgeCauses({ ...calm, deadManMs: 0 }), []);
      assert.deepEqual(judgeCauses({ ...calm, deadManMs: 1000 }), ['dead-man']);
    });
  });
});
