import assert from 'node:assert/strict';
import { getLiquidityPoolId, LiquidityPoolAsset, Asset as SdkAsset } from '@stellar/stellar-sdk/base';
import * as xdr from '@stellar/stellar-sdk/xdr';
import fc from 'fast-check';
import type { CodedError } from '../../../common/errors.ts';
import { createHorizonClient } from '../../../connector/ledger/horizon/client.ts';
import { poolIdentity } from '../../../connector/market/pool-id.ts';
import { sizeDeposit, sizeWithdrawal } from '../../../connector/orders/pool-shares.ts';
import type { Intent } from '../../../connector/transactions/types.ts';
import { poolId, poolIdToJson, poolShare } from '../../sandbox/ledger/pool.ts';
import {
  BASE_RESERVE,
  createWorld,
  credit,
  G,
  keyOf,
  trustPool,
  UNIT,
  USD,
  withPool,
  XLM,
} from '../../sandbox/ledger/testing.ts';
import { recorded, replay } from '../ledger/recordings.ts';
import { market, POOL, poolOf, type Rig, rig } from './pool-rig.ts';

const ONE_PERCENT = { numerator: 1n, denominator: 100n };
const ALL = { numerator: 1n, denominator: 1n };
const never = new AbortController().signal;

const refused = (code: string, field?: string) => (error: unknown) => {
  assert.deepEqual([(error as CodedError).code, (error as CodedError).field], [code, field]);
  return true;
};

describe('connector/market: the id of a pool', () => {
  it('is the ledger’s, in either order of the assets', () => {
    const assets = [XLM, USD, credit('EUR'), credit('LONGCODE'), credit('USD', 'alice')];
    for (const a of assets)
      for (const b of assets) if (a !== b) assert.equal(poolIdentity(a, b).id, poolId(a, b));
  });

  it('orders issuers by raw key, where the order of their text is another', () => {
    const names = [...Array(40).keys()].map((i) => `issuer ${i}`);
    const pairs = names.flatMap((a) => names.map((b) => [a, b] as const));
    const [a, b] = pairs.find(
      ([x, y]) =>
        G(x) < G(y) &&
        Buffer.compare(Buffer.from(keyOf(x).rawPublicKey()), Buffer.from(keyOf(y).rawPublicKey())) > 0,
    )!;
    const [one, other] = [credit('USD', a), credit('USD', b)];
    assert.deepEqual(poolIdentity(one, other), { id: poolId(one, other), assets: [other, one] });
    const bySdk = getLiquidityPoolId(
      'constant_product',
      new LiquidityPoolAsset(
        new SdkAsset('USD', G(a)),
        new SdkAsset('USD', G(b)),
        30,
      ).getLiquidityPoolParameters(),
    );
    assert.notEqual(Buffer.from(bySdk).toString('hex'), poolIdentity(one, other).id);
  });
});

describe('connector/orders: pools on the sandbox’s ledger', () => {
  it('deposits and withdrawals move what the ledger moves, to the stroop', () => {
    const amount = fc.bigInt(1n, 10n ** 12n);
    // The first deposit's price is a fraction of 32 bits too.
    const reserve = fc.bigInt(1n, 2n ** 31n - 1n);
    fc.assert(
      fc.property(
        reserve,
        reserve,
        amount,
        amount,
        fc.bigInt(1n, 10n ** 6n),
        (resA, resB, mostA, mostB, part) => {
          const world = createWorld('bank', 'alice', 'bob');
          for (const name of ['alice', 'bob']) world.account(name, { balance: 10n ** 15n });
          withPool(world, 'bob', XLM, USD, resA, resB);
          world.line('alice', USD, { balance: 10n ** 13n });
          world.ok('alice', trustPool(XLM, USD));
          const before = poolOf(world, POOL)!;
          const { amounts, shares } = sizeDeposit(before, [mostA, mostB]);
          const { code } = world.run('alice', [
            {
              liquidity_pool_deposit: {
                liquidity_pool_id: poolIdToJson(POOL),
                ...{ max_amount_a: mostA, max_amount_b: mostB },
                ...{ min_price: { n: 1, d: 0x7fffffff }, max_price: { n: 0x7fffffff, d: 1 } },
              },
            },
          ]);
          if (shares === 0n || amounts.includes(0n)) return assert.equal(code, 'tx_failed');
          const after = poolOf(world, POOL)!;
          if (code === 'tx_success') {
            assert.deepEqual(
              [after.reserves[0] - before.reserves[0], after.reserves[1] - before.reserves[1]],
              [...amounts],
            );
            assert.equal(after.totalShares - before.totalShares, shares);
          }
          const held = world.balance('bob', poolShare(POOL));
          const given = (held * part) / 10n ** 6n;
          if (given === 0n) return;
          const out = sizeWithdrawal(after, given);
          world.ok('bob', {
            liquidity_pool_withdraw: {
              liquidity_pool_id: poolIdToJson(POOL),
              ...{ amount: given, min_amount_a: out[0], min_amount_b: out[1] },
            },
          });
          const left = poolOf(world, POOL)!;
          assert.deepEqual(
            [after.reserves[0] - left.reserves[0], after.reserves[1] - left.reserves[1]],
            [...out],
          );
        },
      ),
      { numRuns: 100 },
    );
  });

  it('the first deposit makes the line of the shares in the same transaction; the next does not', async () => {
    const { world, at } = market();
    const first = await at.pools.deposit(POOL, [10n * UNIT, 100n * UNIT], ONE_PERCENT, 'one', never);
    assert.deepEqual(first.amounts, [10n * UNIT, (45n * UNIT) / 2n]);
    assert.equal(first.exact, true);
    assert.equal(world.balance('alice', USD), 1000n * UNIT - first.amounts[1]);
    assert.equal(world.accountOf('alice').subentries, 3);
    const second = await at.pools.deposit(POOL, [10n * UNIT, 100n * UNIT], ONE_PERCENT, 'two', never);
    assert.equal(world.balance('alice', poolShare(POOL)), first.shares + second.shares);
    assert.deepEqual(
      at.intents.map(({ id, kind, lane, shared }) => [id, kind, lane, shared]),
      [
        ['one', 'pool-deposit', 'trade', false],
        ['two', 'pool-deposit', 'trade', false],
      ],
    );
  });

  it('makes the pool of a listed market that no ledger has yet, at the price of the amounts', async () => {
    const world = createWorld('bank', 'alice');
    world.line('alice', USD, { balance: 1000n });
    const { amounts, shares } = await rig(world).pools.deposit(POOL, [400n, 900n], ONE_PERCENT, 'i', never);
    assert.deepEqual([amounts, shares], [[400n, 900n], 600n]);
    assert.deepEqual(world.state.pool(POOL)!.shares, 600n);
  });

  it('a percentage is withdrawn; all of it takes the line of the shares away too', async () => {
    const { world, at } = market();
    const { shares } = await at.pools.deposit(POOL, [10n * UNIT, 100n * UNIT], ONE_PERCENT, 'd', never);
    const half = await at.pools.withdraw(
      POOL,
      { numerator: 50n, denominator: 100n },
      ONE_PERCENT,
      'h',
      never,
    );
    assert.deepEqual([half.shares, half.exact], [shares / 2n, true]);
    assert.deepEqual(await at.pools.holdings(undefined, never), [
      { pool: poolOf(world, POOL), shares: shares - half.shares },
    ]);
    await at.pools.withdraw(POOL, ALL, ONE_PERCENT, 'a', never);
    assert.equal(world.state.trustline(G('alice'), poolShare(POOL)), undefined);
    assert.equal(world.accountOf('alice').subentries, 1);
    assert.deepEqual(await at.pools.holdings(POOL, never), []);
  });

  it('amounts are those that moved, not those that were expected, when the pool moved in between', async () => {
    const { world, at } = market();
    at.between = () => {
      const pool = world.state.pool(POOL)!;
      world.state.put({ ...pool, reserveA: pool.reserveA + UNIT / 2n });
    };
    const { amounts, exact } = await at.pools.deposit(
      POOL,
      [10n * UNIT, 100n * UNIT],
      ONE_PERCENT,
      'd',
      never,
    );
    assert.equal(exact, true);
    assert.notDeepEqual(amounts, [10n * UNIT, (45n * UNIT) / 2n]);
    assert.equal(world.balance('alice', USD), 1000n * UNIT - amounts[1]);
  });

  it('a pool that moved beyond slippagePct takes nothing', async () => {
    for (const [reserveA, reserveB] of [
      [405n, 900n],
      [400n, 910n],
    ] as const) {
      const { world, at } = market();
      world.ok('alice', trustPool(XLM, USD));
      at.between = () =>
        world.state.put({ ...world.state.pool(POOL)!, reserveA: reserveA * UNIT, reserveB: reserveB * UNIT });
      await assert.rejects(
        at.pools.deposit(POOL, [10n * UNIT, 100n * UNIT], ONE_PERCENT, 'd', never),
        /bad_price/,
      );
    }
    const { world, at } = market();
    await at.pools.deposit(POOL, [10n * UNIT, 100n * UNIT], ONE_PERCENT, 'd', never);
    at.between = () => world.state.put({ ...world.state.pool(POOL)!, reserveA: 400n * UNIT });
    await assert.rejects(at.pools.withdraw(POOL, ALL, ONE_PERCENT, 'w', never), /under_minimum/);
  });

  it('of the asset that does not limit the deposit no more is signed for than the tolerance can need', async () => {
    const { at } = market();
    await at.pools.deposit(POOL, [10n * UNIT, 1000n * UNIT], ONE_PERCENT, 'd', never);
    const [, deposit] = at.planned as [xdr.OperationBody, xdr.OperationBodyLiquidityPoolDeposit];
    // 22.5 / 0.99, rounded up.
    assert.deepEqual([deposit.value.maxAmountA, deposit.value.maxAmountB], [10n * UNIT, 227_272_728n]);
  });

  it('what the server says is not believed when the operation cannot have done it', async () => {
    const lies: Rig['tell'][] = [
      'nothing',
      () => [],
      ([move]) => [{ ...move!, poolId: 'ff'.repeat(32) }],
      ([move]) => [{ ...move!, kind: 'withdrawal' }],
      ([move]) => [{ ...move!, amounts: [move!.amounts[0] + 1n, move!.amounts[1]] }],
      ([move]) => [{ ...move!, amounts: [move!.amounts[0], move!.amounts[1] / 2n] }],
      ([move]) => [{ ...move!, amounts: [move!.amounts[0], 227_272_729n] }],
      ([move]) => [{ ...move!, shares: 0n }],
    ];
    for (const tell of lies) {
      const { at } = market();
      at.tell = tell;
      const { amounts, exact } = await at.pools.deposit(
        POOL,
        [10n * UNIT, 100n * UNIT],
        ONE_PERCENT,
        'd',
        never,
      );
      assert.deepEqual([amounts, exact], [[10n * UNIT, (45n * UNIT) / 2n], false]);
    }
  });

  it('nor more than was offered of the asset that limits the deposit, at a right price', async () => {
    const { at } = market();
    at.tell = ([move]) => [{ ...move!, amounts: [100_050_000n, 225_112_500n] }];
    const most = [100n * UNIT, (45n * UNIT) / 2n] as const;
    const { exact } = await at.pools.deposit(POOL, most, ONE_PERCENT, 'd', never);
    assert.equal(exact, false);
  });

  it('nor when a withdrawal cannot have done it', async () => {
    const lies: Rig['tell'][] = [
      ([move]) => [{ ...move!, kind: 'deposit' }],
      ([move]) => [{ ...move!, shares: move!.shares + 1n }],
      ([move]) => [{ ...move!, amounts: [98_999_999n, move!.amounts[1]] }],
      ([move]) => [{ ...move!, amounts: [move!.amounts[0], 222_749_999n] }],
    ];
    for (const tell of lies) {
      const { at } = market();
      await at.pools.deposit(POOL, [10n * UNIT, 100n * UNIT], ONE_PERCENT, 'd', never);
      at.tell = tell;
      const { amounts, exact } = await at.pools.withdraw(POOL, ALL, ONE_PERCENT, 'w', never);
      assert.deepEqual([amounts, exact], [[10n * UNIT, (45n * UNIT) / 2n], false]);
    }
  });

  describe('refuses before anything is signed', () => {
    const deposit = (at: Rig, most: [bigint, bigint] = [10n * UNIT, 100n * UNIT], slippage = ONE_PERCENT) =>
      at.pools.deposit(POOL, most, slippage, 'd', never);

    it('a pool that is neither in the ledger nor of a listed market', async () => {
      const { at } = market();
      await assert.rejects(
        at.pools.deposit('00'.repeat(32), [1n, 1n], ONE_PERCENT, 'd', never),
        refused('not-found'),
      );
    });

    it('more than the account can spend, also for what others in flight take, the new line and the buffer', async () => {
      // 1000 lumens; after the line of the shares its reserve is 2.5 lumens, and two operations are bid 100 each.
      const free = 1000n * UNIT - 5n * BASE_RESERVE - 200n;
      const world = createWorld('bank', 'alice', 'bob');
      withPool(world, 'bob', XLM, USD, 400n * UNIT, 400n * UNIT);
      world.line('alice', USD, { balance: 5000n * UNIT });
      await assert.rejects(deposit(rig(world), [free + 1n, 2000n * UNIT]), refused('insufficient-balance'));
      await assert.rejects(deposit(rig(world, 1n), [free, 2000n * UNIT]), refused('insufficient-balance'));
      const busy = rig(world);
      busy.reserved.set(XLM, 1n);
      await assert.rejects(deposit(busy, [free, 2000n * UNIT]), refused('insufficient-balance'));
      world.line('alice', USD, { balance: 10n });
      await assert.rejects(deposit(rig(world), [10n * UNIT, 10n * UNIT]), refused('insufficient-balance'));
      world.line('alice', USD, { balance: 5000n * UNIT });
      assert.equal((await deposit(rig(world), [free, 2000n * UNIT])).amounts[0], free);
    });

    it('an asset without a trust line, or a frozen one', async () => {
      const world = createWorld('bank', 'alice', 'bob');
      withPool(world, 'bob', XLM, USD, 400n * UNIT, 900n * UNIT);
      await assert.rejects(deposit(rig(world)), refused('invalid-params'));
      world.line('alice', USD, { balance: 1000n * UNIT, flags: 2 });
      await assert.rejects(deposit(rig(world)), refused('insufficient-balance'));
    });

    it('more shares than their line takes', async () => {
      const { world, at } = market();
      world.ok('alice', trustPool(XLM, USD, 9n));
      await assert.rejects(deposit(at), refused('invalid-params'));
    });

    it('amounts so small that rounding breaks the tolerance, and a tolerance that leaves no price', async () => {
      const { at } = market();
      await assert.rejects(deposit(at, [1n, 1n]), refused('slippage-exceeded'));
      await assert.rejects(deposit(at, [3n, 100n]), refused('slippage-exceeded'));
      await assert.rejects(
        deposit(at, undefined, { numerator: 1n, denominator: 1n }),
        /slippagePct must be above 0 \(a little\) and below 100/,
      );
    });

    it('a withdrawal without shares, or of less than one of them', async () => {
      const { world, at } = market();
      const none = at.pools.withdraw(POOL, ALL, ONE_PERCENT, 'w', never);
      await assert.rejects(none, refused('insufficient-balance'));
      await deposit(at);
      const dust = { numerator: 1n, denominator: 10n ** 30n };
      await assert.rejects(
        at.pools.withdraw(POOL, dust, ONE_PERCENT, 'w', never),
        refused('insufficient-balance'),
      );
      world.line('alice', USD, { limit: world.balance('alice', USD) + 1n });
      await assert.rejects(at.pools.withdraw(POOL, ALL, ONE_PERCENT, 'w', never), refused('invalid-params'));
    });
  });

  it('a result of other operations is not believed', async () => {
    const { at } = market();
    await at.pools.deposit(POOL, [10n * UNIT, 100n * UNIT], ONE_PERCENT, 'd', never);
    const [{ plausible }] = at.intents as [Intent];
    const trust = xdr.OperationResult.opInner(
      xdr.OperationResultTr.changeTrust(xdr.ChangeTrustResult.changeTrustSuccess()),
    );
    const deposit = xdr.OperationResult.opInner(
      xdr.OperationResultTr.liquidityPoolDeposit(
        xdr.LiquidityPoolDepositResult.liquidityPoolDepositSuccess(),
      ),
    );
    assert.equal(plausible!([trust, deposit]), true);
    assert.equal(plausible!([deposit, trust]), false);
    assert.equal(plausible!([deposit]), false);
  });

  it('reads what moved from the effects of a real Horizon, and nothing from a changed one', async () => {
    const effects = recorded(132);
    const read = (body: string) => {
      const transport = replay({ ...effects, body });
      const modules = { transport, events: { answered() {} } };
      return createHorizonClient({ networkPassphrase: 'any' }, modules).poolMovements('ab'.repeat(32), never);
    };
    assert.deepEqual(await read(effects.body), [
      {
        poolId: '9b8e84bb498ab186bf43ff54b91cc7a477b3d8e0180318b4c3edbda2b8ac73b1',
        kind: 'deposit',
        amounts: [20_000_000_000n, 10_000_000_000n],
        shares: 14_142_135_623n,
      },
    ]);
    const other = effects.body.replaceAll('shares_received', 'shares');
    await assert.rejects(read(other), refused('ledger-untrusted'));
  });
});
