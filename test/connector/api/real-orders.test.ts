import assert from 'node:assert/strict';
import { listTokens } from '../../../connector/market/asset.ts';
import { operationOf, type Step } from '../../../connector/orders/steps.ts';
import { createRig, market, type Rig, taker, UNIT } from '../orders/orders-rig.ts';
import { type Stand, startStand } from './stand.ts';

/** Others offer 100 XLM at 0.12 and bid for 100 at 0.11. */
const book = [
  { selling: 'XLM', amount: 100n, n: 12, d: 100 },
  { selling: 'USDC:issuer', amount: 11n, n: 100, d: 11 },
];
const ask = {
  clientOrderId: 'o-1',
  market: 'XLM-USDC',
  side: 'SELL',
  type: 'maker-only',
  price: '0.14',
  amount: '10',
};

describe('connector/api: over orders on the sandbox’s ledger', () => {
  let rig: Rig;
  let stand: Stand;
  beforeEach(async () => {
    rig = createRig(book);
    rig.orders.start();
    stand = await startStand();
    Object.assign(stand.context, { orders: rig.orders, market: rig.data, tokens: listTokens([market]) });
  });
  afterEach(async () => {
    await stand.stop();
    rig.stop();
  });
  const offers = () =>
    rig.offers().map(({ amount, price }) => [amount, `${price.numerator}/${price.denominator}`]);

  it('an order: placed, placed again, amended, partly filled, cancelled', async () => {
    const placed = await stand.call('POST', '/v1/orders', ask);
    assert.deepEqual(
      [placed.status, placed.body.orders[0].state],
      [200, 'open'],
      JSON.stringify(placed.body),
    );
    const again = await stand.call('POST', '/v1/orders', ask);
    assert.deepEqual(again.body, placed.body);
    assert.deepEqual(offers(), [[10n * UNIT, '7/50']]);
    const other = await stand.call('POST', '/v1/orders', { ...ask, amount: '11' });
    assert.deepEqual([other.status, other.body.code], [409, 'conflict']);

    const key = { 'idempotency-key': 'm-1' };
    const change = { price: { n: 115, d: 1000 }, amount: '8' };
    const amended = await stand.call('POST', '/v1/orders/o-1/amend', change, key);
    assert.deepEqual(
      [amended.status, amended.body.order?.amount],
      [200, '8.0000000'],
      JSON.stringify(amended.body),
    );
    assert.deepEqual(offers(), [[8n * UNIT, '23/200']]);

    const buy = {
      action: 'place',
      id: undefined,
      offerId: '0',
      market,
      side: 'BUY',
      price: { n: 115n, d: 1000n },
      amount: 3n * UNIT,
    };
    rig.act('taker', [operationOf(buy as Step, taker.publicKey())]);
    const { body } = await stand.call('GET', '/v1/orders/o-1');
    assert.deepEqual([body.order.filledAmount, body.order.remaining], ['3.0000000', '5.0000000']);

    const cancelled = await stand.call('DELETE', '/v1/orders/o-1');
    assert.deepEqual(
      [cancelled.body.order.state, cancelled.body.order.filledAmount],
      ['cancelled', '3.0000000'],
    );
    assert.deepEqual(offers(), []);
    assert.deepEqual((await stand.call('DELETE', '/v1/orders/o-1')).body, cancelled.body);
  });

  it('a batch of which one would cross: the others rest, that one says why', async () => {
    const { status, body } = await stand.call(
      'POST',
      '/v1/orders',
      {
        orders: [ask, { ...ask, price: '0.10' }, { ...ask, price: '0.15' }].map(
          ({ clientOrderId: _, ...one }) => one,
        ),
      },
      { 'idempotency-key': 'b-1' },
    );
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(
      body.orders.map(({ state, code }: { state: string; code: string | null }) => [state, code]),
      [
        ['open', null],
        ['failed', 'would-cross'],
        ['open', null],
      ],
    );
    assert.equal(offers().length, 2);
    const all = await stand.call('DELETE', '/v1/orders?market=XLM-USDC');
    assert.deepEqual([all.body.cancelled.length, all.body.left, offers()], [2, [], []]);
  });
});
