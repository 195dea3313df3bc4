import assert from 'node:assert/strict';
import * as xdr from '@stellar/stellar-sdk/xdr';
import { envelopeHash } from '../../../connector/ledger/verify.ts';
import { poolIdentity } from '../../../connector/market/pool-id.ts';
import { createPools } from '../../../connector/orders/pools.ts';
import type { Engine } from '../../../connector/transactions/types.ts';
import { signedEnvelope } from '../../sandbox/signed.ts';
import { PASSPHRASE, trader } from '../../sandbox/testing.ts';
import { type Server, type SourcesWorld, startSourcesWorld, TRADER, USDC } from '../ledger/sources-world.ts';

const UNIT = 10_000_000n;
const POOL = poolIdentity('native', USDC).id;
const ONE_PERCENT = { numerator: 1n, denominator: 100n };
const never = new AbortController().signal;

describe('connector/orders: pools through Horizon and RPC', () => {
  let world: SourcesWorld;
  before(async () => {
    world = await startSourcesWorld();
  });
  after(() => world.stop());

  /** Pools over the ledger as the connector reads it; each intent is a transaction of the trader. */
  function poolsOver(servers: readonly Server[], quorum: number) {
    const { ledger } = world.over(servers, quorum);
    const run: Engine['run'] = async (intent, signal) => {
      const [head, account] = [await ledger.head(signal), (await ledger.account(TRADER, signal))!];
      const state = { head, account, bid: 100n, reserved: new Map() };
      const { operations } = await intent.plan(state, signal);
      const envelopeXdr = signedEnvelope({
        ...{ source: trader, sequence: account.sequence + 1n, fee: 100n, passphrase: PASSPHRASE },
        operations: operations.map((body) => new xdr.Operation({ sourceAccount: null, body })) as never,
      });
      assert.equal(world.sandbox.network.submit(envelopeXdr).status, 'PENDING');
      world.advance(5_000);
      const hash = envelopeHash(envelopeXdr, PASSPHRASE)!;
      const answer = await ledger.transaction(hash, signal);
      assert.ok('found' in answer);
      const { result, ledger: at } = answer.found;
      assert.equal(result.code, 'txSuccess');
      assert.equal(intent.plausible!(result.operations), true);
      return { hash, ledger: at, fee: result.feeCharged, results: result.operations, envelopeXdr };
    };
    return createPools({
      markets: [{ base: 'native', quote: USDC }],
      ...{ nativeBuffer: UNIT, account: TRADER, ledger, engine: { run } },
      sleep: async () => undefined,
    });
  }

  for (const [what, servers, quorum] of [
    ['one Horizon', ['horizon'], 1],
    ['two Horizons that agree', ['horizon', 'horizon-2'], 2],
    ['Horizon beside RPC, which tells of no shares', ['rpc', 'horizon'], 1],
  ] as [string, Server[], number][]) {
    it(`opens a pool, deposits, and withdraws all, over ${what}`, async () => {
      const pools = poolsOver(servers, quorum);
      const first = await pools.deposit(POOL, [100n * UNIT, 9n * UNIT], ONE_PERCENT, 'one', never);
      assert.deepEqual([first.exact, first.amounts], [true, [100n * UNIT, 9n * UNIT]]);
      assert.equal(first.fee, 200n);
      const more = await pools.deposit(POOL, [50n * UNIT, 100n * UNIT], ONE_PERCENT, 'two', never);
      assert.deepEqual([more.exact, more.amounts], [true, [50n * UNIT, 45_000_000n]]);
      assert.equal(more.fee, 100n, 'the line is there');
      const [held] = await pools.holdings(undefined, never);
      assert.equal(held!.shares, first.shares + more.shares);
      assert.deepEqual(held!.pool.reserves, [150n * UNIT, 135_000_000n]);
      const all = { numerator: 1n, denominator: 1n };
      const taken = await pools.withdraw(POOL, all, ONE_PERCENT, 'three', never);
      assert.deepEqual([taken.exact, taken.amounts], [true, [150n * UNIT, 135_000_000n]]);
      assert.deepEqual(await pools.holdings(undefined, never), []);
      assert.equal((await pools.pool(POOL, never)).totalShares, 0n);
    });
  }

  it('shares are told also when the account is believed as RPC says it', async () => {
    const pools = poolsOver(['rpc', 'horizon'], 1);
    const { shares } = await pools.deposit(POOL, [100n * UNIT, 9n * UNIT], ONE_PERCENT, 'lag', never);
    world.fault({ kind: 'lag', ledgers: 1 }, 'rpc');
    world.advance(5_000);
    assert.deepEqual(
      (await pools.holdings(undefined, never)).map((held) => held.shares),
      [shares],
    );
  });
});
