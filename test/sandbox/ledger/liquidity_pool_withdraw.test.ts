import assert from 'node:assert/strict';
import { INT64_MAX } from './exchange.ts';
import { poolId, poolIdToJson, poolShare } from './pool.ts';
import {
  type Body,
  createWorld,
  reaches,
  sell,
  trustPool,
  USD,
  type World,
  withPool,
  XLM,
} from './testing.ts';

const POOL = poolId(XLM, USD);

const withdraw = (amount: bigint, min_amount_a = 0n, min_amount_b = 0n): Body => ({
  liquidity_pool_withdraw: { liquidity_pool_id: poolIdToJson(POOL), amount, min_amount_a, min_amount_b },
});

/** alice has put 400 stroops and 900 USD into the pool, for 600 shares. */
const filled = (world: World): void => withPool(world, 'alice', XLM, USD, 400n, 900n);

describe('liquidity_pool_withdraw', () => {
  it('success: gives the part of both reserves, rounded down, and all for all shares', () => {
    const world = createWorld('bank', 'alice');
    filled(world);
    world.ok('alice', withdraw(1n));
    assert.equal(world.balance('alice', USD), 1n);
    const { reserveA, reserveB, shares } = world.state.pool(POOL)!;
    assert.deepEqual([reserveA, reserveB, shares], [400n, 899n, 599n]);
    world.ok('alice', withdraw(599n, 400n, 899n), trustPool(XLM, USD, 0n));
    assert.deepEqual([world.balance('alice', USD), world.state.pool(POOL)], [900n, undefined]);
  });

  reaches('malformed', 'an amount of zero', () => ['alice', withdraw(0n)]);
  reaches('malformed', 'a negative least amount', () => ['alice', withdraw(1n, -1n)]);
  reaches('malformed', 'the other one', () => ['alice', withdraw(1n, 0n, -1n)]);
  reaches('no_trust', 'without a line of the pool', () => ['alice', withdraw(1n)]);
  reaches('underfunded', 'more shares than it has', (world) => {
    filled(world);
    return ['alice', withdraw(601n)];
  });
  reaches('line_full', 'no room for the asset', (world) => {
    filled(world);
    world.line('alice', USD, { limit: 8n });
    return ['alice', withdraw(6n)];
  });
  reaches('line_full', 'the room that an offer may need', (world) => {
    filled(world);
    world.line('alice', USD, { limit: 10n });
    world.ok('alice', sell(XLM, USD, 2n));
    return ['alice', withdraw(6n)];
  });
  reaches('line_full', 'no room for lumens, before the least amount of the other is looked at', (world) => {
    filled(world);
    world.account('alice', { balance: INT64_MAX });
    return ['alice', withdraw(600n, 0n, 901n)];
  });
  reaches('under_minimum', 'less of one asset than asked for', (world) => {
    filled(world);
    return ['alice', withdraw(6n, 5n)];
  });
  reaches('under_minimum', 'less of the other', (world) => {
    filled(world);
    return ['alice', withdraw(6n, 0n, 10n)];
  });
  it('leaves shares of others alone', () => {
    const world = createWorld('bank', 'alice', 'bob');
    filled(world);
    withPool(world, 'bob', XLM, USD, 400n, 900n);
    world.ok('alice', withdraw(600n));
    assert.equal(world.balance('bob', poolShare(POOL)), 600n);
  });
});
