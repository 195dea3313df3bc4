import assert from 'node:assert/strict';
import { type Asset, assetToJson } from './asset.ts';
import { MAINTAIN_LIABILITIES } from './entries.ts';
import {
  BASE_RESERVE,
  type Body,
  createWorld,
  G,
  reaches,
  sell,
  UNIT,
  USD,
  type World,
  XLM,
} from './testing.ts';

const passive = (selling: Asset, buying: Asset, amount: bigint, n = 1, d = 1): Body => ({
  create_passive_sell_offer: {
    selling: assetToJson(selling),
    buying: assetToJson(buying),
    amount,
    price: { n, d },
  },
});

function market(): World {
  const world = createWorld('bank', 'alice', 'bob');
  for (const name of ['alice', 'bob']) world.line(name, USD, { balance: 100n * UNIT });
  return world;
}

describe('create_passive_sell_offer', () => {
  it('success: does not take an offer of its own price, but a better one', () => {
    const world = market();
    world.ok('alice', sell(XLM, USD, 10n));
    world.ok('bob', passive(USD, XLM, 10n));
    assert.equal(world.state.book(XLM, USD).length, 1);
    assert.equal(world.state.offer(G('bob'), 2n)!.passive, true);
    world.ok('alice', sell(XLM, USD, 10n, 9, 10));
    assert.equal(world.state.book(USD, XLM).length, 0, 'others take it');
    world.ok('bob', passive(USD, XLM, 5n, 9, 10));
    assert.deepEqual(
      world.state.book(XLM, USD).map(({ amount }) => amount),
      [5n],
    );
  });

  it('success: stays passive when it is changed', () => {
    const world = market();
    world.ok('alice', sell(XLM, USD, 10n));
    world.ok('bob', passive(USD, XLM, 10n, 2));
    world.ok('bob', sell(USD, XLM, 10n, 1, 1, 2n));
    assert.equal(world.state.offer(G('bob'), 2n)!.passive, true);
    assert.equal(world.state.book(XLM, USD).length, 1);
  });

  reaches('malformed', 'an amount of zero', () => ['alice', passive(XLM, USD, 0n)]);
  reaches('malformed', 'a price of zero', () => ['alice', passive(XLM, USD, 1n, 0)]);
  reaches('sell_no_trust', 'without a line of what it sells', () => ['alice', passive(USD, XLM, 1n)]);
  reaches('buy_no_trust', 'without a line of what it buys', () => ['alice', passive(XLM, USD, 1n)]);
  reaches('sell_not_authorized', 'may only keep what it sells', (world) => {
    world.line('alice', USD, { balance: 10n, flags: MAINTAIN_LIABILITIES });
    return ['alice', passive(USD, XLM, 1n)];
  });
  reaches('buy_not_authorized', 'may only keep what it buys', (world) => {
    world.line('alice', USD, { flags: MAINTAIN_LIABILITIES });
    return ['alice', passive(XLM, USD, 1n)];
  });
  reaches('line_full', 'what it buys would not fit the limit', (world) => {
    world.line('alice', USD, { limit: 9n });
    return ['alice', passive(XLM, USD, 10n)];
  });
  reaches('underfunded', 'more than it has', (world) => {
    world.line('alice', USD, { balance: 9n });
    return ['alice', passive(USD, XLM, 10n)];
  });
  reaches('cross_self', 'meets its own better offer', (world) => {
    world.line('alice', USD, { balance: UNIT });
    world.ok('alice', sell(XLM, USD, 10n, 1, 2));
    return ['alice', passive(USD, XLM, 10n)];
  });
  reaches('low_reserve', 'no reserve for a new offer', (world) => {
    world.line('alice', USD, { balance: UNIT });
    world.account('alice', { balance: 4n * BASE_RESERVE + 99n });
    return ['alice', passive(USD, XLM, 10n)];
  });
});
