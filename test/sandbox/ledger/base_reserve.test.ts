import assert from 'node:assert/strict';
import type { Asset } from './asset.ts';
import { minimumBalance } from './balances.ts';
import { raiseBaseReserve } from './base_reserve.ts';
import { Refused } from './errors.ts';
import { BASE_RESERVE, createWorld, credit, G, LEDGER, sell, type World, XLM } from './testing.ts';

const [ONE, TWO] = [credit('ONE'), credit('TWO')];
const PAIRS: [selling: Asset, buying: Asset][] = [
  [XLM, ONE],
  [ONE, XLM],
  [XLM, TWO],
  [TWO, XLM],
  [ONE, TWO],
  [TWO, ONE],
];

/** Who sells a thousand at a price of two, twice in each of these pairs. */
function maker(world: World, name: string, pairs = PAIRS): void {
  world.account(name);
  for (const asset of [ONE, TWO]) world.line(name, asset, { balance: 4000n, limit: 12_000n });
  for (const [selling, buying] of pairs) {
    for (let times = 0; times < 2; times += 1) world.ok(name, sell(selling, buying, 1000n, 2));
  }
}

/** Gives an account what it needs under twice the reserve, and so many stroops more; then doubles the reserve. */
function double({ state, account, accountOf }: World, spare: Record<string, bigint>): void {
  state.setHeader({ ...state.header, sequence: LEDGER + 1, baseReserve: 2n * BASE_RESERVE });
  for (const [name, more] of Object.entries(spare)) {
    account(name, { balance: minimumBalance(state.header, accountOf(name)) + more });
  }
  raiseBaseReserve(state);
}

const sells = ({ state }: World, name: string): Asset[] =>
  [...state.ownedBy(G(name))].flatMap((entry) => (entry.type === 'offer' ? [entry.selling] : []));

describe('a raised base reserve', () => {
  it('takes away every offer that sells lumens of who has not enough left for all of them', () => {
    const world = createWorld('bank');
    maker(world, 'short');
    maker(world, 'enough');
    double(world, { short: 3999n, enough: 4000n });

    assert.deepEqual(sells(world, 'short').sort(), [ONE, ONE, ONE, ONE, TWO, TWO, TWO, TWO].sort());
    const short = world.accountOf('short');
    assert.deepEqual([short.subentries, short.liabilities], [10, { buying: 8000n, selling: 0n }]);
    for (const asset of [ONE, TWO]) {
      const { liabilities } = world.state.trustline(G('short'), asset)!;
      assert.deepEqual(liabilities, { buying: 4000n, selling: 4000n });
    }
    assert.equal(sells(world, 'enough').length, 12);
    assert.deepEqual(world.accountOf('enough').liabilities, { buying: 8000n, selling: 4000n });
  });

  it('leaves liabilities of an asset for which no offer is left as they were, as core does', () => {
    const world = createWorld('bank');
    maker(world, 'short', [[XLM, ONE]]);
    double(world, { short: 1999n });
    assert.deepEqual(sells(world, 'short'), []);
    assert.deepEqual(world.accountOf('short').liabilities, { buying: 0n, selling: 2000n });
    assert.deepEqual(world.state.trustline(G('short'), ONE)?.liabilities, { buying: 4000n, selling: 0n });
  });

  it('writes all offers, their owners and the lines that these use, and nothing else', () => {
    const world = createWorld('bank', 'idle');
    maker(world, 'enough', [[ONE, XLM]]);
    world.ok('bank', sell(TWO, XLM, 1000n, 2));
    double(world, {});
    const written = [...world.state.entries()].filter(({ modified }) => modified === LEDGER + 1);
    const names = written.map((entry) => (entry.type === 'trustline' ? entry.asset : entry.type));
    assert.deepEqual(names.sort(), ['account', 'account', 'offer', 'offer', 'offer', ONE].sort());
    assert.ok(!written.includes(world.accountOf('idle')));
  });

  it('refuses to take an offer away whose reserve another account pays', () => {
    const world = createWorld('bank', 'sponsor');
    maker(world, 'short', [[XLM, ONE]]);
    for (const entry of [...world.state.ownedBy(G('short'))]) {
      if (entry.type === 'offer') world.state.put({ ...entry, sponsor: G('sponsor') });
    }
    assert.throws(() => double(world, { short: 1999n }), Refused);
  });
});
