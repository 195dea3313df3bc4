import assert from 'node:assert/strict';
import { Asset, rpc } from '@stellar/stellar-sdk';
import { strictSend, trader } from '../testing.ts';
import { useWorld, type World } from './testing.ts';

describe('faults of RPC', function () {
  this.timeout(30_000);
  const world = useWorld();
  let server: rpc.Server;

  before(() => {
    server = new rpc.Server(world.url('rpc'));
  });

  const fault = (one: Parameters<World['fault']>[0]): string => world.fault(one, 'rpc');

  it('answers without a fault, also after one that was used up', async () => {
    fault({ kind: 'rate_limit', times: 1 });
    await assert.rejects(server.getHealth(), /429/);
    assert.equal((await server.getHealth()).status, 'healthy');
  });

  it('429 for one method', async () => {
    fault({ kind: 'rate_limit', retryAfter: 7, path: 'sendTransaction' });
    await assert.rejects(server.sendTransaction(world.draft()), /429/);
    assert.equal((await server.getLatestLedger()).sequence, world.sandbox.network.latest.sequence);
  });

  it('stale: only its health says so', async () => {
    fault({ kind: 'stale_history' });
    await assert.rejects(server.getHealth(), { code: -32603, message: /latency/ });
    await server.getLatestLedger();
  });

  it('another passphrase, another ledger, an older one', async () => {
    const { network } = world.sandbox;
    fault({ kind: 'passphrase', passphrase: 'Another Network' });
    assert.equal((await server.getNetwork()).passphrase, 'Another Network');
    assert.equal((await server.sendTransaction(world.draft())).status, 'ERROR');
    fault({ kind: 'forge_ledger', by: -3 });
    network.close();
    assert.equal((await server.getLatestLedger()).sequence, network.latest.sequence - 3);
    world.sandbox.faults.remove();
    fault({ kind: 'lag', ledgers: 1 });
    assert.equal((await server.getLatestLedger()).sequence, network.latest.sequence - 1);
  });

  it('a transaction that is taken, and fails, or is lost, or is not taken', async () => {
    const { network } = world.sandbox;
    fault({ kind: 'submission', fate: 'failed', times: 1 });
    const failing = world.draft();
    const { status, hash } = await server.sendTransaction(failing);
    assert.equal(status, 'PENDING');
    network.close();
    assert.equal((await server.getTransaction(hash)).status, 'FAILED');

    fault({ kind: 'submission', fate: 'never', times: 1 });
    const lost = await server.sendTransaction(world.draft());
    assert.equal(lost.status, 'PENDING');
    network.close();
    assert.equal((await server.getTransaction(lost.hash)).status, 'NOT_FOUND');

    fault({ kind: 'try_again_later', times: 1 });
    assert.equal((await server.sendTransaction(world.draft())).status, 'TRY_AGAIN_LATER');
    const good = await server.sendTransaction(world.draft());
    network.close();
    assert.equal((await server.getTransaction(good.hash)).status, 'SUCCESS');
    fault({ kind: 'forge_transaction', hash: good.hash, result: 'failed' });
    assert.equal((await server.getTransaction(good.hash)).status, 'FAILED');
  });

  it('surge fees', async () => {
    fault({ kind: 'surge', fee: 777 });
    const { inclusionFee, sorobanInclusionFee } = await server.getFeeStats();
    assert.deepEqual([inclusionFee.p90, sorobanInclusionFee.p90], ['777', '0']);
    assert.equal((await server.sendTransaction(world.draft(strictSend(), '776'))).status, 'ERROR');
  });

  it('two interfaces that disagree about an account', async () => {
    fault({ kind: 'forge_account', account: trader.publicKey(), sequence: '42', balance: '3' });
    assert.equal((await server.getAccount(trader.publicKey())).sequenceNumber(), '42');
    const native = await server.getAccountEntry(trader.publicKey());
    assert.equal(native.balance, 30_000_000n);
    const right = await world.server().loadAccount(trader.publicKey());
    assert.notEqual(right.sequence, '42');
    assert.ok(Asset.native().isNative() && right.balances.at(-1)?.balance !== '3.0000000');
  });

  it('HTML, half a body', async () => {
    fault({ kind: 'html', times: 1 });
    const page = (await server.getLatestLedger().catch(() => ({}))) as { sequence?: number };
    assert.equal(page.sequence, undefined);
    fault({ kind: 'body', how: 'abort', bytes: 10, times: 1, path: '^getLatest' });
    await assert.rejects(server.getLatestLedger());
    assert.equal((await server.getLatestLedger()).sequence, world.sandbox.network.latest.sequence);
  });
});
