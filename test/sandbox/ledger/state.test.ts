import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Entry, keyOf, type Offer } from './entries.ts';
import { createState, type LedgerState } from './state.ts';
import { createWorld, G, USD, XLM } from './testing.ts';

const offer = (id: number, n: number, d = 1, change: Partial<Offer> = {}): Offer => ({
  type: 'offer',
  id: BigInt(id),
  seller: G('alice'),
  selling: XLM,
  buying: USD,
  amount: 1n,
  price: { n, d },
  passive: false,
  modified: 7,
  ...change,
});
const data = (name: string, value: string): Entry => ({
  type: 'data',
  owner: G('alice'),
  name,
  value,
  modified: 7,
});
const pool = (id: string, shares: bigint): Entry => ({
  type: 'pool',
  id,
  assetA: XLM,
  assetB: USD,
  reserveA: 1n,
  reserveB: 1n,
  shares,
  lines: 1n,
  modified: 7,
});
const empty = (): LedgerState => createState(createWorld().state.header);
const ids = (state: LedgerState): bigint[] => state.book(XLM, USD).map(({ id }) => id);

/** All that can be asked of a state, in an order that does not hang on the way there. */
const picture = (state: LedgerState): unknown => ({
  header: state.header,
  entries: new Map([...state.entries()].map((entry) => [keyOf(entry), entry])),
  owned: new Set([...state.ownedBy(G('alice'))].map(keyOf)),
  books: new Map(
    [...state.books()].map(([selling, buying]) => [`${selling} ${buying}`, [...state.book(selling, buying)]]),
  ),
  pools: new Set([...state.pools()].map(({ id }) => id)),
});

describe('the state of a ledger', () => {
  it('keeps a book by price, then id', () => {
    const state = empty();
    for (const entry of [offer(4, 2), offer(3, 1), offer(2, 2), offer(1, 1, 2), offer(5, 4, 4)])
      state.put(entry);
    assert.deepEqual(ids(state), [1n, 3n, 5n, 2n, 4n]);
    state.put(offer(4, 1, 3));
    assert.deepEqual(ids(state), [4n, 1n, 3n, 5n, 2n]);
    state.put(offer(3, 1, 1, { selling: USD, buying: XLM }));
    assert.deepEqual(ids(state), [4n, 1n, 5n, 2n]);
    for (const id of [4, 1, 5, 2]) state.remove(state.offer(G('alice'), BigInt(id))!);
    assert.deepEqual([...state.books()], [[USD, XLM]]);
  });

  it('marks what it puts with its ledger, and restores what was as it was', () => {
    const state = empty();
    state.setHeader({ ...state.header, sequence: 9 });
    state.put(data('a', '00'));
    state.restore(data('b', '00'));
    assert.deepEqual([state.data(G('alice'), 'a')?.modified, state.data(G('alice'), 'b')?.modified], [9, 7]);
  });

  it('tells one change an entry, from what was to what is', () => {
    const state = empty();
    state.put(data('old', '00'));
    state.put(data('gone', '00'));
    const since = state.savepoint();
    for (const value of ['01', '02']) state.put(data('old', value));
    state.remove(data('gone', '00'));
    state.put(data('new', '03'));
    state.put(data('passing', '04'));
    state.remove(data('passing', '04'));
    const told = state
      .changesSince(since)
      .map(({ before, after }) => [before, after].map((entry) => entry?.type === 'data' && entry.value));
    assert.deepEqual(told, [
      ['00', '02'],
      ['00', false],
      [false, '03'],
    ]);
  });

  it('forgets how to undo what was committed', () => {
    const state = empty();
    state.put(data('a', '00'));
    state.commit();
    state.put(data('a', '01'));
    assert.equal(state.savepoint(), 1);
    state.rollback(0);
    assert.equal(state.data(G('alice'), 'a')?.type === 'data' && state.data(G('alice'), 'a')?.value, '00');
  });

  it('rolls entries, books, owners, pools and header back to any savepoint, whatever was done', () => {
    const step = fc.oneof(
      fc.record({
        id: fc.integer({ min: 1, max: 4 }),
        n: fc.integer({ min: 1, max: 3 }),
        flip: fc.boolean(),
      }),
      fc.record({ name: fc.constantFrom('a', 'b'), value: fc.constantFrom('00', '01') }),
      fc.record({ pool: fc.constantFrom('aa', 'bb'), shares: fc.bigInt(1n, 2n) }),
      fc.record({ feePool: fc.bigInt(0n, 9n) }),
      fc.record({ remove: fc.nat(9) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.array(step, { maxLength: 12 }), (first, second) => {
        const state = empty();
        const run = (steps: typeof first): void => {
          for (const one of steps) {
            if ('id' in one) {
              state.put(offer(one.id, one.n, 1, one.flip ? { selling: USD, buying: XLM } : {}));
            } else if ('name' in one) state.put(data(one.name, one.value));
            else if ('pool' in one) state.put(pool(one.pool, one.shares));
            else if ('feePool' in one) state.setHeader({ ...state.header, feePool: one.feePool });
            else {
              const entry = [...state.entries()][one.remove];
              if (entry) state.remove(entry);
            }
          }
        };
        const before = picture(state);
        run(first);
        const savepoint = state.savepoint();
        const between = picture(state);
        run(second);
        state.rollback(savepoint);
        assert.deepEqual(picture(state), between);
        state.rollback(0);
        assert.deepEqual(picture(state), before);
      }),
    );
  });
});
