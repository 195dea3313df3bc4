import assert from 'node:assert/strict';
import type { AccountState } from '../../../connector/market/balance.ts';
import type { LocalBook } from '../../../connector/market/types.ts';
import { type Facts, type Judged, judge } from '../../../connector/orders/safety.ts';
import { market, price, UNIT, USDC } from './orders-rig.ts';

const level = (text: string, amount: bigint) => ({ price: price(text), amount: amount * UNIT });
const book = (change: Partial<LocalBook> = {}): LocalBook => ({
  ...{ market, sequence: 1, checksum: 0, ledger: 9, at: 1_000_000, fresh: true },
  asks: [level('0.12', 100n), level('0.13', 1000n)],
  bids: [level('0.11', 100n), level('0.10', 1000n)],
  ...change,
});

/** 100 XLM with 3 sub-entries and 10 XLM in offers; 50 USDC of a line of 60, of which offers hold 5 and await 4. */
const account = (native: object = {}, line: object | null = {}): AccountState => ({
  ...{ sequence: 1n, subentries: 3, sponsoring: 0, sponsored: 0 },
  balances: [
    {
      ...{ asset: 'native', balance: 100n * UNIT, sellingLiabilities: 10n * UNIT, buyingLiabilities: 0n },
      ...{ limit: undefined, authorized: true },
      ...native,
    },
    ...(line === null
      ? []
      : [
          {
            ...{
              asset: USDC,
              balance: 50n * UNIT,
              sellingLiabilities: 5n * UNIT,
              buyingLiabilities: 4n * UNIT,
            },
            ...{ limit: 60n * UNIT, authorized: true },
            ...line,
          },
        ]),
  ],
});

const facts = (change: Partial<Facts> = {}): Facts => ({
  ...{ self: 'G', account: account(), baseReserve: 5_000_000n, bid: 1_000n, reserved: new Map() },
  ...{ incoming: new Map(), newOffers: 0, book: book(), lastTrade: undefined, ownOpposite: [] },
  ...{ now: 1_000_000, staleMs: 60_000, nativeBuffer: 2n * UNIT, collarPct: 20 },
  ...change,
});

const order = (change: Partial<Judged> = {}): Judged => ({
  ...{
    market,
    side: 'SELL',
    type: 'limit',
    price: { n: 1n, d: 8n },
    amount: 10n * UNIT,
    replaces: undefined,
  },
  ...change,
});
const at = (n: bigint, d = 1000n): { price: { n: bigint; d: bigint } } => ({ price: { n, d } });
const because = (change: Partial<Judged>, about: Partial<Facts> = {}): string | undefined => {
  const refusal = judge(order(change), facts(about));
  return refusal && `${refusal.code} ${refusal.field}`;
};

describe('connector/orders/safety', () => {
  it('lets a sound order pass', () => {
    assert.equal(because({}), undefined);
    assert.equal(because({ side: 'BUY', ...at(115n) }), undefined);
  });

  it('refuses a market order that would pay or get nothing at its price', () => {
    for (const side of ['SELL', 'BUY'] as const) {
      const tiny = { side, type: 'market', ...at(125n) } as const;
      assert.equal(because({ ...tiny, amount: 7n }), 'invalid-params amount');
      assert.equal(because({ ...tiny, amount: 8n }), undefined);
    }
  });

  it('needs a fresh book @security', () => {
    for (const stale of [undefined, book({ fresh: false }), book({ at: 1_000_000 - 60_001 })]) {
      assert.equal(because({}, { book: stale }), 'ledger-stale market');
    }
    assert.equal(because({}, { book: book({ at: 1_000_000 - 60_000 }) }), undefined);
  });

  it('refuses what rounds to nothing', () => {
    assert.equal(because({ amount: 0n }), 'invalid-params amount');
    assert.equal(because({ amount: 7n }), 'invalid-params amount');
    assert.equal(because({ amount: 8n }), undefined);
    assert.equal(because({ amount: 7n, type: 'market' }), 'invalid-params amount');
  });

  describe('collar', () => {
    const both = (n: bigint, about: Partial<Facts>) => because({ ...at(n), amount: UNIT }, about);
    it('is around the middle of the book @security', () => {
      // The middle is 0.115; 20 % of it 0.023.
      assert.equal(both(138n, {}), undefined);
      assert.equal(because(at(1_381n, 10_000n)), 'price-out-of-collar price');
      assert.equal(because({ side: 'BUY', ...at(92n) }), undefined);
      assert.equal(because({ side: 'BUY', ...at(919n, 10_000n) }), 'price-out-of-collar price');
    });
    it('is around the only side of a book, else the last trade, else there is none', () => {
      assert.equal(both(144n, { book: book({ bids: [] }) }), undefined);
      assert.equal(both(145n, { book: book({ bids: [] }) }), 'price-out-of-collar price');
      const empty = book({ bids: [], asks: [] });
      assert.equal(both(120n, { book: empty, lastTrade: price('0.1') }), undefined);
      assert.equal(both(121n, { book: empty, lastTrade: price('0.1') }), 'price-out-of-collar price');
      assert.equal(both(900n, { book: empty }), undefined);
    });
  });

  describe('maker-only', () => {
    it('takes nothing, also at the same price @security', () => {
      const only = { type: 'maker-only' as const };
      assert.equal(because({ ...only, ...at(110n) }), 'would-cross price');
      assert.equal(because({ ...only, ...at(111n) }), undefined);
      assert.equal(because({ ...only, side: 'BUY', ...at(120n) }), 'would-cross price');
      assert.equal(because({ ...only, side: 'BUY', ...at(119n) }), undefined);
      assert.equal(because({ ...only, ...at(1n, 8n) }, { book: book({ bids: [] }) }), undefined);
    });
  });

  describe('own offers', () => {
    const own = { ownOpposite: [price('0.105'), price('0.11')] };
    it('are not crossed @security', () => {
      assert.equal(because(at(105n), own), 'would-cross price');
      assert.equal(because(at(110n), own), 'would-cross price');
      assert.equal(because(at(111n), own), undefined);
      assert.equal(
        because({ side: 'BUY', ...at(120n) }, { ownOpposite: [price('0.12')] }),
        'would-cross price',
      );
    });
    it('are not reached where others take all of it before', () => {
      const deep = {
        ownOpposite: [price('0.105')],
        account: account({ balance: 999n * UNIT }, { limit: 900n * UNIT }),
      };
      assert.equal(because({ ...at(105n), amount: 80n * UNIT }, deep), undefined);
      assert.equal(because({ ...at(105n), amount: 101n * UNIT }, deep), 'would-cross price');
      assert.equal(because({ ...at(105n), type: 'market' }, own), 'would-cross price');
      assert.equal(because({ ...at(105n), type: 'market' }, deep), undefined);
    });
  });

  describe('funds', () => {
    // 100 − 10 in offers − 5 × 0.5 reserve − 0.5 for the new offer − 2 buffer − the bid = 84.9999 XLM.
    const most = 850_000_000n - 1_000n;
    it('are balance less offers, reserve with that of the new offer, buffer and fee @security', () => {
      assert.equal(because({ amount: most }, { account: account({}, { limit: 900n * UNIT }) }), undefined);
      assert.equal(because({ amount: most + 1n }), 'insufficient-balance amount');
    });
    it('are less by what is under way @security', () => {
      const reserved = new Map([['native', UNIT]]);
      assert.equal(
        because(
          { amount: most - UNIT, side: 'SELL' },
          { reserved, account: account({}, { limit: 900n * UNIT }) },
        ),
        undefined,
      );
      assert.equal(because({ amount: most - UNIT + 1n }, { reserved }), 'insufficient-balance amount');
    });
    it('of an amendment are what the old offer held too, and need no new reserve', () => {
      const replaces = { give: 10n * UNIT, get: 1n * UNIT };
      const wide = { account: account({}, { limit: 900n * UNIT }) };
      const limit = most + 5_000_000n + 10n * UNIT;
      assert.equal(because({ amount: limit, replaces }, wide), undefined);
      assert.equal(because({ amount: limit + 1n, replaces }, wide), 'insufficient-balance amount');
    });
    it('of a BUY are quote at its price, and native for the reserve', () => {
      const buy = { side: 'BUY' as const, ...at(100n) };
      assert.equal(because({ ...buy, amount: 450n * UNIT }), undefined);
      assert.equal(because({ ...buy, amount: 450n * UNIT + 1n }), 'insufficient-balance amount');
      const poor = { account: account({ balance: 10n * UNIT + 30_000_000n + 19_000_000n }) };
      assert.equal(because(buy, poor), 'insufficient-balance amount');
    });
    it('of no line or a frozen one are none @security', () => {
      const buy = { side: 'BUY' as const, ...at(100n) };
      assert.equal(because(buy, { account: account({}, null) }), 'insufficient-balance amount');
      assert.equal(
        because(buy, { account: account({}, { authorized: false }) }),
        'insufficient-balance amount',
      );
    });
  });

  describe('trust line', () => {
    it('must be there, authorised, and have room for all that may come @security', () => {
      assert.equal(because({}, { account: account({}, null) }), 'invalid-params market');
      assert.equal(because({}, { account: account({}, { authorized: false }) }), 'invalid-params market');
      // 60 − 50 − 4 awaited: 6 USDC, 48 XLM at 0.125.
      assert.equal(because({ amount: 48n * UNIT }), undefined);
      assert.equal(because({ amount: 48n * UNIT + 8n }), 'invalid-params amount');
      const incoming = new Map([[USDC, 1n * UNIT]]);
      assert.equal(because({ amount: 48n * UNIT }, { incoming }), 'invalid-params amount');
    });
    it('is not needed by the issuer', () => {
      const issued = { base: 'native', quote: 'USDC:G' };
      assert.equal(because({ market: issued }), undefined);
      assert.equal(because({ market: issued, side: 'BUY', ...at(115n) }), undefined);
    });
  });

  it('keeps to the most entries that an account may own', () => {
    const full = { ...account({ balance: 9_999n * UNIT }), subentries: 999 };
    assert.equal(because({}, { account: full }), undefined);
    assert.equal(because({}, { account: full, newOffers: 1 }), 'invalid-params amount');
    assert.equal(because({ replaces: { give: 0n, get: 0n } }, { account: full, newOffers: 1 }), undefined);
  });
});
