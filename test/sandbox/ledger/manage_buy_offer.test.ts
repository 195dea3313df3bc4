import assert from 'node:assert/strict';
import { type Asset, assetToJson } from './asset.ts';
import { MAINTAIN_LIABILITIES } from './entries.ts';
import { INT64_MAX } from './exchange.ts';
import { BASE_RESERVE, type Body, createWorld, G, reaches, sell, UNIT, USD, XLM } from './testing.ts';

/** `n`/`d` is what it pays for one that it buys. */
const buy = (selling: Asset, buying: Asset, buy_amount: bigint, n = 1, d = 1, offer_id = 0n): Body => ({
  manage_buy_offer: {
    selling: assetToJson(selling),
    buying: assetToJson(buying),
    buy_amount,
    price: { n, d },
    offer_id,
  },
});

describe('manage_buy_offer', () => {
  it('success: rests as the offer to sell at the inverse price, over what that sells', () => {
    const world = createWorld('bank', 'alice');
    world.line('alice', USD);
    world.ok('alice', buy(XLM, USD, 30n * UNIT, 3, 2));
    const offer = world.state.offer(G('alice'), 1n)!;
    assert.deepEqual([offer.amount, offer.price, offer.selling], [45n * UNIT, { n: 2, d: 3 }, XLM]);
  });

  it('success: buys no more than it asked for, and what it saves is not spent', () => {
    const world = createWorld('bank', 'alice', 'bob');
    world.line('alice', USD);
    world.line('bob', USD, { balance: 100n });
    world.ok('bob', sell(USD, XLM, 100n, 1, 2));
    world.ok('alice', buy(XLM, USD, 60n, 2));
    assert.equal(world.balance('alice', USD), 60n);
    assert.equal(world.balance('alice', XLM), 1000n * UNIT - 100n - 30n);
    assert.equal(world.state.book(XLM, USD).length, 0);
  });

  it('success: an amount of zero deletes', () => {
    const world = createWorld('bank', 'alice');
    world.line('alice', USD);
    world.ok('alice', buy(XLM, USD, UNIT));
    assert.deepEqual(world.ok('alice', buy(XLM, USD, 0n, 1, 1, 1n)), [
      { offers_claimed: [], offer: 'deleted' },
    ]);
  });

  reaches('malformed', 'a negative amount', () => ['alice', buy(XLM, USD, -1n)]);
  reaches('malformed', 'a price of zero', () => ['alice', buy(XLM, USD, 1n, 0)]);
  reaches('malformed', 'deletes a new offer', () => ['alice', buy(XLM, USD, 0n)]);
  reaches('sell_no_trust', 'without a line of what it sells', () => ['alice', buy(USD, XLM, 1n)]);
  reaches('buy_no_trust', 'without a line of what it buys', () => ['alice', buy(XLM, USD, 1n)]);
  reaches('sell_not_authorized', 'may only keep what it sells', (world) => {
    world.line('alice', USD, { balance: 10n, flags: MAINTAIN_LIABILITIES });
    return ['alice', buy(USD, XLM, 1n)];
  });
  reaches('buy_not_authorized', 'may only keep what it buys', (world) => {
    world.line('alice', USD, { flags: MAINTAIN_LIABILITIES });
    return ['alice', buy(XLM, USD, 1n)];
  });
  reaches('line_full', 'what it buys would not fit the limit', (world) => {
    world.line('alice', USD, { limit: 9n });
    return ['alice', buy(XLM, USD, 10n)];
  });
  reaches('underfunded', 'what it would sell is more than it has', (world) => {
    world.line('alice', USD, { balance: 10n });
    return ['alice', buy(USD, XLM, 6n, 2)];
  });
  reaches('underfunded', 'a price at which it would sell more than there is', (world) => {
    world.line('alice', USD);
    return ['alice', buy(XLM, USD, INT64_MAX / 2n, 3)];
  });
  reaches('cross_self', 'meets its own offer', (world) => {
    world.line('alice', USD, { balance: UNIT });
    world.ok('alice', buy(XLM, USD, 10n));
    return ['alice', buy(USD, XLM, 10n)];
  });
  reaches('not_found', 'an id that nobody has', (world) => {
    world.line('alice', USD);
    return ['alice', buy(XLM, USD, 1n, 1, 1, 9n)];
  });
  reaches('low_reserve', 'no reserve for a new offer', (world) => {
    world.line('alice', USD, { balance: UNIT });
    world.account('alice', { balance: 4n * BASE_RESERVE + 99n });
    return ['alice', buy(USD, XLM, 10n)];
  });
});
