import assert from 'node:assert/strict';
import { xdr } from '@stellar/stellar-sdk/base';
import { type Exchange, exchanges } from '../horizon/recorded.ts';
import { strictSend, trader } from '../testing.ts';
import { pause, useWorld, type World } from './testing.ts';

/** A problem as Horizon writes it. */
interface Problem {
  status: number;
  type: string;
  extras: Record<string, unknown>;
}
/** What the SDK throws: for a look-up the problem itself, for a submission a response with it; neither if the line broke. */
interface SdkError extends Error {
  response?: Problem & { data?: Problem };
}

const problemOf = ({ response }: SdkError): Partial<Problem> => response?.data ?? response ?? {};

/** How a real Horizon answered. */
const recording = (name: string): Exchange['response'] =>
  exchanges.find(({ what }) => what === name)!.response;

const hashOf = (transaction: { hash(): Uint8Array }): string =>
  Buffer.from(transaction.hash()).toString('hex');

const failure = (work: Promise<unknown>): Promise<SdkError> =>
  work.then(
    () => assert.fail('it succeeded'),
    (error: SdkError) => error,
  );

describe('faults of answers', function () {
  this.timeout(30_000);
  const world = useWorld();

  const latest = (endpoint?: string) => world.server(endpoint).ledgers().order('desc').limit(1).call();
  const balance = async (endpoint?: string): Promise<string> =>
    (await world.server(endpoint).loadAccount(trader.publicKey())).balances.at(-1)!.balance;

  it('429 with Retry-After, so often as it says, for the path that it names', async () => {
    world.fault({ kind: 'rate_limit', retryAfter: 60, times: 2, path: '/ledgers' });
    await world.server().feeStats();
    for (let i = 0; i < 2; i += 1) {
      const { status, type } = problemOf(await failure(latest()));
      assert.equal(status, 429);
      assert.match(type!, /rate_limit_exceeded$/);
    }
    await latest();
    world.fault({ kind: 'rate_limit', retryAfter: 60 });
    const { headers } = await fetch(world.url('horizon'));
    assert.equal(headers.get('retry-after'), '60');
    assert.equal(headers.get('x-ratelimit-remaining'), '0');
  });

  it('429 without Retry-After, by a regular expression', async () => {
    world.fault({ kind: 'rate_limit', path: '^/(fee_stats|x)$' });
    const { response } = await failure(world.server().feeStats());
    assert.equal(response?.status, 429);
    const { status, headers } = await fetch(`${world.url('horizon')}/fee_stats`);
    assert.deepEqual([status, headers.get('retry-after')], [429, null]);
    await latest();
  });

  it('429 after some requests that tell how many are left', async () => {
    world.fault({ kind: 'rate_limit', after: 2 });
    for (const [status, left, reset] of [
      [200, '1', '6000'],
      [200, '0', '6060'],
      [429, '0', '6000'],
    ]) {
      const answer = await fetch(`${world.url('horizon')}/fee_stats`);
      const told = ['limit', 'remaining', 'reset'].map((name) => answer.headers.get(`x-ratelimit-${name}`));
      assert.deepEqual([answer.status, ...told], [status, '101', left, reset]);
    }
  });

  it('200 with HTML', async () => {
    world.fault({ kind: 'html' });
    const answer = await fetch(`${world.url('horizon')}/fee_stats`);
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /^<!DOCTYPE html>/);
    // The SDK hands it on as if it were a record.
    const { records } = (await latest().catch(() => ({ records: undefined }))) as { records: unknown };
    assert.equal(records, undefined);
  });

  it('ledgers that no longer come in: history and the root page tell of it, entries stay as they were', async () => {
    world.fault({ kind: 'stale_history' });
    world.sandbox.network.close();
    const { status, type, extras } = problemOf(await failure(latest()));
    assert.equal(status, 503);
    assert.match(type!, /stale_history$/);
    const { core_latest_ledger: core, history_latest_ledger: history } = extras!;
    assert.equal(Number(core) - Number(history), 1);
    const account = await fetch(`${world.url('horizon')}/accounts/${trader.publicKey()}`);
    assert.deepEqual([account.status, account.headers.get('latest-ledger')], [200, String(history)]);
    const root = await world.server().root();
    assert.deepEqual([root.core_latest_ledger, root.history_latest_ledger], [core, history]);
  });

  it('504 with the transaction in the next ledger', async () => {
    world.fault({ kind: 'submission', fate: 'in', times: 1 });
    const transaction = world.draft();
    const hash = hashOf(transaction);
    const { status, type, extras } = problemOf(await failure(world.server().submitTransaction(transaction)));
    assert.equal(status, 504);
    assert.match(type!, /transaction_submission_timeout$/);
    assert.equal(extras!.hash, hash);
    world.sandbox.network.close();
    const found = await world.server().transactions().transaction(hash).call();
    assert.equal(found.successful, true);
    // Who sends it again is told, whatever happens to others.
    world.fault({ kind: 'submission', fate: 'never' });
    assert.equal((await world.server().submitTransaction(transaction)).hash, hash);
  });

  it('504 with the transaction in a later ledger, or never', async () => {
    const { network } = world.sandbox;
    world.fault({ kind: 'submission', fate: 'in', afterLedgers: 2, times: 1 });
    const transaction = world.draft();
    const hash = hashOf(transaction);
    assert.equal((await failure(world.server().submitTransaction(transaction))).response?.status, 504);
    for (let i = 0; i < 2; i += 1) {
      network.close();
      assert.equal(network.transaction(hash), undefined);
    }
    network.close();
    assert.equal(
      (await world.server().transactions().transaction(hash).call()).ledger_attr,
      network.latest.sequence,
    );

    world.fault({ kind: 'submission', fate: 'never', times: 1 });
    const lost = world.draft();
    assert.equal((await failure(world.server().submitTransaction(lost))).response?.status, 504);
    network.close();
    network.close();
    const gone = await failure(world.server().transactions().transaction(hashOf(lost)).call());
    assert.equal(gone.response?.status, 404);
  });

  it('504 with the transaction failed: it costs its fee and its sequence number', async () => {
    const { network } = world.sandbox;
    world.fault({ kind: 'submission', fate: 'failed' });
    const before = network.state.account(trader.publicKey())!;
    const transaction = world.draft();
    assert.equal((await failure(world.server().submitTransaction(transaction))).response?.status, 504);
    network.close();
    const found = await world.server().transactions().transaction(hashOf(transaction)).call();
    assert.equal(found.successful, false);
    assert.match(
      JSON.stringify(xdr.TransactionResult.fromXdr(found.result_xdr, 'base64').toJson()),
      /under_destmin/,
    );
    const after = network.state.account(trader.publicKey())!;
    assert.deepEqual([after.balance, after.sequence], [before.balance - 100n, before.sequence + 1n]);

    world.fault({ kind: 'forge_transaction', result: 'success' });
    const forged = await world.server().transactions().transaction(found.hash).call();
    assert.equal(forged.successful, true);
    const { records } = await world.server().effects().forTransaction(found.hash).call();
    assert.ok(records.every(({ type }) => type !== 'trade'));
  });

  it('tells of a bad transaction also while submissions time out', async () => {
    world.fault({ kind: 'submission', fate: 'never' });
    const { status, extras } = problemOf(
      await failure(world.server().submitTransaction(world.draft(strictSend(), '1'))),
    );
    assert.equal(status, 400);
    assert.match(JSON.stringify(extras), /tx_insufficient_fee/);
  });

  it('TRY_AGAIN_LATER', async () => {
    world.fault({ kind: 'try_again_later', times: 2 });
    const server = world.server();
    const { response } = await failure(server.submitAsyncTransaction(world.draft()));
    assert.equal(response?.status, 503);
    assert.match(JSON.stringify(response.data), /"tx_status":"TRY_AGAIN_LATER"/);
    assert.equal((await failure(server.submitTransaction(world.draft()))).response?.status, 504);
    assert.equal((await world.closing(server.submitTransaction(world.draft()))).successful, true);
  });

  it('a core that does not answer: no submission is answered, though the network may have it', async () => {
    world.fault({ kind: 'silent_core' });
    const health = await fetch(`${world.url('horizon')}/health`);
    assert.equal(health.status, 503);
    assert.match(await health.text(), /"core_up":false/);
    const transaction = world.draft();
    let answered = false;
    const over = (): void => {
      answered = true;
    };
    world.server().submitTransaction(transaction).then(over, over);
    const { network } = world.sandbox;
    for (let i = 0; i < 4000 && network.queue.pending().length === 0; i += 1) await pause(5);
    network.close();
    await pause(100);
    assert.equal(answered, false);
    assert.ok(network.transaction(hashOf(transaction)));
  });

  it('surge fees: fee stats tell of them, and who bids less is refused', async () => {
    world.fault({ kind: 'surge', fee: 5000 });
    const server = world.server();
    const { fee_charged: charged, ledger_capacity_usage: usage } = await server.feeStats();
    assert.deepEqual([charged.p99, charged.mode, usage], ['5000', '5000', '1']);
    const { extras } = problemOf(await failure(server.submitTransaction(world.draft())));
    assert.match(JSON.stringify(extras), /tx_insufficient_fee/);
    assert.equal(
      (await world.closing(server.submitTransaction(world.draft(strictSend(), '5000')))).successful,
      true,
    );
  });

  it('a replica that lags, until it does no more', async () => {
    const { network } = world.sandbox;
    for (let i = 0; i < 2; i += 1) network.close();
    const before = await balance();
    world.fault({ kind: 'lag', ledgers: 2 }, 'horizon-2');
    const { hash, ledger } = await world.closing(world.server().submitTransaction(world.draft()));
    assert.notEqual(await balance(), before);
    assert.equal(await balance('horizon-2'), before);
    assert.equal((await latest('horizon-2')).records[0]?.sequence, network.latest.sequence - 2);
    const missing = await failure(world.server('horizon-2').transactions().transaction(hash).call());
    assert.equal(missing.response?.status, 404);
    network.close();
    network.close();
    assert.equal(await balance('horizon-2'), await balance());
    assert.equal((await latest('horizon-2')).records[0]?.sequence, ledger);
    world.sandbox.faults.remove();
    assert.equal((await latest('horizon-2')).records[0]?.sequence, network.latest.sequence);
  });

  it('old data without a word', async () => {
    const { network } = world.sandbox;
    world.fault({ kind: 'lag', ledgers: 'frozen' });
    const [{ sequence }, before] = [network.latest, await balance()];
    network.submit(world.draft().toEnvelope().toXdr('base64'));
    for (let i = 0; i < 5; i += 1) network.close();
    assert.equal((await latest()).records[0]?.sequence, sequence);
    assert.equal(await balance(), before);
    assert.notEqual(await balance('horizon-2'), before);
  });

  it('without a fault answers are as they were, compressed too; refusals are as recorded', async () => {
    const ask = () => fetch(`${world.url('horizon')}/fee_stats`, { headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal((await ask()).headers.get('content-encoding'), 'gzip');
    world.fault({ kind: 'rate_limit', retryAfter: 10 });
    const recorded = recording('rate limit exceeded');
    const answer = await ask();
    assert.equal(await answer.text(), recorded.body);
    const names = recorded.headers.map(([name]) => name).filter((name) => name !== 'Connection');
    assert.deepEqual(
      names.filter((name) => !answer.headers.has(name)),
      [],
    );
    world.sandbox.faults.remove();
    world.fault({ kind: 'stale_history' });
    const stale = recording('stale history (threshold of 3 ledgers): ledgers');
    const { extras: _, ...words } = (await (
      await fetch(`${world.url('horizon')}/ledgers`)
    ).json()) as Problem;
    const { extras: __, ...same } = JSON.parse(stale.body!) as Problem;
    assert.deepEqual(words, same);
  });

  it('a wrong passphrase: it says so, and takes nothing that was signed for the right one', async () => {
    world.fault({ kind: 'passphrase', passphrase: 'Another Network' });
    assert.equal((await world.server().root()).network_passphrase, 'Another Network');
    const { extras } = problemOf(await failure(world.server().submitTransaction(world.draft())));
    assert.match(JSON.stringify(extras), /tx_bad_auth/);
  });

  it('two replicas that disagree: forged balance, sequence number and signers', async () => {
    const publicKey = trader.publicKey();
    const signers = [{ key: 'GAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWHF', weight: 5 }];
    const forged = { account: publicKey, balance: '1.5', sequence: '77', signers };
    world.fault({ kind: 'forge_account', ...forged }, 'horizon-2');
    const [right, wrong] = await Promise.all(
      ['horizon', 'horizon-2'].map((endpoint) => world.server(endpoint).loadAccount(publicKey)),
    );
    assert.equal(wrong!.balances.at(-1)?.balance, '1.5000000');
    assert.equal(wrong!.balances[0]?.balance, right!.balances[0]?.balance);
    assert.equal(wrong!.sequence, '77');
    assert.ok(wrong!.signers.some(({ key, weight }) => key === signers[0]!.key && weight === 5));
    assert.notEqual(right!.sequence, '77');
    assert.notEqual(right!.balances.at(-1)?.balance, '1.5000000');
  });

  it('a forged result and forged signatures, under the right hash', async () => {
    const transaction = world.draft();
    const { hash } = await world.closing(world.server().submitTransaction(transaction));
    const ask = () => world.server().transactions().transaction(hash).call();
    const right = await ask();
    world.fault({ kind: 'forge_transaction', hash, result: 'failed', signatures: 'none' });
    world.fault({ kind: 'forge_transaction', hash: '0'.repeat(64), result: 'failed' }, 'horizon-2');
    const forged = await ask();
    assert.equal(forged.hash, right.hash);
    assert.deepEqual([right.successful, forged.successful], [true, false]);
    assert.equal(xdr.TransactionResult.fromXdr(forged.result_xdr, 'base64').result.type, 'txFailed');
    assert.deepEqual([right.signatures.length, forged.signatures.length], [1, 0]);
    assert.equal((await world.server('horizon-2').transactions().transaction(hash).call()).successful, true);

    world.sandbox.faults.remove();
    world.fault({ kind: 'forge_transaction', signatures: 'false' });
    const [signature] = (await ask()).signatures;
    assert.equal(trader.verify(transaction.hash(), Buffer.from(signature!, 'base64')), false);
    assert.equal(trader.verify(transaction.hash(), Buffer.from(right.signatures[0]!, 'base64')), true);
  });

  it('a forged ledger sequence and hash', async () => {
    const { network } = world.sandbox;
    world.fault({ kind: 'forge_ledger', by: 1000, hash: 'ab'.repeat(32) });
    const [ledger] = (await latest()).records;
    assert.equal(ledger?.sequence, network.latest.sequence + 1000);
    assert.equal(ledger?.hash, 'ab'.repeat(32));
    assert.notEqual((await latest('horizon-2')).records[0]?.hash, ledger?.hash);
  });

  it('a body that ends early as if it were whole', async () => {
    world.fault({ kind: 'body', how: 'truncate', bytes: 20, times: 1 });
    const text = await (await fetch(`${world.url('horizon')}/fee_stats`)).text();
    assert.equal(text.length, 20);
    world.fault({ kind: 'body', how: 'truncate', bytes: 20, times: 1 });
    const stats = await world
      .server()
      .feeStats()
      .catch((): Partial<Awaited<ReturnType<World['server']>['feeStats']>> => ({}));
    assert.equal((stats as { max_fee?: unknown }).max_fee, undefined);
    assert.ok((await world.server().feeStats()).max_fee);
  });

  for (const [how, code] of [
    ['abort', /UND_ERR_SOCKET/],
    ['reset', /ECONNRESET/],
  ] as const) {
    it(`a connection that ends in mid-body: ${how}`, async () => {
      world.fault({ kind: 'body', how, bytes: 20 });
      const answer = await fetch(`${world.url('horizon')}/fee_stats`);
      assert.equal(answer.status, 200);
      const { cause } = await failure(answer.text());
      assert.match(String((cause as { code?: string }).code), code);
      assert.equal((await failure(world.server().feeStats())).response, undefined);
    });
  }

  it('a body that trickles in', async () => {
    const whole = JSON.stringify(await world.server().feeStats());
    const length = (await (await fetch(`${world.url('horizon')}/fee_stats`)).text()).length;
    world.fault({ kind: 'body', how: 'trickle', bytes: Math.ceil(length / 4), everyMs: 5 });
    const chunks: number[] = [];
    const answer = await fetch(`${world.url('horizon')}/fee_stats`);
    for await (const chunk of answer.body!) chunks.push(chunk.length);
    assert.ok(chunks.length > 1 && chunks[0]! <= Math.ceil(length / 4), String(chunks));
    assert.equal(JSON.stringify(await world.server().feeStats()), whole);
  });

  it('a close pause, whatever the endpoint', () => {
    const { network, faults } = world.sandbox;
    assert.equal(network.paused, false);
    const id = world.fault({ kind: 'pause' });
    assert.equal(network.paused, true);
    faults.remove(id);
    assert.equal(network.paused, false);
    network.pause();
    faults.remove(world.fault({ kind: 'pause' }));
    assert.equal(network.paused, true);
    network.resume();
  });
});
