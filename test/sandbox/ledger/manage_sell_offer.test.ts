import assert from 'node:assert/strict';
import { MAINTAIN_LIABILITIES } from './entries.ts';
import { INT64_MAX } from './exchange.ts';
import {
  BASE_RESERVE,
  createWorld,
  credit,
  EUR,
  fillBook,
  G,
  reaches,
  sell,
  UNIT,
  USD,
  type World,
  XLM,
} from './testing.ts';

interface Traded {
  offers_claimed: { order_book: { offer_id: string; amount_sold: string; amount_bought: string } }[];
  offer: 'deleted' | { created?: { offer_id: string; amount: string }; updated?: { amount: string } };
}

/** alice and bob hold 100 USD each. */
function market(): World {
  const world = createWorld('bank', 'alice', 'bob');
  for (const name of ['alice', 'bob']) world.line(name, USD, { balance: 100n * UNIT });
  return world;
}

const trade = (world: World, name: string, ...steps: Parameters<World['ok']>[1][]): Traded =>
  world.ok(name, ...steps).at(-1) as Traded;
const claims = ({ offers_claimed }: Traded): string[][] =>
  offers_claimed.map(({ order_book: atom }) => [atom.offer_id, atom.amount_sold, atom.amount_bought]);

describe('manage_sell_offer', () => {
  it('success: rests in the book, counts as an entry and reserves what it may trade', () => {
    const world = market();
    const { offer } = trade(world, 'alice', sell(XLM, USD, 10n * UNIT, 1, 8));
    assert.deepEqual(offer, {
      created: {
        seller_id: G('alice'),
        offer_id: '1',
        selling: 'native',
        buying: { credit_alphanum4: { asset_code: 'USD', issuer: G('bank') } },
        amount: '100000000',
        price: { n: 1, d: 8 },
        flags: 0,
        ext: 'v0',
      },
    });
    assert.equal(world.accountOf('alice').subentries, 2);
    assert.deepEqual(world.accountOf('alice').liabilities, { buying: 0n, selling: 10n * UNIT });
    assert.equal(world.state.trustline(G('alice'), USD)!.liabilities.buying, (10n * UNIT) / 8n);
  });

  it('success: takes better and equal prices at the price of the book, and rests with what is left', () => {
    const world = market();
    world.ok('alice', sell(XLM, USD, 10n, 2), sell(XLM, USD, 10n), sell(XLM, USD, 10n, 3));
    const traded = trade(world, 'bob', sell(USD, XLM, 50n, 1, 2));
    assert.deepEqual(claims(traded), [
      ['2', '10', '10'],
      ['1', '10', '20'],
    ]);
    assert.deepEqual(traded.offer !== 'deleted' && traded.offer.created?.amount, '20');
    assert.deepEqual(
      world.state.book(XLM, USD).map(({ id }) => id),
      [3n],
    );
  });

  it('success: of equal prices the older offer is taken first; one that is used up is gone', () => {
    const world = market();
    world.ok('alice', sell(XLM, USD, 10n), sell(XLM, USD, 10n, 2, 2));
    const traded = trade(world, 'bob', sell(USD, XLM, 15n));
    assert.deepEqual(
      [claims(traded), traded.offer],
      [
        [
          ['1', '10', '10'],
          ['2', '5', '5'],
        ],
        'deleted',
      ],
    );
    assert.equal(world.state.offer(G('alice'), 2n)!.amount, 5n);
  });

  it('success: an update leaves the book first, and keeps its id', () => {
    const world = market();
    world.ok('alice', sell(XLM, USD, 990n * UNIT));
    const { offer } = trade(world, 'alice', sell(XLM, USD, 985n * UNIT, 3, 1, 1n));
    assert.deepEqual(offer !== 'deleted' && offer.updated?.amount, String(985n * UNIT));
    assert.deepEqual(
      world.state.book(XLM, USD).map(({ id, price }) => [id, price.n]),
      [[1n, 3]],
    );
    assert.equal(world.state.header.idPool, 1n);
  });

  it('success: an update may turn to other assets', () => {
    const world = market();
    world.ok('alice', sell(XLM, USD, UNIT));
    trade(world, 'alice', sell(USD, XLM, UNIT, 1, 1, 1n));
    assert.deepEqual([world.state.book(XLM, USD).length, world.state.book(USD, XLM).length], [0, 1]);
  });

  it('success: an amount of zero deletes, even where its lines are gone or not authorized', () => {
    const world = market();
    world.ok('alice', sell(XLM, USD, UNIT));
    world.line('alice', USD, { flags: MAINTAIN_LIABILITIES });
    assert.deepEqual(trade(world, 'alice', sell(XLM, USD, 0n, 1, 1, 1n)), {
      offers_claimed: [],
      offer: 'deleted',
    });
    assert.equal(world.accountOf('alice').subentries, 1);
  });

  it('success: an issuer sells and buys its own asset without a line', () => {
    const world = market();
    world.ok('bank', sell(USD, XLM, 500n * UNIT), sell(XLM, USD, UNIT, 2));
    assert.deepEqual(claims(trade(world, 'bob', sell(XLM, USD, 500n * UNIT))), [
      ['1', '5000000000', '5000000000'],
    ]);
    assert.equal(world.balance('bob', USD), 600n * UNIT);
  });

  it('success: what its price cannot express does not rest', () => {
    const world = market();
    // 1 stroop for 1000 would round to nothing: CAP-0004's threshold of 1 % leaves nothing to rest.
    const { offer } = trade(world, 'alice', sell(XLM, USD, 1n, 1, 1000));
    assert.equal(offer, 'deleted');
  });

  reaches('malformed', 'a negative amount', () => ['alice', sell(XLM, USD, -1n)]);
  reaches('malformed', 'an asset for itself', () => ['alice', sell(USD, USD, 1n)]);
  reaches('malformed', 'a price of zero', () => ['alice', sell(XLM, USD, 1n, 0)]);
  reaches('malformed', 'a price without a divisor', () => ['alice', sell(XLM, USD, 1n, 1, 0)]);
  reaches('malformed', 'a negative price', () => ['alice', sell(XLM, USD, 1n, -1, -1)]);
  reaches('malformed', 'deletes a new offer', () => ['alice', sell(XLM, USD, 0n)]);
  reaches('malformed', 'a negative id', () => ['alice', sell(XLM, USD, 1n, 1, 1, -1n)]);
  reaches('malformed', 'an asset without a code', () => ['alice', sell(XLM, credit(''), 1n)]);
  reaches('sell_no_trust', 'without a line of what it sells', () => ['alice', sell(USD, XLM, 1n)]);
  reaches('buy_no_trust', 'without a line of what it buys', () => ['alice', sell(XLM, USD, 1n)]);
  reaches('sell_not_authorized', 'may only keep what it sells', (world) => {
    world.line('alice', USD, { balance: 10n, flags: MAINTAIN_LIABILITIES });
    return ['alice', sell(USD, XLM, 1n)];
  });
  reaches('buy_not_authorized', 'may only keep what it buys', (world) => {
    world.line('alice', USD, { flags: MAINTAIN_LIABILITIES });
    return ['alice', sell(XLM, USD, 1n)];
  });
  reaches('line_full', 'what it buys would not fit the limit', (world) => {
    world.line('alice', USD, { limit: 9n });
    return ['alice', sell(XLM, USD, 10n)];
  });
  reaches('line_full', 'lumens that do not fit into 64 bits', (world) => {
    world.account('alice', { balance: INT64_MAX - 5n });
    world.line('alice', USD, { balance: 200n });
    return ['alice', sell(USD, XLM, 106n)];
  });
  reaches('underfunded', 'an empty line, before its authorization is looked at', (world) => {
    world.line('alice', USD, { flags: 0 });
    return ['alice', sell(USD, XLM, 1n)];
  });
  reaches('underfunded', 'more than it has above its reserve and other offers', (world) => {
    world.line('alice', USD);
    world.ok('alice', sell(XLM, USD, 900n * UNIT));
    return ['alice', sell(XLM, USD, 98n * UNIT)];
  });
  reaches('cross_self', 'meets its own offer', (world) => {
    world.line('alice', USD, { balance: UNIT });
    world.ok('alice', sell(XLM, USD, 10n));
    return ['alice', sell(USD, XLM, 10n)];
  });
  reaches('cross_self', 'behind those of others', (world) => {
    for (const name of ['alice', 'bob']) world.line(name, USD, { balance: UNIT });
    world.ok('bob', sell(XLM, USD, 10n, 1, 2));
    world.ok('alice', sell(XLM, USD, 10n));
    return ['alice', sell(USD, XLM, 10n)];
  });
  reaches('not_found', 'an id that nobody has', (world) => {
    world.line('alice', USD);
    return ['alice', sell(XLM, USD, 1n, 1, 1, 9n)];
  });
  reaches('not_found', 'the offer of another', (world) => {
    for (const name of ['alice', 'bob']) world.line(name, USD);
    world.ok('bob', sell(XLM, USD, 1n));
    return ['alice', sell(XLM, USD, 0n, 1, 1, 1n)];
  });
  reaches('low_reserve', 'no reserve for a new offer, even if it would trade at once', (world) => {
    for (const name of ['alice', 'bob']) world.line(name, USD, { balance: UNIT });
    world.ok('bob', sell(XLM, USD, 10n));
    world.account('alice', { balance: 4n * BASE_RESERVE + 99n });
    return ['alice', sell(USD, XLM, 10n)];
  });
  reaches('op_too_many_subentries', 'a thousand are the most', (world) => {
    world.line('alice', USD);
    world.account('alice', { subentries: 1000 });
    return ['alice', sell(XLM, USD, 1n)];
  });
  reaches('op_exceeded_work_limit', 'crosses more than a thousand offers', (world) => {
    world.line('alice', EUR);
    fillBook(world, EUR, 1001);
    return ['alice', sell(XLM, EUR, 2000n)];
  });
});
