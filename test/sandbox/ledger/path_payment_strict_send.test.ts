import assert from 'node:assert/strict';
import { type Asset, assetToJson } from './asset.ts';
import { MAINTAIN_LIABILITIES } from './entries.ts';
import { INT64_MAX } from './exchange.ts';
import { poolId, poolIdToJson } from './pool.ts';
import {
  atoms,
  type Body,
  createWorld,
  credit,
  EUR,
  fillBook,
  G,
  offered,
  pay,
  reaches,
  sell,
  trust,
  UNIT,
  USD,
  type World,
  withPool,
  XLM,
} from './testing.ts';

interface Send {
  send?: Asset;
  amount?: bigint;
  to?: string;
  dest?: Asset;
  min?: bigint;
  path?: Asset[];
}

/** Ten lumens to bob, who gets USD, unless told otherwise. */
const strictSend = ({
  send = XLM,
  amount = 10n,
  to = 'bob',
  dest = USD,
  min = 1n,
  path = [],
}: Send = {}): Body => ({
  path_payment_strict_send: {
    send_asset: assetToJson(send),
    send_amount: amount,
    destination: G(to),
    dest_asset: assetToJson(dest),
    dest_min: min,
    path: path.map(assetToJson),
  },
});

describe('path_payment_strict_send', () => {
  it('success: sends exactly its amount through the books of its path', () => {
    const world = createWorld('bank', 'alice', 'bob');
    offered(world);
    world.line('bob', EUR);
    world.line('maker', EUR, { balance: 100n });
    world.ok('maker', sell(EUR, USD, 100n, 2));
    const [value] = world.ok('alice', strictSend({ dest: EUR, path: [USD], min: 5n }));
    assert.deepEqual((value as { last: unknown }).last, {
      destination: G('bob'),
      asset: assetToJson(EUR),
      amount: '5',
    });
    assert.equal(world.balance('bob', EUR), 5n);
    assert.equal(atoms(value).length, 2);
  });

  it('success: without a trade it is a payment', () => {
    const world = createWorld('alice', 'bob');
    const [value] = world.ok('alice', strictSend({ dest: XLM, min: 10n }));
    assert.deepEqual([atoms(value), world.balance('bob', XLM)], [[], 1000n * UNIT + 10n]);
  });

  it('success: one hop goes through the pool where that brings as much as the book or more (CAP-0038)', () => {
    for (const [perLumen, through] of [
      [[1n, 1n], 'order_book'],
      [[4n, 5n], 'liquidity_pool'],
    ] as const) {
      const world = createWorld('bank', 'alice', 'bob');
      world.account('maker');
      withPool(world, 'maker', XLM, USD, 900_000n, 900_000n);
      world.line('bob', USD);
      world.line('maker', USD, { balance: 10_000n });
      world.ok('maker', sell(USD, XLM, 1000n, Number(perLumen[1]), Number(perLumen[0])));
      const [value] = world.ok('alice', strictSend({ amount: 1000n }));
      assert.deepEqual(Object.keys(atoms(value)[0] as object), [through]);
    }
  });

  it('success: on a tie it is the pool; its fee of 30 basis points stays in it', () => {
    const world = createWorld('bank', 'alice', 'bob');
    world.account('maker');
    withPool(world, 'maker', XLM, USD, 1000n, 1000n);
    world.line('bob', USD);
    world.line('maker', USD, { balance: 10_000n });
    // The pool gives ⌊9970·1000·10 / (10000·1000 + 9970·10)⌋ = 9 for 10, as this offer does.
    world.ok('maker', sell(USD, XLM, 9n, 10, 9));
    const [value] = world.ok('alice', strictSend());
    assert.deepEqual(atoms(value), [
      {
        liquidity_pool: {
          liquidity_pool_id: poolIdToJson(poolId(XLM, USD)),
          asset_sold: assetToJson(USD),
          amount_sold: '9',
          asset_bought: 'native',
          amount_bought: '10',
        },
      },
    ]);
  });

  reaches('malformed', 'an amount of zero', () => ['alice', strictSend({ amount: 0n })]);
  reaches('malformed', 'a least amount of zero', () => ['alice', strictSend({ min: 0n })]);
  reaches('malformed', 'an asset of its path without a code', () => [
    'alice',
    strictSend({ path: [credit('')] }),
  ]);
  reaches('underfunded', 'more lumens than it may spend', (world) => {
    offered(world);
    return ['alice', strictSend({ amount: 1000n * UNIT })];
  });
  reaches('src_no_trust', 'without a line of what it sends', () => [
    'alice',
    strictSend({ send: EUR, dest: XLM }),
  ]);
  reaches('src_not_authorized', 'may only keep what it sends', (world) => {
    world.line('alice', EUR, { balance: 10n, flags: MAINTAIN_LIABILITIES });
    return ['alice', strictSend({ send: EUR, dest: XLM })];
  });
  reaches('no_destination', 'an account that is not there', () => ['alice', strictSend({ to: 'carol' })]);
  reaches('no_trust', 'a destination without a line', (world) => {
    offered(world);
    return ['alice', strictSend({ to: 'alice' })];
  });
  reaches('not_authorized', 'a destination that may only keep the asset', (world) => {
    offered(world);
    world.line('bob', USD, { flags: MAINTAIN_LIABILITIES });
    return ['alice', strictSend()];
  });
  reaches('line_full', 'a destination without room', (world) => {
    offered(world);
    world.line('bob', USD, { limit: 9n });
    return ['alice', strictSend()];
  });
  reaches('too_few_offers', 'an empty book', (world) => {
    world.line('bob', USD);
    return ['alice', strictSend()];
  });
  reaches('too_few_offers', 'a book that has not enough', (world) => {
    offered(world);
    return ['alice', strictSend({ amount: 101n })];
  });
  reaches('offer_cross_self', 'meets its own offer', (world) => {
    offered(world);
    world.line('alice', USD, { balance: 2n });
    world.ok('alice', sell(USD, XLM, 2n, 1, 2));
    return ['alice', strictSend()];
  });
  reaches('under_destmin', 'brings less than was asked for', (world) => {
    offered(world);
    return ['alice', strictSend({ min: 11n })];
  });
  reaches('op_exceeded_work_limit', 'crosses more than a thousand offers', (world) => {
    fillBook(world, USD, 1001);
    return ['alice', strictSend({ amount: 1001n })];
  });
  reaches('too_few_offers', 'a pool that would give nothing for it', (world) => {
    world.line('bob', USD);
    world.account('maker');
    withPool(world, 'maker', XLM, USD, 1_000_000n, 10n);
    return ['alice', strictSend()];
  });
  reaches('too_few_offers', 'a pool that cannot take so much', (world) => {
    world.line('bob', USD);
    world.account('maker');
    withPool(world, 'maker', XLM, USD, 10n, 10n);
    world.line('alice', USD, { balance: INT64_MAX - 5n });
    return ['alice', strictSend({ send: USD, dest: XLM, amount: INT64_MAX - 5n })];
  });

  it('tx_internal_error: an offer that its own reservation no longer fits, as core throws there below protocol 29', () => {
    const evaporating = (): World => {
      const world = createWorld('bank', 'alice', 'bob');
      for (const name of ['maker', 'taker']) {
        world.account(name);
        world.line(name, USD, { balance: 1n });
        world.line(name, EUR, { balance: name === 'taker' ? 10_000_000n : 0n });
      }
      world.ok('maker', sell(USD, EUR, 1n, 0x7fffffff, 663), trust(EUR, 3_239_040n));
      return world;
    };
    const world = evaporating();
    const { sequence } = world.accountOf('taker');
    const step = strictSend({ send: EUR, to: 'taker', amount: 5_000_000n });
    const { code, operations, feeCharged } = world.run('taker', [pay('bank', EUR, 1n), step]);
    assert.deepEqual([code, operations, feeCharged], ['tx_internal_error', [], 200n]);
    assert.equal(world.balance('taker', EUR), 10_000_000n);
    assert.equal(world.accountOf('taker').sequence, sequence + 1n);
    assert.equal(world.state.book(USD, EUR).length, 1);

    // To an offer it trades nothing and goes.
    const [value] = evaporating().ok('taker', sell(EUR, USD, 5_000_000n, 663, 0x7fffffff)) as [
      { offers_claimed: { order_book: Record<string, unknown> }[] },
    ];
    const { amount_sold: sold, amount_bought: bought } = value.offers_claimed[0]!.order_book;
    assert.deepEqual([sold, bought], ['0', '0']);
  });
});
