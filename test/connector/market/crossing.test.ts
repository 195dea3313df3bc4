import assert from 'node:assert/strict';
import fc from 'fast-check';
import { NATIVE } from '../../../connector/market/asset.ts';
import { resting } from '../../../connector/market/crossing.ts';
import { type Edge, edgeKey, routesBetween } from '../../../connector/market/routes.ts';
import { type Asset, assetToJson } from '../../sandbox/ledger/asset.ts';
import { pathPaymentStrictReceive } from '../../sandbox/ledger/path_payment_strict_receive.ts';
import { pathPaymentStrictSend } from '../../sandbox/ledger/path_payment_strict_send.ts';
import { poolId } from '../../sandbox/ledger/pool.ts';
import type { LedgerState } from '../../sandbox/ledger/state.ts';
import { createMarket } from '../../sandbox/scenario.ts';
import { scenarioSchema } from '../../sandbox/scenario_schema.ts';
import { seedKey } from '../../sandbox/signed.ts';

const of = (name: string): string => seedKey(name).publicKey();
const USDC = `USDC:${of('issuer')}`;
const EURC = `EURC:${of('issuer')}`;
const ASSETS = [NATIVE, USDC, EURC];
const TRADER = of('trader');

interface World {
  offers: { own: boolean; selling: number; buying: number; amount: number; n: number; d: number }[];
  pools: { a: number; b: number; amountA: number; amountB: number }[];
}

/** Decimal text of stroops. */
const text = (stroops: number): string =>
  `${Math.floor(stroops / 1e7)}.${String(stroops % 1e7).padStart(7, '0')}`;
const short = (asset: number): string => ['XLM', 'USDC:issuer', 'EURC:issuer'][asset]!;

function stateOf({ offers, pools }: World): LedgerState | undefined {
  const rich = (name: string) => ({
    ...{ name, seed: name, balance: '20000000' },
    trustlines: [1, 2].map((asset) => ({ asset: short(asset), balance: '20000000' })),
  });
  const scenario = {
    networkPassphrase: 'crossing',
    accounts: [{ name: 'issuer', seed: 'issuer', balance: '1000' }, rich('maker'), rich('trader')],
    offers: offers.map(({ own, selling, buying, amount, n, d }) => ({
      ...{ seller: own ? 'trader' : 'maker', selling: short(selling), buying: short(buying) },
      ...{ amount: text(amount), price: { n, d } },
    })),
    pools: pools.map(({ a, b, amountA, amountB }) => ({
      ...{ owner: 'maker', a: short(a), b: short(b), amountA: text(amountA), amountB: text(amountB) },
    })),
  };
  try {
    return createMarket(scenarioSchema.parse(scenario), 1_000).state;
  } catch {
    // An offer that cannot stand, as one of which the price leaves nothing.
    return undefined;
  }
}

/** What the connector would know of this state. */
function edgesOf(state: LedgerState): Map<string, Edge> {
  const edges = new Map<string, Edge>();
  for (const from of ASSETS) {
    for (const to of ASSETS) {
      if (from === to) continue;
      const pool = state.pool(poolId(from, to));
      edges.set(edgeKey(from, to), {
        offers: state
          .book(to as Asset, from as Asset)
          .map(({ id, seller, selling, buying, amount, price }) =>
            resting({
              ...{ id: String(id), seller, selling, buying, amount },
              price: { numerator: BigInt(price.n), denominator: BigInt(price.d) },
            }),
          )
          .filter((offer) => offer !== undefined),
        pool: pool && {
          ...{ id: pool.id, assets: [pool.assetA, pool.assetB], reserves: [pool.reserveA, pool.reserveB] },
          ...{ totalShares: 1n, feeBps: 30 },
        },
      });
    }
  }
  return edges;
}

/** What the ledger says: the amount that comes out (SELL) or is paid (BUY), or its code. */
function ledgerSays(
  state: LedgerState,
  side: 'SELL' | 'BUY',
  assets: Asset[],
  amount: bigint,
): bigint | string {
  const [from, to] = [assets[0]!, assets.at(-1)!];
  const path = assets.slice(1, -1).map(assetToJson);
  const shared = { send_asset: assetToJson(from), destination: TRADER, dest_asset: assetToJson(to), path };
  const before = state.account(TRADER)?.balance ?? 0n;
  const held = (asset: Asset): bigint =>
    asset === 'native' ? state.account(TRADER)!.balance : state.trustline(TRADER, asset)!.balance;
  const had = held(from);
  assert.ok(before >= 0n);
  const operation = side === 'SELL' ? pathPaymentStrictSend : pathPaymentStrictReceive;
  const body =
    side === 'SELL'
      ? { ...shared, send_amount: String(amount), dest_min: '1' }
      : { ...shared, send_max: String(2n ** 63n - 1n), dest_amount: String(amount) };
  let outcome: unknown;
  try {
    outcome = operation.apply(state, TRADER, body as never, { highestSequence: () => undefined } as never);
  } catch (error) {
    return String(error);
  }
  const { code, success } = outcome as { code?: string; success?: { last: { amount: string } } };
  if (success === undefined) return code!;
  return side === 'SELL' ? BigInt(success.last.amount) : had - held(from);
}

const pair = fc.constantFrom([0, 1], [1, 0], [0, 2], [2, 0], [1, 2], [2, 1]);
const size = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 1e11 }));
const part = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 2_000_000 }));
const world: fc.Arbitrary<World> = fc.record({
  offers: fc.array(
    fc
      .record({ own: fc.nat(40).map((it) => it === 0), pair, amount: size, n: part, d: part })
      .map(({ pair: [selling, buying], ...rest }) => ({ ...rest, selling: selling!, buying: buying! })),
    { maxLength: 12 },
  ),
  pools: fc
    .uniqueArray(
      fc.record({
        at: fc.nat(2),
        amountA: fc.integer({ min: 100, max: 1e12 }),
        amountB: fc.integer({ min: 100, max: 1e12 }),
      }),
      { selector: ({ at }) => at, maxLength: 3 },
    )
    .map((pools) =>
      pools.map(({ at, amountA, amountB }) => {
        const [a, b] = [
          [0, 1],
          [0, 2],
          [1, 2],
        ][at]!;
        return { a: a!, b: b!, amountA, amountB };
      }),
    ),
});
const CASES = Number(process.env.FUZZ_CASES ?? 1_500);

describe('connector/market/crossing', function () {
  this.timeout(Math.max(120_000, CASES * 50));

  it('@security quotes to the stroop what the ledger gives, or neither trades (property)', () => {
    let [traded, refused] = [0, 0];
    const side = fc.constantFrom('SELL' as const, 'BUY' as const);
    const wanted = fc.oneof(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 5e10 })).map(BigInt);
    fc.assert(
      fc.property(world, side, pair, wanted, (given, way, [from, to], amount) => {
        const state = stateOf(given);
        if (state === undefined) return;
        const edges = edgesOf(state);
        const ends = { from: ASSETS[from!]!, to: ASSETS[to!]! };
        const routes = routesBetween(edges, { side: way, ...ends, amount, taker: TRADER });
        const third = ASSETS.find((asset) => asset !== ends.from && asset !== ends.to)!;
        for (const path of [[], [third]]) {
          const ours = routes.find((route) => route.path.join() === path.join());
          const before = state.savepoint();
          const said = ledgerSays(state, way, [ends.from, ...path, ends.to] as Asset[], amount);
          state.rollback(before);
          // The trader's funds are not the market's business.
          if (said === 'underfunded' || said === 'line_full') continue;
          if (ours === undefined) {
            assert.equal(typeof said, 'string', `the ledger trades ${said}, we do not`);
            refused++;
          } else {
            assert.equal(said, way === 'SELL' ? ours.amountOut : ours.amountIn);
            traded++;
          }
        }
      }),
      { numRuns: CASES },
    );
    assert.ok(traded > CASES / 8 && refused > CASES / 10, `${traded} traded, ${refused} refused`);
  });
});
