import assert from 'node:assert/strict';
import fc from 'fast-check';
import { newTrustline } from '../ledger/change_trust.ts';
import { newAccount } from '../ledger/create_account.ts';
import type { Entry, Offer } from '../ledger/entries.ts';
import { adjustAmount, INT64_MAX } from '../ledger/exchange.ts';
import { tradeHop } from '../ledger/path_payment.ts';
import { poolId } from '../ledger/pool.ts';
import { createState, type LedgerState } from '../ledger/state.ts';
import { issuer, keyOf, maker, trader } from '../testing.ts';
import { type FoundPath, findStrictReceive, findStrictSend } from './path_finder.ts';

const ASSETS = ['native', ...['A', 'B', 'C', 'D', 'E'].map((code) => `${code}:${issuer.publicKey()}`)];
const [XLM, A, B, C, D, E] = ASSETS as [string, string, string, string, string, string];

type Level = [selling: string, buying: string, amount: bigint, n: number, d: number, seller?: string];

/** Books of the maker's offers, which are covered by far, and pools. */
function market(levels: Level[], pools: [a: string, b: string, reserveA: bigint, reserveB: bigint][] = []) {
  const state = createState({
    sequence: 2,
    closeTime: 0n,
    version: 28,
    baseFee: 100n,
    baseReserve: 5_000_000n,
    maxTxSetSize: 100,
    feePool: 0n,
    idPool: 0n,
  });
  const sellers = [maker.publicKey(), trader.publicKey()];
  const much = INT64_MAX / 4n;
  const entries: Entry[] = sellers.flatMap((seller): Entry[] => [
    {
      ...newAccount(seller, much, 1),
      subentries: 1000,
      extension: 1,
      liabilities: { buying: much / 2n, selling: much / 2n },
    },
    ...ASSETS.slice(1).map(
      (asset): Entry => ({
        ...newTrustline(seller, asset),
        balance: much,
        extension: 1,
        liabilities: { buying: much / 2n, selling: much / 2n },
        modified: 1,
      }),
    ),
  ]);
  entries.push(
    ...levels.map(
      ([selling, buying, amount, n, d, seller = maker.publicKey()], index): Offer => ({
        type: 'offer',
        id: BigInt(index + 1),
        seller,
        selling,
        buying,
        amount,
        price: { n, d },
        passive: false,
        modified: 1,
      }),
    ),
  );
  for (const [assetA, assetB, reserveA, reserveB] of pools) {
    const id = poolId(assetA, assetB);
    entries.push({
      type: 'pool',
      id,
      assetA,
      assetB,
      reserveA,
      reserveB,
      shares: 1n,
      lines: 1n,
      modified: 1,
    });
  }
  for (const entry of entries) state.restore(entry);
  state.commit();
  return state;
}

const shown = ({ path, sourceAmount, destinationAmount }: FoundPath) => [
  path,
  sourceAmount,
  destinationAmount,
];

/** What the ledger would give, or ask, in one hop; rolled back. */
function inLedger(state: LedgerState, found: FoundPath, strictSend: boolean): bigint | undefined {
  const start = state.savepoint();
  const amount = strictSend ? found.sourceAmount : found.destinationAmount;
  const hop = { send: found.source, receive: found.destination, amount };
  const trade = tradeHop(state, undefined, hop, strictSend ? 'strict_send' : 'strict_receive', 0);
  state.rollback(start);
  return trade.ok ? trade.amount : undefined;
}

describe("Horizon's search for paths", () => {
  it('takes the better of book and pool for each hop, and more than one hop', () => {
    const state = market(
      [
        [A, XLM, 1000n, 2, 1],
        [B, A, 1000n, 1, 1],
      ],
      [
        [XLM, A, 1_000_000n, 600_000n],
        [A, B, 1000n, 10n],
      ],
    );
    assert.deepEqual(findStrictSend(state, XLM, 100n, [A, B]).map(shown), [
      [[], 100n, 59n],
      [[A], 100n, 59n],
    ]);
    const sources = new Map([[XLM, INT64_MAX]]);
    assert.deepEqual(findStrictReceive(state, B, 59n, sources, undefined).map(shown), [[[A], 99n, 59n]]);
  });

  it('goes over three hops, not four', () => {
    const chain = market([
      [A, XLM, 100n, 1, 1],
      [B, A, 100n, 1, 1],
      [C, B, 100n, 1, 1],
      [D, C, 100n, 1, 1],
    ]);
    const reached = findStrictSend(chain, XLM, 10n, ASSETS).map(({ destination }) => destination);
    assert.deepEqual(reached, [A, B, C, XLM]);
    const from = findStrictReceive(chain, D, 10n, new Map(ASSETS.map((asset) => [asset, 10n])), undefined);
    assert.deepEqual(
      from.map(({ source }) => source),
      [A, B, C, D],
    );
  });

  it('forgets a longer route that is no better', () => {
    const state = market([
      [B, XLM, 100n, 1, 1],
      [A, XLM, 100n, 1, 1],
      [B, A, 100n, 1, 1],
    ]);
    assert.deepEqual(findStrictSend(state, XLM, 10n, [B]).map(shown), [[[], 10n, 10n]]);
  });

  it('leaves out own offers, and sources that do not hold enough', () => {
    const state = market([
      [A, XLM, 100n, 1, 1, trader.publicKey()],
      [A, XLM, 100n, 3, 1],
    ]);
    const price = (held: bigint, taker?: string) =>
      findStrictReceive(state, A, 10n, new Map([[XLM, held]]), taker).map(({ sourceAmount }) => sourceAmount);
    assert.deepEqual(price(100n), [10n]);
    assert.deepEqual(price(100n, trader.publicKey()), [30n]);
    assert.deepEqual(price(29n, trader.publicKey()), []);
    assert.deepEqual(price(30n, trader.publicKey()), [30n]);
  });

  it('gives at most five to an asset, and none where the books do not reach', () => {
    const state = market([[A, XLM, 100n, 1, 1]]);
    assert.deepEqual(findStrictSend(state, XLM, 101n, [A]), []);
    assert.deepEqual(findStrictSend(state, `NOPE:${keyOf('x').publicKey()}`, 1n, [A]), []);
    const deep: Level[] = [A, B, C, D].flatMap((asset, index): Level[] => [
      [asset, XLM, 100n, 1, 1],
      [E, asset, 1000n, 10, 11 + index],
    ]);
    const paths = findStrictSend(market([...deep, [E, XLM, 1000n, 10, 10]]), XLM, 100n, [E]);
    assert.deepEqual(
      paths.map(({ destinationAmount }) => destinationAmount),
      [140n, 130n, 120n, 110n, 100n],
    );
  });

  it('finds what the ledger then does but for a stroop or two an offer, and changes nothing', () => {
    const asset = fc.constantFrom(...ASSETS.slice(0, 4));
    const level = fc
      .record({
        selling: asset,
        buying: asset,
        amount: fc.bigInt({ min: 1_000n, max: 10n ** 9n }),
        n: fc.integer({ min: 50, max: 99 }),
        d: fc.integer({ min: 50, max: 99 }),
      })
      .filter(({ selling, buying }) => selling !== buying)
      // Only such amounts ever stand in a book.
      .map(({ selling, buying, amount, n, d }): Level => {
        return [selling, buying, adjustAmount({ n, d }, amount, INT64_MAX), n, d];
      })
      .filter(([, , amount]) => amount > 0n);
    const reserve = fc.bigInt({ min: 10n ** 6n, max: 10n ** 10n });
    const amount = fc.bigInt({ min: 1_000n, max: 10n ** 8n });
    let compared = 0;
    fc.assert(
      fc.property(
        fc.array(level, { minLength: 4, maxLength: 16 }),
        fc.option(reserve),
        amount,
        (levels, pooled, start) => {
          const state = market(levels, pooled === null ? [] : [[XLM, A, pooled, 10n ** 8n]]);
          const before = [...state.entries()];
          const send = findStrictSend(state, XLM, start, ASSETS);
          const receive = findStrictReceive(
            state,
            XLM,
            start,
            new Map(ASSETS.map((one) => [one, INT64_MAX])),
            undefined,
          );
          assert.deepEqual([...state.entries()], before);
          assert.equal(state.savepoint(), 0);
          for (const [paths, strictSend] of [
            [send, true],
            [receive, false],
          ] as const) {
            for (const found of paths) {
              if (found.path.length > 0 || found.source === found.destination) continue;
              const got = inLedger(state, found, strictSend);
              if (got === undefined) continue;
              const told = strictSend ? found.destinationAmount : found.sourceAmount;
              const offers = state.book(found.destination, found.source).length;
              const off = got > told ? got - told : told - got;
              assert.ok(off <= 2n * BigInt(offers), `told ${told}, got ${got}`);
              compared += 1;
            }
          }
        },
      ),
      { numRuns: 200 },
    );
    assert.ok(compared > 100, `${compared}`);
  });
});
