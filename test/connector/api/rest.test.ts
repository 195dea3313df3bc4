import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { apiRoutes } from '../../../connector/api/routes/index.ts';
import { checksum } from '../../../connector/market/levels.ts';
import {
  ACCOUNT,
  bookOf,
  fillOf,
  MARKET,
  orderOf,
  price,
  type Stand,
  startStand,
  tradeOf,
  UNIT,
  USDC,
} from './stand.ts';

const limitOrder = { clientOrderId: 'a-1', market: 'XLM-USDC', side: 'BUY', price: '0.12', amount: '10' };

describe('connector/api: /v1', () => {
  let stand: Stand;
  before(async () => {
    stand = await startStand();
  });
  after(() => stand.stop());
  beforeEach(() => {
    stand.calls.length = 0;
    stand.notes.length = 0;
    stand.orders.clear();
  });

  /** The answer's body, held to the schema that the document shows. */
  const get = async (path: string): Promise<Record<string, unknown>> => {
    const { status, body } = await stand.call('GET', path);
    assert.equal(status, 200, JSON.stringify(body));
    const route = apiRoutes.find(
      (one) => one.method === 'get' && one.path.replace(':clientOrderId', 'a-1') === path.split('?')[0],
    );
    route!.result!.parse(body);
    return body;
  };

  it('markets', async () => {
    assert.deepEqual(await get('/v1/markets'), {
      markets: [
        {
          ...{ market: 'XLM-USDC', base: 'native', quote: USDC, fresh: true },
          poolId: ((await get('/v1/markets')) as { markets: { poolId: string }[] }).markets[0]!.poolId,
        },
      ],
    });
  });

  it('rules: fractions of 32 bits, seven decimals, a least amount, fees', async () => {
    const { rules } = (await get('/v1/rules')) as { rules: Record<string, unknown>[] };
    assert.deepEqual(rules[0], {
      market: 'XLM-USDC',
      amount: { decimals: 7, minimum: '0.0000001', increment: '0.0000001' },
      price: { form: 'fraction', maximum: 2_147_483_647, decimals: 16 },
      ...{ collarPct: '50', orderTypes: ['limit', 'maker-only', 'market'], maxBatch: 100 },
      fees: { maker: '0', taker: '0', pool: '0.3' },
    });
  });

  it('book: a snapshot with sequence, checksum and exact prices, to a depth', async () => {
    assert.deepEqual(await get('/v1/book?market=XLM-USDC&depth=1'), {
      ...{ market: 'XLM-USDC', sequence: 5, checksum: 12345, ledger: 9, at: 1_000, fresh: true },
      bids: [['0.1198000', '100.0000000', '599/5000']],
      asks: [['0.1202000', '2.0000000', '601/5000']],
    });
    const { asks } = (await get(`/v1/book?market=XLM-${USDC}`)) as { asks: unknown[] };
    assert.deepEqual(asks[1], ['0.3333333333333333', '0.0000005', '1/3']);
  });

  it('book: a client checks it by what it got', async () => {
    type Level = [price: string, amount: string, fraction: string];
    const { bids, asks } = (await get('/v1/book?market=XLM-USDC')) as { bids: Level[]; asks: Level[] };
    const text = [...bids.slice(0, 25), ...asks.slice(0, 25)].map(
      ([, amount, fraction]) => `${fraction}:${amount}`,
    );
    assert.equal(crc32(text.join(',')), checksum(bookOf()));
  });

  it('book: none yet is 503, to be asked again', async () => {
    const { book } = stand;
    Object.assign(stand, { book: undefined });
    stand.context.market.book = () => undefined;
    const { status, body } = await stand.call('GET', '/v1/book?market=XLM-USDC');
    stand.context.market.book = () => book;
    assert.deepEqual([status, body.code], [503, 'ledger-stale']);
  });

  it('trades: newest first', async () => {
    stand.trades.push(tradeOf('1-0', 1), tradeOf('3-0', 3), tradeOf('2-0', 2, { baseIsSeller: false }));
    const { trades } = (await get('/v1/trades?market=XLM-USDC&limit=2')) as {
      trades: Record<string, unknown>[];
    };
    assert.deepEqual(trades[0], {
      ...{ id: '3-0', at: 3, price: '0.1202000', amount: '1.0000000', quoteAmount: '0.1202000' },
      ...{ takerSide: 'BUY', poolId: null },
    });
    assert.deepEqual([trades.length, trades[1]!.takerSide], [2, 'SELL']);
  });

  it('places one order: exact amounts, the client’s identity, a note for the audit', async () => {
    const { status, body } = await stand.call('POST', '/v1/orders', limitOrder);
    assert.equal(status, 200);
    assert.deepEqual(body.orders[0], {
      ...{ clientOrderId: 'a-1', market: 'XLM-USDC', side: 'BUY', type: 'limit', state: 'open' },
      ...{
        price: '0.1200000',
        amount: '10.0000000',
        filledAmount: '0.0000000',
        filledQuoteAmount: '0.0000000',
      },
      ...{
        remaining: '10.0000000',
        offerId: '77',
        hash: 'ab'.repeat(32),
        fee: '0.00001',
        code: null,
        reason: null,
      },
      ...{ createdAt: 1_000, updatedAt: 2_000, position: null },
    });
    assert.deepEqual(stand.calls, [
      [
        'place',
        [
          {
            ...{ clientOrderId: 'a-1', market: MARKET, side: 'BUY', type: 'limit', client: 'bot' },
            ...{ price: price(12, 100), amount: 10n * UNIT },
          },
        ],
      ],
    ]);
    assert.deepEqual(stand.notes[0], {
      ...{ market: 'XLM-USDC', side: 'BUY', amount: '10', idempotencyKey: 'a-1', hash: 'ab'.repeat(32) },
    });
  });

  it('places a batch, each with its own type and price; one that failed tells why', async () => {
    stand.place = async (requests) =>
      requests.map((request, i) =>
        orderOf(request, i === 1 ? { state: 'failed', reason: 'it would cross', offerId: undefined } : {}),
      );
    Object.assign(stand.context.orders, {
      place: async (requests: Parameters<Stand['place']>[0], signal: AbortSignal) =>
        stand.place(requests, signal),
    });
    const { status, body } = await stand.call('POST', '/v1/orders', {
      orders: [
        limitOrder,
        { ...limitOrder, clientOrderId: 'a-2', type: 'maker-only', price: { n: 601, d: 5000 } },
      ],
    });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(
      body.orders.map((order: Record<string, unknown>) => [
        order.type,
        order.price,
        order.state,
        order.reason,
      ]),
      [
        ['limit', '0.1200000', 'open', null],
        ['maker-only', '0.1202000', 'failed', 'it would cross'],
      ],
    );
  });

  const { clientOrderId: _id, ...unnamed } = limitOrder;
  const bad: [what: string, body: unknown, field: string, status?: number][] = [
    ['an unknown field', { ...limitOrder, secret: 'S' }, 'request'],
    ['another market', { ...limitOrder, market: 'XLM-EURC' }, 'market'],
    ['a listed pair the other way round', { ...limitOrder, market: 'USDC-XLM' }, 'market', 404],
    ['a number for an amount', { ...limitOrder, amount: 10 }, 'amount'],
    ['eight decimals', { ...limitOrder, amount: '0.00000001' }, 'amount'],
    ['an amount of nothing', { ...limitOrder, amount: '0' }, 'amount'],
    ['a price of nothing', { ...limitOrder, price: '0.0' }, 'price'],
    ['a fraction beyond 32 bits', { ...limitOrder, price: { n: 2 ** 31, d: 1 } }, 'price.n'],
    ['another side', { ...limitOrder, side: 'buy' }, 'side'],
    ['another type', { ...limitOrder, type: 'fok' }, 'type'],
    ['a name of other letters', { ...limitOrder, clientOrderId: 'a b' }, 'clientOrderId'],
    ['no name and no key', unnamed, 'clientOrderId'],
    ['an empty batch', { orders: [] }, 'orders'],
    ['a name twice in a batch', { orders: [limitOrder, limitOrder] }, 'orders.1.clientOrderId'],
    ['a fault in a batch', { orders: [limitOrder, { ...limitOrder, amount: '0' }] }, 'orders.1.amount'],
  ];
  for (const [what, body, field, status = 400] of bad) {
    it(`refuses ${what}, in a problem document that names the field`, async () => {
      const { status: seen, headers, body: problem } = await stand.call('POST', '/v1/orders', body);
      assert.equal(headers.get('content-type'), 'application/problem+json; charset=utf-8');
      assert.deepEqual(
        [seen, problem.status, problem.field],
        [status, status, field],
        JSON.stringify(problem),
      );
      assert.equal(problem.type, `urn:stellar-connector:error:${problem.code}`);
      assert.deepEqual(stand.calls, []);
      assert.doesNotMatch(JSON.stringify(problem), /secret/);
    });
  }

  it('lists, shows with its fills, amends and cancels orders', async () => {
    const order = orderOf({
      ...{ clientOrderId: 'a-1', market: MARKET, side: 'SELL', type: 'limit', client: 'bot' },
      ...{ price: price(1, 8), amount: UNIT },
    });
    stand.orders.set('a-1', order);
    stand.fills.splice(0, stand.fills.length, fillOf('9-1'), fillOf('8-1', { offerId: '1' }));
    await get('/v1/orders?market=XLM-USDC&state=open&limit=10');
    assert.deepEqual(stand.calls, [['list', { market: MARKET, state: 'open', limit: 10 }]]);
    const { fills } = (await get('/v1/orders/a-1')) as { fills: Record<string, unknown>[] };
    assert.deepEqual(fills, [
      {
        ...{ id: '9-1', at: 1_000, market: 'XLM-USDC', side: 'BUY', role: 'maker', price: '0.1200000' },
        ...{ amount: '10.0000000', quoteAmount: '1.2000000', offerId: '77', poolId: null },
      },
    ]);
    assert.equal((await stand.call('GET', '/v1/orders/none')).status, 404);
    stand.calls.length = 0;
    const amended = await stand.call(
      'POST',
      '/v1/orders/a-1/amend',
      { amount: '2' },
      { 'idempotency-key': 'm1' },
    );
    assert.equal(amended.body.order.amount, '2.0000000');
    const cancelled = await stand.call('DELETE', '/v1/orders/a-1');
    assert.equal(cancelled.body.order.state, 'cancelled');
    assert.deepEqual(stand.calls, [
      ['amend', 'a-1', { price: undefined, amount: 2n * UNIT }],
      ['cancel', 'a-1'],
    ]);
  });

  it('amending needs a key and something to amend', async () => {
    const noKey = await stand.call('POST', '/v1/orders/a-1/amend', { amount: '2' });
    assert.deepEqual([noKey.status, noKey.body.field], [400, 'Idempotency-Key']);
    const nothing = await stand.call('POST', '/v1/orders/a-1/amend', {}, { 'idempotency-key': 'm2' });
    assert.deepEqual([nothing.status, nothing.body.field], [400, 'price']);
  });

  it('cancels all, of a market or everywhere, and says what is left', async () => {
    const { body } = await stand.call('DELETE', '/v1/orders?market=XLM-USDC');
    assert.deepEqual(body, {
      cancelled: ['77'],
      left: [{ offerId: '78', market: 'XLM-USDC', reason: 'the signer refused' }],
    });
    await stand.call('DELETE', '/v1/orders');
    assert.deepEqual(stand.calls, [
      ['cancelAll', MARKET],
      ['cancelAll', undefined],
    ]);
  });

  it('fills: paged by the last id', async () => {
    stand.fills.splice(0, stand.fills.length, fillOf('9-1'), fillOf('8-1'));
    const page = await get('/v1/fills?limit=2&before=10-1');
    assert.deepEqual([page.next, (page.fills as unknown[]).length], ['8-1', 2]);
    assert.deepEqual(stand.calls, [['fills', { market: undefined, before: '10-1', limit: 2 }]]);
    assert.equal((await get('/v1/fills?limit=3')).next, null);
    assert.equal((await stand.call('GET', '/v1/fills?before=x')).body.field, 'before');
    assert.equal((await stand.call('GET', '/v1/fills?limit=0')).body.field, 'limit');
  });

  it('balances: total, locked and reserved with reasons that add up, available', async () => {
    const { balances, pools } = (await get('/v1/balances')) as {
      balances: Record<string, unknown>[];
      pools: unknown;
    };
    assert.deepEqual(balances[0], {
      ...{ symbol: 'XLM', asset: 'native', total: '100.0000000', authorized: true, room: null },
      // Of 100: 10 in offers, 7 entries of 0.5 (2 + 6 + 1 - 2) and 1 for fees.
      ...{ locked: '10.0000000', reserved: '4.5000000', available: '85.5000000' },
      because: [
        { what: 'offers that sell it', amount: '10.0000000' },
        { what: 'reserve of the account', amount: '1.0000000' },
        { what: 'reserve of 1 trust lines', amount: '0.5000000' },
        { what: 'reserve of 1 lines of pool shares, two each', amount: '1.0000000' },
        { what: 'reserve of 3 offers, signers and data entries', amount: '1.5000000' },
        { what: 'reserve for 1 entries sponsored for others', amount: '0.5000000' },
        { what: 'reserve that others pay for 2 entries', amount: '-1.0000000' },
        { what: 'kept back for fees', amount: '1.0000000' },
      ],
    });
    assert.deepEqual([balances[1]!.available, balances[1]!.room], ['50.0000000', '930.0000000']);
    assert.deepEqual(pools, [{ poolId: 'ab'.repeat(32), shares: '3.0000000' }]);
  });

  it('fees: the bid within its cap', async () => {
    assert.deepEqual(await get('/v1/fees'), {
      ...{ baseFee: '0.00001', bid: '0.002', percentile: 90, capacityUsage: 0.9 },
      ...{ caps: { perOperation: '0.002', perTransaction: '0.202' }, window: null },
    });
  });

  it('status', async () => {
    assert.deepEqual(await get('/v1/status'), {
      ...{ time: 5_000, network: 'sandbox', account: ACCOUNT, ledger: { sequence: 9, closedAt: 4_000 } },
      markets: [{ market: 'XLM-USDC', fresh: true, ledger: 9 }],
      transactions: { waiting: 1, inFlight: 2, channels: 3 },
      endpoints: [{ url: 'https://h', state: 'up', reason: null }],
      deadManSeconds: 120,
    });
  });

  it('the document names every route, with the schema of its input and answer', async () => {
    const { body } = await stand.call('GET', '/v1/openapi.json');
    const paths = Object.entries(body.paths as Record<string, object>).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    const own = apiRoutes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/, '{$1}')}`);
    assert.deepEqual(paths.sort(), own.sort());
    const place = body.paths['/v1/orders'].post;
    assert.match(JSON.stringify(place.requestBody), /maker-only/);
    assert.match(JSON.stringify(place.responses[200]), /filledQuoteAmount/);
    assert.match(JSON.stringify(body.components.schemas.Error), /"code"/);
  });
});
