import assert from 'node:assert/strict';
import { type Asset, assetToJson } from './asset.ts';
import { MAINTAIN_LIABILITIES } from './entries.ts';
import {
  atoms,
  type Body,
  createWorld,
  credit,
  EUR,
  fillBook,
  G,
  offered,
  reaches,
  sell,
  UNIT,
  USD,
  withPool,
  XLM,
} from './testing.ts';

interface Receive {
  send?: Asset;
  max?: bigint;
  to?: string;
  dest?: Asset;
  amount?: bigint;
  path?: Asset[];
}

/** Ten USD to bob for at most a thousand stroops of lumens, unless told otherwise. */
const strictReceive = ({
  send = XLM,
  max = 1000n,
  to = 'bob',
  dest = USD,
  amount = 10n,
  path = [],
}: Receive = {}): Body => ({
  path_payment_strict_receive: {
    send_asset: assetToJson(send),
    send_max: max,
    destination: G(to),
    dest_asset: assetToJson(dest),
    dest_amount: amount,
    path: path.map(assetToJson),
  },
});

describe('path_payment_strict_receive', () => {
  it('success: delivers exactly its amount; trades are told in the order of the path', () => {
    const world = createWorld('bank', 'alice', 'bob');
    offered(world, 2);
    world.line('bob', EUR);
    world.line('maker', EUR, { balance: 100n });
    world.ok('maker', sell(EUR, USD, 100n, 2));
    const [value] = world.ok('alice', strictReceive({ dest: EUR, path: [USD], max: 40n }));
    assert.equal(world.balance('bob', EUR), 10n);
    assert.equal(world.balance('alice', XLM), 1000n * UNIT - 100n - 40n);
    assert.deepEqual(
      atoms(value).map((atom) => (atom as { order_book: { amount_sold: string } }).order_book.amount_sold),
      ['20', '10'],
    );
  });

  it('success: a hop goes through the pool where that costs as much as the book or less (CAP-0038)', () => {
    for (const [n, through] of [
      [1, 'order_book'],
      [2, 'liquidity_pool'],
    ] as const) {
      const world = createWorld('bank', 'alice', 'bob');
      world.account('maker');
      withPool(world, 'maker', XLM, USD, 900_000n, 900_000n);
      world.line('bob', USD);
      world.line('maker', USD, { balance: 10_000n });
      world.ok('maker', sell(USD, XLM, 1000n, n));
      const [value] = world.ok('alice', strictReceive({ amount: 1000n, max: 2000n }));
      assert.deepEqual(Object.keys(atoms(value)[0] as object), [through]);
    }
  });

  reaches('malformed', 'an amount of zero', () => ['alice', strictReceive({ amount: 0n })]);
  reaches('malformed', 'a most amount of zero', () => ['alice', strictReceive({ max: 0n })]);
  reaches('malformed', 'an asset of its path without a code', () => [
    'alice',
    strictReceive({ path: [credit('')] }),
  ]);
  reaches('underfunded', 'costs more lumens than it may spend', (world) => {
    offered(world, 2);
    world.account('alice', { balance: 10_000_119n });
    return ['alice', strictReceive()];
  });
  reaches('src_no_trust', 'without a line of what it sends', (world) => {
    offered(world, 2);
    world.line('maker', EUR);
    world.ok('maker', sell(XLM, EUR, 50n));
    return ['alice', strictReceive({ send: EUR, path: [XLM] })];
  });
  reaches('src_not_authorized', 'may only keep what it sends', (world) => {
    offered(world, 2);
    world.line('maker', EUR);
    world.ok('maker', sell(XLM, EUR, 50n));
    world.line('alice', EUR, { balance: 100n, flags: MAINTAIN_LIABILITIES });
    return ['alice', strictReceive({ send: EUR, path: [XLM] })];
  });
  reaches('no_destination', 'an account that is not there', () => ['alice', strictReceive({ to: 'carol' })]);
  reaches('no_trust', 'a destination without a line, before the book is looked at', () => [
    'alice',
    strictReceive(),
  ]);
  reaches('not_authorized', 'a destination that may only keep the asset', (world) => {
    offered(world, 2);
    world.line('bob', USD, { flags: MAINTAIN_LIABILITIES });
    return ['alice', strictReceive()];
  });
  reaches('line_full', 'a destination without room', (world) => {
    offered(world, 2);
    world.line('bob', USD, { limit: 9n });
    return ['alice', strictReceive()];
  });
  reaches('too_few_offers', 'an empty book', (world) => {
    world.line('bob', USD);
    return ['alice', strictReceive()];
  });
  reaches('too_few_offers', 'a book that has not enough', (world) => {
    offered(world, 2);
    return ['alice', strictReceive({ amount: 101n })];
  });
  reaches('too_few_offers', 'a pool gives all but what it has', (world) => {
    world.line('bob', USD);
    world.account('maker');
    withPool(world, 'maker', XLM, USD, 10n, 10n);
    return ['alice', strictReceive()];
  });
  reaches('offer_cross_self', 'meets its own offer', (world) => {
    offered(world, 2);
    world.line('alice', USD, { balance: 1n });
    world.ok('alice', sell(USD, XLM, 1n));
    return ['alice', strictReceive()];
  });
  reaches('over_sendmax', 'costs more than it allows', (world) => {
    offered(world, 2);
    return ['alice', strictReceive({ max: 19n })];
  });
  reaches('op_exceeded_work_limit', 'crosses more than a thousand offers', (world) => {
    fillBook(world, USD, 1001);
    world.line('bob', USD);
    return ['alice', strictReceive({ amount: 1001n, max: 2000n })];
  });
});
