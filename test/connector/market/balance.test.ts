import assert from 'node:assert/strict';
import {
  type AccountState,
  available,
  type Balance,
  room,
  spendable,
} from '../../../connector/market/balance.ts';

const line = (fields: Partial<Balance>): Balance => ({
  ...{ asset: 'native', balance: 0n, sellingLiabilities: 0n, buyingLiabilities: 0n, limit: undefined },
  ...{ authorized: true },
  ...fields,
});
const account = (balances: Balance[], fields: Partial<AccountState> = {}): AccountState => ({
  ...{ sequence: 1n, subentries: 3, sponsoring: 0, sponsored: 0, balances },
  ...fields,
});

describe('connector/market/balance', () => {
  it('keeps the reserve and what offers hold back', () => {
    const state = account([
      line({ balance: 1_000_000_000n, sellingLiabilities: 200_000_000n }),
      line({ asset: 'A:G', balance: 50n, sellingLiabilities: 20n }),
    ]);
    // (2 + 3) × 0.5 XLM stay.
    assert.deepEqual(
      [...spendable(state, 5_000_000n)],
      [
        ['native', 775_000_000n],
        ['A:G', 30n],
      ],
    );
  });

  it('counts sponsorship in the reserve', () => {
    const state = account([line({ balance: 100_000_000n })], { sponsoring: 2, sponsored: 1 });
    assert.equal(spendable(state, 5_000_000n).get('native'), 70_000_000n);
  });

  it('is never negative, and nothing of a frozen line', () => {
    const state = account([line({ balance: 1n }), line({ asset: 'A:G', balance: 50n, authorized: false })]);
    assert.deepEqual([...spendable(state, 5_000_000n).values()], [0n, 0n]);
  });

  it('keeps a buffer of native only', () => {
    const state = account([line({ balance: 100_000_000n }), line({ asset: 'A:G', balance: 50n })]);
    assert.deepEqual([...spendable(state, 5_000_000n, 10_000_000n).values()], [65_000_000n, 50n]);
  });

  it('tells what is left of one asset as it is, and how much more fits', () => {
    const state = account([
      line({ balance: 1n }),
      line({ asset: 'A:G', balance: 50n, limit: 60n, buyingLiabilities: 4n }),
    ]);
    assert.equal(available(state, 'native', 5_000_000n), 1n - 25_000_000n);
    assert.deepEqual([available(state, 'B:G', 0n), room(state, 'B:G')], [undefined, undefined]);
    assert.deepEqual([room(state, 'A:G'), room(state, 'native')], [6n, 2n ** 63n - 2n]);
  });
});
