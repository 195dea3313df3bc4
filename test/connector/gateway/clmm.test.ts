import assert from 'node:assert/strict';
import type { Request } from 'express';
import type { CodedError } from '../../../common/errors.ts';
import { connectorError, errorRow } from '../../../connector/errors.ts';
import type { Caller, OrderNote } from '../../../connector/gateway/caller.ts';
import type { Context } from '../../../connector/gateway/context.ts';
import { marketAddress } from '../../../connector/gateway/lists/pools.ts';
import { clmmRoutes } from '../../../connector/gateway/routes/clmm.ts';
import { listTokens } from '../../../connector/market/asset.ts';
import type { Quote, SwapRequest } from '../../../connector/market/quote.ts';
import { operationOf } from '../../../connector/orders/steps.ts';
import { trader } from '../../sandbox/testing.ts';
import { createRig, market, never, price, type Rig, taker, UNIT, USDC } from '../orders/orders-rig.ts';

/** The middle is 0.12. */
const book = [
  { selling: 'XLM', amount: 100n, n: 13, d: 100 },
  { selling: 'USDC:issuer', amount: 11n, n: 100, d: 11 },
];
const pool = marketAddress(market);
const wallet = { walletAddress: trader.publicKey() };

type Data = Record<string, string>;

describe('connector/gateway/clmm', () => {
  let rig: Rig;
  let notes: OrderNote;
  let swapped: SwapRequest[];
  let context: Context;

  beforeEach(() => {
    rig = createRig(book);
    rig.orders.start();
    notes = {};
    swapped = [];
    const quoteOf = (request: SwapRequest): Quote => ({
      ...{ side: request.side, base: request.base, quote: request.quote, path: [] },
      ...{
        tokenIn: request.base,
        tokenOut: request.quote,
        amountIn: request.amount,
        amountOut: request.amount / 10n,
      },
      ...{ minAmountOut: 1n, maxAmountIn: request.amount },
    });
    context = {
      file: { account: trader.publicKey(), markets: [market], trading: { staleSeconds: 60 } },
      ...{ network: 'sandbox', tokens: listTokens([market]), preferences: { get: () => '1' } },
      market: { ...rig.data, quote: async (request: SwapRequest) => ({ quote: quoteOf(request) }) },
      ...{ orders: rig.orders, now: rig.time.clock },
      ledger: { head: async () => ({ baseReserve: 5_000_000n }) },
      swaps: {
        async execute(request: SwapRequest) {
          swapped.push(request);
          const quote = quoteOf(request);
          return {
            hash: 'cd'.repeat(32),
            fee: 100n,
            quote,
            amountIn: quote.amountIn,
            amountOut: quote.amountOut,
          };
        },
      },
    } as unknown as Context;
  });
  afterEach(() => rig.stop());

  const call = async (name: string, fields: object = {}): Promise<Record<string, unknown>> => {
    const route = clmmRoutes.find(({ path }) => path === `/trading/clmm/${name}`)!;
    const sent = { connector: 'sdex', chainNetwork: 'stellar-sandbox', ...fields };
    const request = {
      params: {},
      query: route.method === 'get' ? sent : {},
      body: route.method === 'get' ? {} : sent,
    };
    const caller: Caller = {
      ...{ client: 'bot', requestId: 'r-1' },
      note: (more) => void Object.assign(notes, more),
    };
    const answer = await route.answer(request as unknown as Request, context, never, caller);
    if (route.result !== undefined) route.result.parse(answer);
    return answer as Record<string, unknown>;
  };
  const refused = async (name: string, fields: object): Promise<string> => {
    const error = await call(name, fields).then(
      () => assert.fail('it was not refused'),
      (thrown: unknown) => thrown,
    );
    const { status, gatewayCode } = errorRow(error);
    return `${status} ${gatewayCode} ${(error as CodedError).message}`;
  };
  /** As the client sends it: JSON numbers. */
  const range = { poolAddress: pool, lowerPrice: 0.1, upperPrice: 0.14, slippagePct: 0.5 };
  const open = async (fields: object = {}) => {
    const answer = await call('open', {
      ...wallet,
      ...range,
      baseTokenAmount: 10,
      quoteTokenAmount: 2.2,
      levels: 2,
      ...fields,
    });
    return { answer, data: answer.data as Data };
  };
  const buy = (amount: bigint) => {
    const { numerator: n, denominator: d } = price('0.13');
    const step = { action: 'place' as const, id: undefined, offerId: '0', market, side: 'BUY' as const };
    rig.act('taker', [operationOf({ ...step, price: { n, d }, amount }, taker.publicKey())]);
  };

  it('shows a market as a pool', async () => {
    const expected = {
      ...{
        address: pool,
        baseTokenAddress: 'native',
        quoteTokenAddress: USDC,
        feePct: '0',
        price: '0.1200000',
      },
      ...{ baseTokenAmount: '100.0000000', quoteTokenAmount: '11.0000000', activeBinId: 0 },
    };
    assert.deepEqual(await call('pool-info', { poolAddress: pool }), expected);
    assert.deepEqual(await call('pool-info', { poolAddress: pool, binCount: '5' }), expected);
    assert.match(pool, /^[0-9a-f]{64}$/);
  });

  it('shows no price when the book is stale, and no pool that is not listed @security', async () => {
    assert.match(
      await refused('pool-info', { poolAddress: 'ab'.repeat(32) }),
      /^404 undefined Pool not found/,
    );
    rig.book.fresh = false;
    assert.match(await refused('pool-info', { poolAddress: pool }), /^503 LEDGER_STALE/);
  });

  it('opens, shows and closes as LPExecutor does', async () => {
    const { answer, data } = await open();
    assert.match(answer.signature as string, /^[0-9a-f]{64}$/);
    assert.equal(answer.status, 1);
    const { positionAddress } = data;
    assert.deepEqual(data, {
      ...{ fee: '0.00004', positionAddress, positionRent: '2' },
      ...{ baseTokenAmountAdded: '10.0000000', quoteTokenAmountAdded: '2.2000000' },
    });
    assert.deepEqual([notes.pool, notes.position, notes.hash], [pool, positionAddress, answer.signature]);
    // The other's 100 at 0.13 first, then 2 of ours.
    buy(102n * UNIT);
    const position = {
      ...{ address: positionAddress, poolAddress: pool, baseTokenAddress: 'native', quoteTokenAddress: USDC },
      ...{ baseTokenAmount: '8.0000000', quoteTokenAmount: '2.4600000' },
      ...{ baseFeeAmount: '0.0000000', quoteFeeAmount: '0.0000000', lowerBinId: 0, upperBinId: 3 },
      ...{ lowerPrice: '0.1000000', upperPrice: '0.1400000', price: '0.1200000' },
    };
    const shown = await call('position-info', { positionAddress });
    assert.deepEqual(shown, position);
    assert.deepEqual(await call('positions-owned', { ...wallet, poolAddress: pool }), [shown]);
    const closed = await call('close', { ...wallet, positionAddress, slippagePct: 1 });
    const end = closed.data as Data;
    assert.deepEqual(
      [end.baseTokenAmountRemoved, end.quoteTokenAmountRemoved],
      [shown.baseTokenAmount, shown.quoteTokenAmount],
    );
    assert.deepEqual([end.positionRentRefunded, end.fee], ['2', '0.00004']);
    assert.equal(
      await refused('position-info', { positionAddress }),
      `404 undefined Position not found: ${positionAddress}`,
    );
    assert.match(await refused('close', { ...wallet, positionAddress }), /^404 undefined Position not found/);
    assert.deepEqual(await call('positions-owned', wallet), []);
  });

  it('tells of what a ledger has also when no server answers afterwards @security', async () => {
    context.ledger.head = async () => Promise.reject(connectorError('ledger-unreachable', 'down'));
    const { answer, data } = await open();
    assert.deepEqual([answer.status, data.positionRent], [1, '2']);
    const closed = await call('close', { ...wallet, positionAddress: data.positionAddress });
    assert.deepEqual([closed.status, (closed.data as Data).positionRentRefunded], [1, '2']);
  });

  it('adds, removes and collects nothing', async () => {
    const { data, answer } = await open();
    const { positionAddress } = data;
    const at = { ...wallet, positionAddress };
    const added = (await call('add', { ...at, baseTokenAmount: 10 })).data as Data;
    assert.deepEqual([added.baseTokenAmountAdded, added.quoteTokenAmountAdded], ['10.0000000', '0.0000000']);
    const removed = (await call('remove', { ...at, percentageToRemove: 50 })).data as Data;
    assert.deepEqual(
      [removed.baseTokenAmountRemoved, removed.quoteTokenAmountRemoved],
      ['10.0000000', '1.1000000'],
    );
    const sent = rig.transactions.length;
    const collected = await call('collect-fees', at);
    assert.deepEqual(collected.data, {
      ...{ fee: '0', baseFeeAmountCollected: '0.0000000', quoteFeeAmountCollected: '0.0000000' },
    });
    assert.equal(rig.transactions.length, sent);
    assert.notEqual(collected.signature, answer.signature);
    for (const percentageToRemove of [0, 101]) {
      assert.match(
        await refused('remove', { ...at, percentageToRemove }),
        /^400 INVALID_PARAMS percentageToRemove/,
      );
    }
  });

  it('quotes what a ladder would take', async () => {
    assert.deepEqual(await call('quote-liquidity', { ...range, baseTokenAmount: '10', levels: '2' }), {
      ...{
        poolAddress: pool,
        baseLimited: false,
        baseTokenAmount: '10.0000000',
        quoteTokenAmount: '0.0000000',
      },
      ...{ baseTokenAmountMax: '10.0000000', quoteTokenAmountMax: '0.0000000' },
    });
  });

  it('refuses what is not ours, by field, before anything is placed @security', async () => {
    const whole = { ...wallet, ...range, baseTokenAmount: 10 };
    const cases: [object, RegExp][] = [
      [{ connector: 'raydium' }, /connector/],
      [{ chainNetwork: 'stellar-mainnet' }, /chainNetwork/],
      [{ walletAddress: taker.publicKey() }, /walletAddress/],
      [{ lowerPrice: 0 }, /lowerPrice/],
      [{ upperPrice: 0.09 }, /lowerPrice must be below/],
      [{ levels: 51 }, /levels/],
      [{ levels: 0 }, /levels/],
      [{ levels: true }, /levels/],
      [{ levels: 'NaN' }, /levels/],
      [{ baseTokenAmount: -1 }, /baseTokenAmount/],
      [{ baseTokenAmount: '1e30' }, /baseTokenAmount/],
      [{ privateKey: 'S' }, /unknown field privateKey/],
    ];
    for (const [fields, message] of cases) {
      const error = await refused('open', { ...whole, ...fields });
      assert.match(error, /^400 INVALID_PARAMS/);
      assert.match(error, message);
    }
    for (const levels of ['0', '999', '1e9']) {
      assert.match(
        await refused('quote-liquidity', { ...range, baseTokenAmount: '10', levels }),
        /^400 INVALID_PARAMS levels/,
      );
    }
    assert.match(await refused('open', { ...whole, baseTokenAmount: 99_999 }), /^400 INSUFFICIENT_BALANCE/);
    assert.deepEqual(rig.offers(), []);
  });

  it('swaps as the router does, of listed markets', async () => {
    const swap = { baseToken: 'XLM', quoteToken: 'USDC', amount: 10, side: 'SELL' };
    const quote = await call('quote-swap', { ...swap, poolAddress: pool });
    assert.deepEqual([quote.poolAddress, quote.price, quote.amountOut], [pool, '0.1000000', '1.0000000']);
    // The best bid is 0.11.
    assert.equal(quote.priceImpactPct, '9.0909');
    const done = await call('execute-swap', { ...wallet, ...swap });
    assert.equal(done.signature, 'cd'.repeat(32));
    assert.equal(swapped[0]!.amount, 10n * UNIT);
    assert.equal(
      (await call('quote-swap', { ...swap, baseToken: 'USDC', quoteToken: 'XLM' })).poolAddress,
      pool,
    );
    assert.match(
      await refused('quote-swap', { ...swap, poolAddress: 'ab'.repeat(32) }),
      /^400 INVALID_PARAMS poolAddress/,
    );
    assert.match(
      await refused('quote-swap', { ...swap, quoteToken: `EURC:${taker.publicKey()}` }),
      /^400 NO_ROUTE_FOUND/,
    );
    assert.equal(swapped.length, 1);
  });
});
