import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAINTAIN_LIABILITIES } from './entries.ts';
import { INT64_MAX, type Price } from './exchange.ts';
import { sizeDeposit, squareRoot } from './liquidity_pool_deposit.ts';
import { poolId, poolIdToJson, poolShare } from './pool.ts';
import {
  type Body,
  createWorld,
  EUR,
  reaches,
  trustPool,
  UNIT,
  USD,
  type World,
  withPool,
  XLM,
} from './testing.ts';

const POOL = poolId(XLM, USD);
const SHARE = poolShare(POOL);
const ANY: [Price, Price] = [
  { n: 1, d: 0x7fffffff },
  { n: 0x7fffffff, d: 1 },
];

const deposit = (
  max_amount_a: bigint,
  max_amount_b: bigint,
  [min_price, max_price] = ANY,
  id = POOL,
): Body => ({
  liquidity_pool_deposit: {
    liquidity_pool_id: poolIdToJson(id),
    max_amount_a,
    max_amount_b,
    min_price,
    max_price,
  },
});

/** alice has joined the pool of lumens and USD, and holds 1000 USD. */
function joined(world: World): void {
  world.line('alice', USD, { balance: 1000n });
  world.ok('alice', trustPool(XLM, USD));
}

describe('liquidity_pool_deposit', () => {
  it('success: the first sets the price; its shares are the root of the product', () => {
    const world = createWorld('bank', 'alice');
    joined(world);
    world.ok('alice', deposit(400n, 900n));
    const { reserveA, reserveB, shares } = world.state.pool(POOL)!;
    assert.deepEqual([reserveA, reserveB, shares], [400n, 900n, 600n]);
    assert.deepEqual([world.balance('alice', USD), world.balance('alice', SHARE)], [100n, 600n]);
  });

  it('success: others keep the price: shares rounded down, amounts rounded up', () => {
    const world = createWorld('bank', 'alice', 'bob');
    withPool(world, 'bob', XLM, USD, 400n, 900n);
    joined(world);
    world.ok('alice', deposit(10n, 1000n));
    // 600·10/400 = 15 shares; 15·900/600 = 22.5 USD, rounded up.
    assert.deepEqual([world.balance('alice', SHARE), world.balance('alice', USD)], [15n, 977n]);
    assert.equal(world.state.pool(POOL)!.reserveA, 410n);
  });

  it('success: an issuer puts in what it makes', () => {
    const world = createWorld('bank');
    world.ok('bank', trustPool(XLM, USD), deposit(UNIT, UNIT));
    assert.equal(world.state.pool(POOL)!.reserveB, UNIT);
  });

  it('takes the root that CAP-0038 asks for, rounded down', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, INT64_MAX * INT64_MAX), (value) => {
        const root = squareRoot(value);
        assert.ok(root * root <= value && (root + 1n) * (root + 1n) > value);
      }),
    );
  });

  it('never takes more than the most, nor gives more shares than their part of either reserve', () => {
    const amount = fc.bigInt(1n, 10n ** 12n);
    fc.assert(
      fc.property(amount, amount, amount, amount, amount, (reserveA, reserveB, shares, maxA, maxB) => {
        const pool = { reserveA, reserveB, shares };
        const { a, b, shares: got } = sizeDeposit(pool as never, maxA, maxB);
        assert.ok(a <= maxA && b <= maxB);
        assert.ok(got * reserveA <= a * shares && got * reserveB <= b * shares);
      }),
    );
  });

  reaches('malformed', 'an amount of zero', () => ['alice', deposit(0n, 1n)]);
  reaches('malformed', 'the other amount of zero', () => ['alice', deposit(1n, 0n)]);
  reaches('malformed', 'a price of zero', () => ['alice', deposit(1n, 1n, [{ n: 0, d: 1 }, ANY[1]])]);
  reaches('malformed', 'a highest price below the lowest', () => [
    'alice',
    deposit(1n, 1n, [
      { n: 2, d: 1 },
      { n: 1, d: 1 },
    ]),
  ]);
  reaches('no_trust', 'without a line of the pool', () => ['alice', deposit(1n, 1n)]);
  reaches('no_trust', 'a pool that is not there', () => ['alice', deposit(1n, 1n, ANY, '0'.repeat(64))]);
  reaches('not_authorized', 'may only keep one asset of it', (world) => {
    joined(world);
    world.line('alice', USD, { flags: MAINTAIN_LIABILITIES });
    return ['alice', deposit(1n, 1n)];
  });
  reaches('underfunded', 'the first needs all of both', (world) => {
    joined(world);
    return ['alice', deposit(1n, 1001n)];
  });
  reaches('underfunded', 'lumens of the reserve', (world) => {
    joined(world);
    return ['alice', deposit(998n * UNIT, 1000n)];
  });
  reaches('line_full', 'more shares than the line takes', (world) => {
    world.line('alice', USD, { balance: 1000n });
    world.ok('alice', trustPool(XLM, USD, 9n));
    return ['alice', deposit(10n, 10n)];
  });
  for (const [when, prices] of [
    ['above', [ANY[0], { n: 4, d: 9 }]],
    ['below', [{ n: 4, d: 9 }, ANY[1]]],
  ] as [string, [Price, Price]][]) {
    reaches('bad_price', `${when} what it allows`, (world) => {
      joined(world);
      return ['alice', deposit(400n, when === 'above' ? 899n : 901n, prices)];
    });
  }
  reaches('bad_price', 'so little that it gets no share', (world) => {
    withPool(world, 'bob', XLM, USD, 400n, 400n);
    world.line('alice', USD, { balance: 1000n });
    world.ok('alice', trustPool(XLM, USD));
    world.state.put({ ...world.state.pool(POOL)!, reserveA: 800n, reserveB: 800n });
    return ['alice', deposit(1n, 1n)];
  });
  reaches('pool_full', 'a reserve that does not fit into 64 bits', (world) => {
    withPool(world, 'bob', EUR, USD, INT64_MAX - 5n, INT64_MAX - 5n);
    for (const asset of [EUR, USD]) world.line('alice', asset, { balance: 10n });
    world.ok('alice', trustPool(EUR, USD));
    return ['alice', deposit(6n, 6n, ANY, poolId(EUR, USD))];
  });
});
