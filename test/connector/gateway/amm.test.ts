import assert from 'node:assert/strict';
import type { Request } from 'express';
import type { CodedError } from '../../../common/errors.ts';
import type { Caller, OrderNote } from '../../../connector/gateway/caller.ts';
import type { Context } from '../../../connector/gateway/context.ts';
import { ammRoutes } from '../../../connector/gateway/routes/amm.ts';
import { listTokens } from '../../../connector/market/asset.ts';
import type { Quote, SwapRequest } from '../../../connector/market/quote.ts';
import { credit, G, UNIT, USD, type World, XLM } from '../../sandbox/ledger/testing.ts';
import { market, POOL, poolOf, type Rig } from '../orders/pool-rig.ts';

const never = new AbortController().signal;

interface Stand {
  world: World;
  at: Rig;
  swapped: SwapRequest[];
  notes: OrderNote;
  call(
    method: 'get' | 'post',
    name: string,
    fields?: Record<string, unknown>,
  ): Promise<Record<string, unknown>>;
}

/** The routes over pools of the sandbox's ledger; swaps are only noted. `pair` is the listed market. */
function stand(pair: [string, string] = [XLM, USD]): Stand {
  const { world, at } = market();
  const markets = [{ base: pair[0], quote: pair[1] }];
  const swapped: SwapRequest[] = [];
  const notes: OrderNote = {};
  const quoteOf = (request: SwapRequest): Quote => ({
    ...{ side: request.side, base: request.base, quote: request.quote },
    ...{ tokenIn: request.base, tokenOut: request.quote, path: [] },
    ...{ amountIn: request.amount, amountOut: 2n * request.amount },
    ...{ minAmountOut: request.amount, maxAmountIn: request.amount },
  });
  const context = {
    file: { account: G('alice'), markets },
    ...{ network: 'sandbox', tokens: listTokens(markets), pools: at.pools },
    preferences: { get: () => '1' },
    ledger: { pool: async (id: string) => poolOf(world, id) },
    market: { quote: async (request: SwapRequest) => ({ quote: quoteOf(request) }) },
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
  const caller: Caller = {
    ...{ client: 'bot', requestId: 'r-1' },
    note: (fields) => void Object.assign(notes, fields),
  };
  return {
    ...{ world, at, swapped, notes },
    async call(method, name, fields = {}) {
      const route = ammRoutes.find((one) => one.method === method && one.path === `/trading/amm/${name}`)!;
      const input = { connector: 'stellar-amm', chainNetwork: 'stellar-sandbox', ...fields };
      const request = {
        params: {},
        query: method === 'get' ? input : {},
        body: method === 'post' ? input : {},
      };
      const answer = (await route.answer(request as unknown as Request, context, never, caller)) as object;
      route.result!.parse(answer);
      return answer as Record<string, unknown>;
    },
  };
}

const wallet = { walletAddress: G('alice'), poolAddress: POOL };
const add = { ...wallet, baseTokenAmount: 10, quoteTokenAmount: 100, slippagePct: 1 };

describe('connector/gateway: stellar-amm/amm, as the contract’s table has it', () => {
  it('pool-info', async () => {
    assert.deepEqual(await stand().call('get', 'pool-info', { poolAddress: POOL }), {
      ...{ address: POOL, baseTokenAddress: XLM, quoteTokenAddress: USD, feePct: '0.3' },
      ...{ price: '2.2500000', baseTokenAmount: '400.0000000', quoteTokenAmount: '900.0000000' },
    });
  });

  it('base and quote are those of the listed market, also against the ledger’s order', async () => {
    const { call, world } = stand([USD, XLM]);
    assert.deepEqual(await call('get', 'pool-info', { poolAddress: POOL }), {
      ...{ address: POOL, baseTokenAddress: USD, quoteTokenAddress: XLM, feePct: '0.3' },
      ...{ price: '0.4444444444444444', baseTokenAmount: '900.0000000', quoteTokenAmount: '400.0000000' },
    });
    const { data } = await call('post', 'add', { ...add, baseTokenAmount: 22.5, quoteTokenAmount: 100 });
    assert.deepEqual(data, {
      ...{ fee: '0.00001', poolAddress: POOL },
      ...{ baseTokenAmountAdded: '22.5000000', quoteTokenAmountAdded: '10.0000000' },
    });
    assert.equal(world.balance('alice', USD), (9775n * UNIT) / 10n);
  });

  it('quote-liquidity: what is taken now, and at most within slippagePct', async () => {
    const { call } = stand();
    const asked = { poolAddress: POOL, slippagePct: '1' };
    assert.deepEqual(
      await call('get', 'quote-liquidity', { ...asked, baseTokenAmount: '10', quoteTokenAmount: '100' }),
      {
        ...{ poolAddress: POOL, baseLimited: true, baseTokenAmount: '10.0000000' },
        ...{ quoteTokenAmount: '22.5000000', baseTokenAmountMax: '10.0000000' },
        quoteTokenAmountMax: '22.7272728',
      },
    );
    const other = { ...asked, baseTokenAmount: '100', quoteTokenAmount: '22.5' };
    assert.equal((await call('get', 'quote-liquidity', other)).baseLimited, false);
  });

  it('add, position-info, positions-owned, remove', async () => {
    const { call, notes } = stand();
    const added = await call('post', 'add', add);
    assert.deepEqual(added, {
      ...{ signature: 'ab'.repeat(32), status: 1 },
      data: {
        ...{ fee: '0.00001', poolAddress: POOL },
        ...{ baseTokenAmountAdded: '10.0000000', quoteTokenAmountAdded: '22.5000000' },
      },
    });
    assert.deepEqual(notes, {
      ...{ pool: POOL, amount: '10.0000000 + 100.0000000', hash: 'ab'.repeat(32) },
    });
    const position = {
      ...{ poolAddress: POOL, walletAddress: G('alice'), baseTokenAddress: XLM, quoteTokenAddress: USD },
      ...{ lpTokenAmount: '15.0000000', baseTokenAmount: '10.0000000', quoteTokenAmount: '22.5000000' },
      price: '2.2500000',
    };
    assert.deepEqual(await call('get', 'position-info', wallet), position);
    assert.deepEqual(await call('get', 'positions-owned', { walletAddress: G('alice') }), [position]);
    assert.deepEqual(await call('post', 'remove', { ...wallet, percentageToRemove: 50.0 }), {
      ...{ signature: 'ab'.repeat(32), status: 1 },
      data: { fee: '0.00001', baseTokenAmountRemoved: '5.0000000', quoteTokenAmountRemoved: '11.2500000' },
    });
    await call('post', 'remove', { ...wallet, percentageToRemove: 100 });
    const gone = await call('get', 'position-info', wallet);
    assert.deepEqual([gone.lpTokenAmount, gone.baseTokenAmount], ['0.0000000', '0.0000000']);
    assert.deepEqual(await call('get', 'positions-owned', { walletAddress: G('alice') }), []);
  });

  it('quote-swap and execute-swap: the ledger’s best, measured against the pool', async () => {
    const { call, swapped } = stand();
    const swap = { baseToken: 'XLM', quoteToken: 'USD', amount: 10, side: 'SELL', poolAddress: POOL };
    const quote = await call('get', 'quote-swap', swap);
    // The double sells at 2 where the pool's price is 2.25.
    assert.deepEqual([quote.price, quote.priceImpactPct, quote.poolAddress], ['2.0000000', '11.1111', POOL]);
    const { signature, status, data } = await call('post', 'execute-swap', {
      ...swap,
      walletAddress: G('alice'),
    });
    assert.deepEqual(
      [signature, status, (data as { amountOut: string }).amountOut],
      ['cd'.repeat(32), 1, '20.0000000'],
    );
    assert.deepEqual(swapped, [
      {
        side: 'SELL',
        base: XLM,
        quote: USD,
        amount: 10n * UNIT,
        slippage: { numerator: 1n, denominator: 100n },
      },
    ]);
  });

  const bad: [
    method: 'get' | 'post',
    name: string,
    fields: Record<string, unknown>,
    code: string,
    message: RegExp,
  ][] = [
    ['get', 'pool-info', { poolAddress: '00'.repeat(32) }, 'not-found', /Pool not found/],
    ['get', 'pool-info', { poolAddress: POOL.toUpperCase() }, 'invalid-params', /poolAddress/],
    ['get', 'pool-info', { poolAddress: POOL, connector: 'sdex' }, 'invalid-params', /connector/],
    [
      'get',
      'pool-info',
      { poolAddress: POOL, chainNetwork: 'stellar-mainnet' },
      'invalid-params',
      /chainNetwork/,
    ],
    ['get', 'pool-info', { poolAddress: POOL, other: '1' }, 'invalid-params', /other/],
    ['get', 'position-info', { ...wallet, walletAddress: G('bob') }, 'invalid-params', /walletAddress/],
    ['get', 'positions-owned', { walletAddress: G('bob') }, 'invalid-params', /walletAddress/],
    ['post', 'add', { ...add, walletAddress: G('bob') }, 'invalid-params', /walletAddress/],
    ['post', 'add', { ...add, baseTokenAmount: 0 }, 'invalid-params', /baseTokenAmount/],
    ['post', 'add', { ...add, quoteTokenAmount: -1 }, 'invalid-params', /quoteTokenAmount/],
    ['post', 'add', { ...add, slippagePct: 101 }, 'invalid-params', /slippagePct/],
    ['post', 'add', { ...add, baseTokenAmount: 0.0000003 }, 'slippage-exceeded', /./],
    [
      'post',
      'add',
      { ...add, baseTokenAmount: 5000, quoteTokenAmount: 99999 },
      'insufficient-balance',
      /balance/,
    ],
    ['post', 'remove', { ...wallet, percentageToRemove: 0 }, 'invalid-params', /percentageToRemove/],
    ['post', 'remove', { ...wallet, percentageToRemove: 101 }, 'invalid-params', /percentageToRemove/],
    ['post', 'remove', { ...wallet, percentageToRemove: 50 }, 'insufficient-balance', /shares/],
    [
      'get',
      'quote-swap',
      { baseToken: 'XLM', quoteToken: 'USD', amount: 1, side: 'BUY', poolAddress: '00'.repeat(32) },
      'invalid-params',
      /poolAddress/,
    ],
    [
      'get',
      'quote-swap',
      { baseToken: 'XLM', quoteToken: credit('EUR'), amount: 1, side: 'BUY' },
      'no-route-found',
      /pool/,
    ],
    [
      'post',
      'execute-swap',
      { baseToken: 'XLM', quoteToken: 'USD', amount: 1, side: 'BUY', walletAddress: G('bob') },
      'invalid-params',
      /walletAddress/,
    ],
  ];
  for (const [method, name, fields, code, message] of bad) {
    it(`${name} refuses with ${code}: ${message.source}`, async () => {
      const { call, at } = stand();
      await assert.rejects(call(method, name, fields), (error: CodedError) => {
        assert.deepEqual([error.code, message.test(error.message)], [code, true], error.message);
        return true;
      });
      assert.deepEqual(at.planned, [], 'nothing was planned to the end');
    });
  }
});
