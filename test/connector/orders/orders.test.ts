import assert from 'node:assert/strict';
import type { Step } from '../../../connector/orders/steps.ts';
import { operationOf } from '../../../connector/orders/steps.ts';
import type { Order, OrderRequest } from '../../../connector/orders/types.ts';
import { createRig, market, never, price, type Rig, taker, UNIT } from './orders-rig.ts';

/** Others offer 100 XLM at 0.12, 1000 at 0.13, and bid for 100 at 0.11, 1000 at 0.10. */
const book = [
  { selling: 'XLM', amount: 100n, n: 12, d: 100 },
  { selling: 'XLM', amount: 1000n, n: 13, d: 100 },
  { selling: 'USDC:issuer', amount: 11n, n: 100, d: 11 },
  { selling: 'USDC:issuer', amount: 100n, n: 10, d: 1 },
];

const request = (fields: Partial<OrderRequest> = {}): OrderRequest => ({
  ...{ clientOrderId: 'o-1', market, side: 'SELL', type: 'limit', price: price('0.14'), amount: 10n * UNIT },
  client: 'bot',
  ...fields,
});

/** Somebody takes `amount` whole units of XLM from offers up to a price, or sells them. */
const taking = (side: 'BUY' | 'SELL', amount: bigint, n: bigint, d: bigint) =>
  operationOf(
    {
      action: 'place',
      id: undefined,
      offerId: '0',
      market,
      side,
      price: { n, d },
      amount: amount * UNIT,
    } as Step,
    taker.publicKey(),
  );

describe('connector/orders', () => {
  let rig: Rig;
  const start = (...parameters: Parameters<typeof createRig>): Rig => {
    rig = createRig(...parameters);
    rig.orders.start();
    return rig;
  };
  const place = async (fields: Partial<OrderRequest> = {}): Promise<Order> => {
    const [order] = await rig.orders.place([request(fields)], never);
    return order!;
  };
  afterEach(() => rig.stop());

  describe('placing', () => {
    it('rests, and says which offer it is', async () => {
      start(book);
      const order = await place();
      assert.equal(order.state, 'open');
      assert.equal(order.remaining, 10n * UNIT);
      assert.deepEqual(
        rig.offers().map(({ id, amount, price: p }) => [id, amount, p]),
        [[order.offerId, 10n * UNIT, { numerator: 7n, denominator: 50n }]],
      );
      assert.match(order.hash!, /^[0-9a-f]{64}$/);
      assert.equal(order.fee, 100n);
    });

    it('takes what crosses, and rests with the remainder', async () => {
      start(book);
      const order = await place({ price: price('0.11'), amount: 150n * UNIT });
      assert.equal(order.state, 'open');
      assert.equal(order.filledBase, 100n * UNIT);
      assert.equal(order.filledQuote, 11n * UNIT);
      assert.equal(order.remaining, 50n * UNIT);
    });

    it('buys at its price or better, and is filled when nothing is left', async () => {
      start(book);
      const order = await place({ side: 'BUY', price: price('0.125'), amount: 40n * UNIT });
      assert.equal(order.state, 'filled');
      assert.equal(order.filledBase, 40n * UNIT);
      assert.equal(order.filledQuote, 48_000_000n);
      assert.equal(order.offerId, undefined);
      assert.deepEqual(rig.offers(), []);
    });

    it('shows of a resting BUY base, which the ledger keeps in quote', async () => {
      start(book);
      const order = await place({ side: 'BUY', price: price('0.0333'), amount: 31n, type: 'maker-only' });
      assert.equal(order.state, 'failed', order.reason);
      rig.stop();
      start(book, { trading: { collarPct: 100 } });
      const small = await place({ side: 'BUY', price: price('0.0333'), amount: 1_000_003n });
      assert.equal(small.state, 'open');
      // What the ledger can trade at that price.
      assert.equal(small.remaining, 1_000_000n);
    });

    it('places several in one transaction, and a doomed one alone fails', async () => {
      start(book);
      const orders = await rig.orders.place(
        [
          request({ clientOrderId: 'a' }),
          request({ clientOrderId: 'b', amount: 50_000n * UNIT }),
          request({ clientOrderId: 'c', side: 'BUY', price: price('0.1') }),
        ],
        never,
      );
      assert.deepEqual(
        orders.map(({ state, code }) => [state, code]),
        [
          ['open', undefined],
          ['failed', 'insufficient-balance'],
          ['open', undefined],
        ],
      );
      assert.equal(rig.transactions.length, 1);
    });

    it('counts what orders before it in the same transaction take', async () => {
      start(book);
      const orders = await rig.orders.place(
        ['a', 'b'].map((clientOrderId) => request({ clientOrderId, amount: 6_000n * UNIT })),
        never,
      );
      assert.deepEqual(
        orders.map(({ state }) => state),
        ['open', 'failed'],
      );
    });

    it('takes a market order whole within its worst price, and leaves nothing', async () => {
      start(book);
      const sold = await place({ type: 'market', price: price('0.105'), amount: 150n * UNIT });
      assert.equal(sold.state, 'filled');
      assert.equal(sold.filledQuote, 160_000_000n);
      const bought = await place({ clientOrderId: 'o-2', side: 'BUY', type: 'market', price: price('0.12') });
      assert.deepEqual(
        [bought.state, bought.filledBase, bought.filledQuote],
        ['filled', 10n * UNIT, 12_000_000n],
      );
      const short = await place({
        clientOrderId: 'o-3',
        type: 'market',
        price: price('0.11'),
        amount: 10n * UNIT,
      });
      assert.deepEqual([short.state, short.filledBase, short.code], ['failed', 0n, 'transaction-failed']);
      assert.deepEqual(rig.offers(), []);
      assert.ok(rig.intents.every(({ shared }) => !shared));
    });

    it('refuses before anything is written what no ledger could keep, naming the field', async () => {
      start(book);
      const cases: [Partial<OrderRequest>, string][] = [
        [{ price: price('0.00000000001') }, 'price'],
        [{ amount: 0n }, 'amount'],
        [{ amount: 9_000_000_000_000_000_000n, price: price('100') }, 'amount'],
        [{ clientOrderId: 'a b' }, 'clientOrderId'],
        [{ clientOrderId: 'foreign-1' }, 'clientOrderId'],
        [{ market: { base: market.quote, quote: market.base } }, 'market'],
      ];
      for (const [fields, field] of cases) {
        await assert.rejects(place(fields), { code: 'invalid-params', field });
      }
      assert.deepEqual(rig.orders.list({ limit: 10 }), []);
      assert.equal(rig.intents.length, 0);
    });
  });

  describe('idempotency', () => {
    it('gives the order that stands for the same content, and sends nothing @security', async () => {
      start(book);
      const [first, second] = await Promise.all([place(), place({ client: 'another' })]);
      assert.deepEqual(second, first);
      assert.deepEqual(await place({ price: { numerator: 28n, denominator: 200n } }), first);
      assert.equal(rig.offers().length, 1);
    });

    it('refuses another content @security', async () => {
      start(book);
      await place();
      await assert.rejects(place({ amount: 11n * UNIT }), { code: 'conflict', field: 'clientOrderId' });
      await assert.rejects(rig.orders.place([request(), request({ side: 'BUY' })], never), {
        code: 'conflict',
      });
      assert.equal(rig.offers().length, 1);
    });

    it('holds after a restart, and after an amendment', async () => {
      start(book);
      await place();
      await rig.orders.amend('o-1', { price: price('0.15') }, never);
      rig.restart().start();
      const again = await place();
      assert.deepEqual([again.state, again.price], ['open', price('0.15')]);
      assert.equal(rig.offers().length, 1);
    });
  });

  describe('following', () => {
    it('counts fills once, whoever tells of them, and ends filled', async () => {
      start(book);
      await place();
      const seen: string[] = [];
      rig.orders.onOrder(({ state, filledBase }) => seen.push(`${state} ${filledBase / UNIT}`));
      rig.act('taker', [taking('BUY', 1104n, 14n, 100n)]);
      await rig.orders.sweep(never);
      await rig.orders.sweep(never);
      let order = rig.orders.get('o-1')!;
      assert.deepEqual([order.state, order.filledBase, order.filledQuote], ['open', 4n * UNIT, 5_600_000n]);
      rig.act('taker', [taking('BUY', 6n, 14n, 100n)]);
      order = rig.orders.get('o-1')!;
      assert.deepEqual([order.state, order.filledBase, order.remaining], ['filled', 10n * UNIT, 0n]);
      assert.deepEqual(seen, ['open 4', 'filled 10']);
    });

    it('counts fills that nobody told of from the trades of the account', async () => {
      start(book);
      rig.tellsFills = false;
      await place();
      rig.act('taker', [taking('BUY', 1110n, 14n, 100n)]);
      assert.equal(rig.orders.get('o-1')!.filledBase, 0n);
      await rig.orders.sweep(never);
      const order = rig.orders.get('o-1')!;
      assert.deepEqual([order.state, order.filledBase], ['filled', 10n * UNIT]);
    });

    it('counts once what it took before it rested, of which the trades name its offer too', async () => {
      start(book);
      const { offerId } = await place({ price: price('0.11'), amount: 150n * UNIT });
      await rig.orders.sweep(never);
      const order = rig.orders.get('o-1')!;
      assert.deepEqual([order.state, order.offerId, order.filledBase], ['open', offerId, 100n * UNIT]);
      assert.deepEqual([order.filledQuote, order.remaining], [11n * UNIT, 50n * UNIT]);
    });

    it('counts a fill that was told before the order knew its offer', async () => {
      start(book);
      // A taker in the same ledger, before the receipt comes.
      rig.faults.lie = (results) => {
        rig.faults.lie = (same) => same;
        rig.act('taker', [taking('BUY', 1103n, 14n, 100n)]);
        return results;
      };
      const order = await place();
      assert.deepEqual([order.filledBase, order.remaining], [3n * UNIT, 7n * UNIT]);
    });

    it('says cancelled of an offer that is gone only after two looks at ledger and trades', async () => {
      start(book);
      const { offerId } = await place();
      const order = rig.orders.get('o-1')!;
      const [side, n, d] = ['SELL' as const, 7n, 50n];
      const step: Step = {
        action: 'delete',
        id: undefined,
        offerId: offerId!,
        market,
        side,
        price: { n, d },
        amount: 0n,
      };
      rig.act('trader', [operationOf(step, '')]);
      await rig.orders.sweep(never);
      assert.equal(rig.orders.get('o-1')!.state, 'open');
      await rig.orders.sweep(never);
      assert.deepEqual([rig.orders.get('o-1')!.state, order.state], ['cancelled', 'open']);
      assert.match(rig.orders.get('o-1')!.reason!, /on the ledger no more/);
    });

    it('lists offers that nobody placed here, and cancels them', async () => {
      start(book);
      await rig.orders.sweep(never);
      rig.act('trader', [taking('SELL', 5n, 15n, 100n), taking('BUY', 5n, 9n, 100n)]);
      await rig.orders.sweep(never);
      const strangers = rig.orders.list({ market, limit: 10 });
      assert.deepEqual(
        strangers.map(({ side, amount, price: p, reason }) => [
          side,
          amount,
          (p.numerator * 100n) / p.denominator,
          reason,
        ]),
        [
          ['SELL', 5n * UNIT, 15n, 'not placed here'],
          ['BUY', 5n * UNIT, 9n, 'not placed here'],
        ],
      );
      const gone = await rig.orders.cancel(strangers[0]!.clientOrderId, never);
      assert.equal(gone.state, 'cancelled');
      assert.equal(rig.offers().length, 1);
      assert.equal(rig.orders.get(strangers[0]!.clientOrderId), undefined);
    });

    it('does not take its own offer for a stranger while its end is not known', async () => {
      start(book);
      rig.faults.silent = true;
      await place();
      await rig.orders.sweep(never);
      assert.deepEqual(
        rig.orders.list({ limit: 10 }).map(({ state }) => state),
        ['unknown'],
      );
      rig.tell();
      await rig.orders.sweep(never);
      assert.deepEqual(
        rig.orders.list({ limit: 10 }).map(({ state, offerId }) => [state, offerId]),
        [['open', rig.offers()[0]!.id]],
      );
    });

    it('reports a maker-only order that took all the same', async () => {
      start(book);
      rig.faults.before = () => rig.act('taker', [taking('BUY', 1200n, 135n, 1000n)]);
      const order = await place({ type: 'maker-only', price: price('0.131') });
      assert.equal(order.state, 'filled');
      assert.match(order.reason!, /took although maker-only/);
    });

    it('believes no result that contradicts the order @security', async () => {
      start(book);
      rig.faults.lie = () => [];
      const order = await place();
      assert.deepEqual([order.state, order.code], ['failed', 'ledger-untrusted']);
    });
  });

  describe('amending and cancelling', () => {
    it('changes price and amount of the same offer', async () => {
      start(book);
      const before = await place();
      const after = await rig.orders.amend('o-1', { price: price('0.15'), amount: 12n * UNIT }, never);
      assert.equal(after.offerId, before.offerId);
      assert.deepEqual([after.amount, after.remaining, after.price], [12n * UNIT, 12n * UNIT, price('0.15')]);
      assert.deepEqual(
        rig.offers().map(({ amount, price: p }) => [amount, p]),
        [[12n * UNIT, { numerator: 3n, denominator: 20n }]],
      );
    });

    it('counts what is filled in the amount, and what the old offer holds in the funds', async () => {
      start(book);
      await place({ amount: 9_000n * UNIT });
      rig.act('taker', [taking('BUY', 1104n, 14n, 100n)]);
      const after = await rig.orders.amend('o-1', { amount: 9_500n * UNIT }, never);
      assert.equal(after.remaining, 9_496n * UNIT);
      await assert.rejects(rig.orders.amend('o-1', { amount: 4n * UNIT }, never), {
        code: 'invalid-params',
        field: 'amount',
      });
      await assert.rejects(rig.orders.amend('o-1', { amount: 10_100n * UNIT }, never), {
        code: 'insufficient-balance',
      });
      assert.equal(rig.orders.get('o-1')!.state, 'open');
    });

    it('cancels, twice alike, and refuses to amend what has ended', async () => {
      start(book);
      await place();
      const first = await rig.orders.cancel('o-1', never);
      assert.deepEqual([first.state, first.remaining], ['cancelled', 0n]);
      assert.deepEqual(await rig.orders.cancel('o-1', never), first);
      assert.deepEqual(rig.offers(), []);
      await assert.rejects(rig.orders.amend('o-1', { amount: UNIT }, never), { code: 'conflict' });
      await assert.rejects(rig.orders.cancel('nobody', never), { code: 'not-found' });
    });

    it('finds out what became of an offer that was filled while its deletion was on its way', async () => {
      start(book);
      rig.tellsFills = false;
      await place();
      rig.faults.before = () => {
        rig.faults.before = () => undefined;
        rig.act('taker', [taking('BUY', 1110n, 14n, 100n)]);
      };
      const order = await rig.orders.cancel('o-1', never);
      assert.deepEqual([order.state, order.filledBase], ['filled', 10n * UNIT]);
    });

    it('counts a fill of the ledger before its deletion, though it is told after', async () => {
      start(book);
      await place();
      rig.tellsFills = false;
      rig.act('taker', [taking('BUY', 1104n, 14n, 100n)]);
      const order = await rig.orders.cancel('o-1', never);
      assert.deepEqual([order.state, order.filledBase], ['cancelled', 0n]);
      await rig.orders.sweep(never);
      const after = rig.orders.get('o-1')!;
      assert.deepEqual([after.state, after.filledBase], ['cancelled', 4n * UNIT]);
    });
  });
});
