import assert from 'node:assert/strict';
import { keyOf } from '../../sandbox/testing.ts';
import { type SourcesWorld, startSourcesWorld, TRADER, USDC } from './sources-world.ts';

const { signal } = new AbortController();

describe('connector/ledger: over all sources', () => {
  let world: SourcesWorld;
  before(async () => {
    world = await startSourcesWorld();
  });
  after(() => world.stop());
  beforeEach(() => world.advance(5_000));
  afterEach(() => void world.sandbox.faults.remove());

  it('reads head, account, offers, fees, pools, paths and trades', async () => {
    const { ledger } = world.over(['horizon', 'horizon-2', 'rpc'], 2);
    const head = await ledger.head(signal);
    const { latest } = world.sandbox.network;
    assert.deepEqual([head.sequence, head.closedAt], [latest.sequence, latest.closeTime * 1_000]);
    const account = await ledger.account(TRADER, signal);
    assert.deepEqual(account?.balances.map(({ asset }) => asset).sort(), [USDC, 'native'].sort());
    assert.equal(await ledger.account(keyOf('nobody').publicKey(), signal), undefined);
    assert.equal((await ledger.offers('native', USDC, 10, signal))?.length, 2);
    assert.deepEqual(await ledger.offersOf(TRADER, signal), []);
    assert.equal((await ledger.feeStatistics(signal)).baseFee, 100n);
    assert.equal(await ledger.poolOf('native', USDC, signal), undefined);
    assert.equal((await ledger.paths('SELL', 'native', USDC, 10_000_000n, signal)).length > 0, true);
    assert.deepEqual(await ledger.tradesOf(TRADER, '0', 10, signal), []);
    assert.deepEqual(await ledger.trades('native', USDC, 10, signal), []);
    assert.deepEqual(
      ledger.endpoints().map(({ kind, state, head: at }) => [kind, state, at]),
      [
        ['horizon', 'up', latest.sequence],
        ['horizon', 'up', latest.sequence],
        ['rpc', 'up', latest.sequence],
      ],
    );
  });

  it('finds a transaction once a ledger has it, and says until when it was absent', async () => {
    const { ledger } = world.over(['horizon', 'horizon-2', 'rpc'], 2);
    const { envelopeXdr, hash } = world.envelope();
    const before = await ledger.transaction(hash, signal);
    assert.equal('absentAt' in before && before.absentAt.sequence, world.sandbox.network.latest.sequence);
    // What one server says became of it is not the outcome yet.
    const sent = ledger.submit(envelopeXdr, signal);
    await until(() => world.sandbox.network.queue.pending().length === 1);
    world.advance(5_000);
    assert.deepEqual(await sent, { kind: 'queued' });
    const after = await ledger.transaction(hash, signal);
    assert.equal('found' in after && after.found.result.code, 'txSuccess');
    assert.equal('found' in after && after.found.ledger, world.sandbox.network.latest.sequence);
    const trades = await ledger.tradesOf(TRADER, '0', 10, signal);
    assert.equal(trades.length, 1);
  });

  it('with one source an answer that includes it is the outcome', async () => {
    const { ledger } = world.over(['horizon'], 1);
    const { envelopeXdr, hash } = world.envelope();
    const sent = ledger.submit(envelopeXdr, signal);
    await until(() => world.sandbox.network.queue.pending().length === 1);
    world.advance(5_000);
    const answer = await sent;
    assert.equal(answer.kind === 'included' && answer.transaction.hash, hash);
  });

  it('sends an envelope again through another server, since one may answer reads and lose what is sent', async () => {
    const { ledger } = world.over(['horizon', 'horizon-2'], 1);
    world.fault({ kind: 'submission', fate: 'never' }, 'horizon');
    const { envelopeXdr, hash } = world.envelope();
    const lost = new AbortController();
    const first = ledger.submit(envelopeXdr, lost.signal, 0).catch(() => undefined);
    const second = ledger.submit(envelopeXdr, signal, 1);
    await until(() => world.sandbox.network.queue.pending().length === 1);
    world.advance(5_000);
    await second;
    assert.ok('found' in (await ledger.transaction(hash, signal)));
    lost.abort();
    await first;
  });

  it('@security of three sources the one that lies is outvoted, put in quarantine with its reason, and sent nothing', async () => {
    const { ledger, events, isOut } = world.over(['horizon', 'horizon-2', 'rpc'], 2);
    const truth = await ledger.account(TRADER, signal);
    world.fault({ kind: 'forge_account', account: TRADER, balance: '999999' });
    for (let reads = 0; reads < 3; reads += 1) {
      assert.deepEqual((await ledger.account(TRADER, signal))?.balances, truth?.balances);
      await world.settled();
    }
    assert.ok(isOut('horizon'));
    assert.equal(isOut('horizon-2') || isOut('rpc'), false);
    assert.match(
      events.find((event) => event.startsWith('quarantined'))!,
      /^quarantined horizon: the account/,
    );
    assert.match(ledger.endpoints()[0]!.reason!, /the account/);
    world.fault({ kind: 'submission', fate: 'never' }, 'horizon');
    const { envelopeXdr, hash } = world.envelope();
    await Promise.all([
      ledger.submit(envelopeXdr, signal),
      until(() => world.sandbox.network.queue.pending().length === 1).then(() => world.advance(5_000)),
    ]);
    assert.ok('found' in (await ledger.transaction(hash, signal)), 'it went to the other Horizon');
  });

  it('@security a liar counts again after it agreed for five minutes, and not before', async () => {
    const { ledger, events, isOut } = world.over(['horizon', 'horizon-2', 'rpc'], 2);
    world.fault({ kind: 'passphrase', passphrase: 'Another Network' });
    await ledger.head(signal);
    await world.settled();
    assert.ok(isOut('horizon'));
    world.sandbox.faults.remove();
    for (let passed = 0; passed < 290; passed += 10) {
      world.advance(10_000);
      await ledger.head(signal);
      await world.settled();
    }
    assert.ok(isOut('horizon'), 'not after 290 s');
    world.advance(25_000);
    await ledger.head(signal);
    await world.settled();
    assert.equal(isOut('horizon'), false);
    assert.deepEqual(
      events.filter((event) => event.startsWith('released')),
      ['released horizon'],
    );
  });

  it('a source that lags is honest: it is never put in quarantine, and the others are used', async () => {
    const { ledger, events, isOut } = world.over(['horizon', 'horizon-2', 'rpc'], 2);
    world.fault({ kind: 'lag', ledgers: 2 }, 'horizon-2');
    for (let round = 0; round < 8; round += 1) {
      const { envelopeXdr } = world.envelope();
      world.sandbox.network.submit(envelopeXdr);
      world.advance(5_000);
      const { sequence } = world.sandbox.network.state.account(TRADER)!;
      assert.equal((await ledger.account(TRADER, signal))?.sequence, sequence);
      await world.settled();
    }
    assert.deepEqual([events, isOut('horizon-2')], [[], false]);
  });

  it('@security the head never goes back, and is refused when it is too old', async () => {
    const { ledger } = world.over(['horizon'], 1);
    world.advance(5_000);
    const { sequence } = await ledger.head(signal);
    world.fault({ kind: 'lag', ledgers: 1 });
    world.advance(2_000);
    world.fault({ kind: 'lag', ledgers: 4 });
    assert.equal((await ledger.head(signal)).sequence, sequence);
    world.fault({ kind: 'lag', ledgers: 'frozen' });
    world.advance(40_000);
    await assert.rejects(ledger.head(signal), { code: 'ledger-stale' });
  });

  it('@security our sequence number never moves back', async () => {
    const { ledger } = world.over(['horizon'], 1);
    const truth = (await ledger.account(TRADER, signal))!.sequence;
    world.fault({ kind: 'forge_account', account: TRADER, sequence: String(truth - 1n) });
    await assert.rejects(ledger.account(TRADER, signal), { code: 'ledger-stale' });
  });

  it('an account is not answered from before a ledger that is known to hold a transaction of ours', async () => {
    const { ledger } = world.over(['horizon', 'rpc'], 1);
    const { envelopeXdr, hash } = world.envelope();
    world.sandbox.network.submit(envelopeXdr);
    world.advance(5_000);
    assert.ok('found' in (await ledger.transaction(hash, signal)));
    world.fault({ kind: 'lag', ledgers: 1 }, 'horizon');
    world.fault({ kind: 'lag', ledgers: 1 }, 'rpc');
    await assert.rejects(ledger.account(TRADER, signal), { code: 'ledger-stale' });
  });

  it('absent means by as many as must agree: one whose history lacks the ledger says nothing', async () => {
    const { ledger } = world.over(['horizon', 'rpc'], 1);
    const { envelopeXdr, hash } = world.envelope();
    world.fault({ kind: 'lag', ledgers: 1 }, 'rpc');
    world.sandbox.network.submit(envelopeXdr);
    world.advance(2_000);
    // Horizon has it, RPC not yet: neither found nor absent.
    await assert.rejects(ledger.transaction(hash, signal), { code: 'ledger-stale' });
    world.sandbox.faults.remove();
    assert.ok('found' in (await ledger.transaction(hash, signal)));
  });

  it('@security an absence is dated by the source that vouches for the least', async () => {
    const { ledger } = world.over(['horizon', 'rpc'], 1);
    const { latest } = world.sandbox.network;
    world.fault({ kind: 'lag', ledgers: 1 }, 'rpc');
    world.advance(5_000);
    const answer = await ledger.transaction('ab'.repeat(32), signal);
    assert.ok('absentAt' in answer);
    assert.deepEqual(
      [answer.absentAt.sequence, answer.absentAt.closedAt],
      [latest.sequence, latest.closeTime * 1_000],
    );
  });

  it('@security a history that began a moment ago says nothing of what is not in it', async () => {
    const short = await startSourcesWorld(10);
    try {
      for (let closed = 0; closed < 20; closed += 1) short.advance(1_000);
      const { ledger } = short.over(['horizon'], 1);
      await assert.rejects(ledger.transaction('ab'.repeat(32), signal), { code: 'ledger-stale' });
    } finally {
      await short.stop();
    }
  });

  it('one contradiction alone puts nobody in quarantine: it may be the moment between two answers', async () => {
    const { ledger, events } = world.over(['horizon', 'horizon-2', 'rpc'], 2);
    await ledger.account(TRADER, signal);
    world.fault({ kind: 'forge_account', account: TRADER, balance: '999999' });
    await ledger.account(TRADER, signal);
    await world.settled();
    world.sandbox.faults.remove();
    await ledger.account(TRADER, signal);
    await world.settled();
    assert.deepEqual(events, []);
  });

  it('goes on with the other source when one is unreachable, and believes none alone after a dispute', async () => {
    const { ledger, events } = world.over(['horizon', 'rpc'], 1);
    world.fault({ kind: 'html', status: 503 }, 'rpc');
    assert.ok((await ledger.account(TRADER, signal)) !== undefined);
    world.sandbox.faults.remove();
    world.advance(20_000);
    world.fault({ kind: 'forge_account', account: TRADER, balance: '999999' });
    await assert.rejects(ledger.account(TRADER, signal), { code: 'ledger-untrusted' });
    assert.equal(events.filter((event) => event.startsWith('disputed')).length, 2);
    world.fault({ kind: 'html', status: 503 }, 'rpc');
    world.advance(5_000);
    await assert.rejects(ledger.account(TRADER, signal));
  });

  it('one submission goes to one server, and to the next only when nothing was sent', async () => {
    const { ledger } = world.over(['horizon', 'horizon-2'], 1);
    world.fault({ kind: 'certificate', how: 'wrong_host' }, 'horizon');
    const { envelopeXdr } = world.envelope();
    const sent = ledger.submit(envelopeXdr, signal);
    await until(() => world.sandbox.network.queue.pending().length === 1);
    world.advance(5_000);
    assert.equal((await sent).kind, 'included');
  });

  it('reads fail over to the next server', async () => {
    const { ledger } = world.over(['horizon', 'horizon-2'], 1);
    world.fault({ kind: 'html', status: 502 }, 'horizon');
    assert.equal((await ledger.offers('native', USDC, 10, signal))?.length, 2);
    world.fault({ kind: 'html', status: 502 }, 'horizon-2');
    world.advance(11_000);
    await assert.rejects(ledger.offers('native', USDC, 10, signal), { code: 'ledger-unreachable' });
  });

  it('an aborted caller gets the reason, and others their answer', async () => {
    const { ledger } = world.over(['horizon'], 1);
    const leaving = new AbortController();
    const left = ledger.head(leaving.signal);
    const stayed = ledger.head(signal);
    leaving.abort(new Error('gone'));
    await assert.rejects(left, /gone/);
    assert.ok((await stayed).sequence > 0);
  });
});

async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += 5) {
    if (waited > 10_000) throw new Error('it did not come');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
