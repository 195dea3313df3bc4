import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Resting, resting, trade } from '../../../connector/market/crossing.ts';
import { type Edge, edgeKey, pathsBetween, routesBetween } from '../../../connector/market/routes.ts';
import type { Asset } from '../../sandbox/ledger/asset.ts';
import { adjustAmount, INT64_MAX } from '../../sandbox/ledger/exchange.ts';
import { tradeHop } from '../../sandbox/ledger/path_payment.ts';
import { poolId } from '../../sandbox/ledger/pool.ts';
import { createWorld, fillBook, USD, type World, withPool, XLM } from '../../sandbox/ledger/testing.ts';

/** What the connector would know of the way from lumens to dollars. */
function edgeOf({ state }: World): Edge {
  const pool = state.pool(poolId(XLM, USD));
  return {
    offers: state
      .book(USD, XLM)
      .map(({ id, seller, selling, buying, amount, price }) =>
        resting({
          ...{ id: String(id), seller, selling, buying, amount },
          price: { numerator: BigInt(price.n), denominator: BigInt(price.d) },
        }),
      )
      .filter((offer): offer is Resting => offer !== undefined),
    pool: pool && {
      ...{ id: pool.id, assets: [pool.assetA, pool.assetB], reserves: [pool.reserveA, pool.reserveB] },
      ...{ totalShares: pool.shares, feeBps: 30 },
    },
  };
}

describe('connector/market/crossing: how many offers one operation may cross', () => {
  const rounding = { send: 'strict_send', receive: 'strict_receive' } as const;
  for (const withPoolToo of [false, true]) {
    it(`counts as the ledger does, ${withPoolToo ? 'also those it only looked at beside a pool' : 'in the book'}`, () => {
      const world = createWorld('bank', 'lp');
      // Of this pool a price is slightly better than one, so that it is taken after the book was looked at.
      if (withPoolToo) withPool(world, 'lp', XLM, USD, 1_000_000n, 1_100_000n);
      fillBook(world, USD as Asset, 1_200);
      const edge = edgeOf(world);
      let [traded, refused] = [0, 0];
      for (const exactly of ['send', 'receive'] as const) {
        for (const amount of [1n, 999n, 1_000n, 1_001n]) {
          for (const crossed of [0, 1, 999, 1_000]) {
            const start = world.state.savepoint();
            const said = tradeHop(
              world.state,
              'taker',
              { send: XLM, receive: USD, amount },
              rounding[exactly],
              crossed,
            );
            world.state.rollback(start);
            const ours = trade(edge, XLM, exactly, amount, 'taker', crossed);
            const moved = exactly === 'send' ? ours?.received : ours?.sent;
            const told = said.ok ? [said.amount, said.crossed] : [undefined, undefined];
            assert.deepEqual([moved, ours?.crossed], told, `${exactly} ${amount} after ${crossed}`);
            if (said.ok) traded++;
            else refused++;
          }
        }
      }
      assert.ok(traded > 5 && refused > 5, `${traded} traded, ${refused} refused`);
    });
  }

  it('takes of an offer what core would let rest of it (property)', () => {
    const part = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 2 ** 31 - 1 }));
    const sizes = fc.oneof(fc.bigInt(1n, 500n), fc.bigInt(1n, INT64_MAX));
    fc.assert(
      fc.property(part, part, sizes, (n, d, amount) => {
        const price = { numerator: BigInt(n), denominator: BigInt(d) };
        const offer = { id: '1', seller: 'maker', selling: 'a', buying: 'b', amount, price };
        assert.equal(resting(offer)?.amount ?? 0n, adjustAmount({ n, d }, amount, INT64_MAX));
      }),
      { numRuns: 3_000 },
    );
  });

  it('takes the pool where it gives the same as the book', () => {
    const pool = {
      id: 'p',
      assets: ['a', 'b'],
      reserves: [1_000n, 1_000n],
      totalShares: 1n,
      feeBps: 30,
    } as const;
    const edge = (n: bigint): Edge => ({ offers: [{ seller: 'maker', amount: 900n, n, d: 9n }], pool });
    // 100 bring 90 in the pool; at 10/9 in the book too, at 9/9 more.
    assert.deepEqual(trade(edge(10n), 'a', 'send', 100n, 'us'), { sent: 100n, received: 90n, crossed: 2 });
    assert.deepEqual(trade(edge(9n), 'a', 'send', 100n, 'us'), { sent: 100n, received: 100n, crossed: 1 });
  });

  it('one operation has one limit for all of its hops', () => {
    const offers = Array.from({ length: 700 }, () => ({ seller: 'maker', amount: 1n, n: 1n, d: 1n }));
    const edges = new Map<string, Edge>([
      [edgeKey('a', 'b'), { offers, pool: undefined }],
      [edgeKey('b', 'c'), { offers, pool: undefined }],
    ]);
    for (const side of ['SELL', 'BUY'] as const) {
      const of = (amount: bigint) =>
        routesBetween(edges, { side, from: 'a', to: 'c', amount, taker: 'us' }).length;
      assert.deepEqual([of(500n), of(501n)], [1, 0]);
    }
  });

  it('paths are simple, short ones first, through at most five assets between', () => {
    const edges = (pairs: string[]): string[] =>
      pairs.flatMap((it) => [edgeKey(it[0]!, it[1]!), edgeKey(it[1]!, it[0]!)]);
    const texts = (pairs: string[], from: string, to: string) =>
      pathsBetween(edges(pairs), from, to).map((path) => path.join(''));
    assert.deepEqual(texts(['ab', 'bc', 'ac', 'cd'], 'a', 'c'), ['ac', 'abc']);
    const chain = ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh'];
    assert.deepEqual([texts(chain, 'a', 'g'), texts(chain, 'a', 'h')], [['abcdefg'], []]);
    const all = [...'abcdefgh'].flatMap((one, at) =>
      [...'abcdefgh'].slice(at + 1).map((other) => one + other),
    );
    const many = texts(all, 'a', 'h');
    assert.equal(many.length, 50);
    assert.deepEqual(many.slice(0, 2), ['ah', 'abh']);
  });
});
