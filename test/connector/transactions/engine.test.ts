import assert from 'node:assert/strict';
import type * as xdr from '@stellar/stellar-sdk/xdr';
import { connectorError } from '../../../connector/errors.ts';
import { isDeletion } from '../../../connector/transactions/envelope.ts';
import type { EngineOptions, Intent } from '../../../connector/transactions/types.ts';
import type { AppliedTransaction } from '../../sandbox/ledger/close.ts';
import { bidOf } from '../../sandbox/ledger/envelope.ts';
import { keyOf, trader } from '../../sandbox/testing.ts';
import { decodeEnvelope } from '../software-signer.ts';
import { createRig, intentOf, never, type Rig, sell, UNIT } from './rig.ts';

const tooMuch = (): xdr.OperationBody => sell(10n ** 15n);

describe('connector/transactions/engine', () => {
  let rig: Rig;
  afterEach(() => rig.stop());

  const inLedgers = (): AppliedTransaction[] =>
    rig.network.ledgers.flatMap(({ transactions }) => transactions);
  const run = (...intents: Intent[]) =>
    rig.time.run(Promise.allSettled(intents.map((intent) => rig.engine.run(intent, never))));
  const codes = (settled: PromiseSettledResult<unknown>[]): string[] =>
    settled.map((it) => (it.status === 'fulfilled' ? 'applied' : it.reason.code));
  const offers = (): bigint[] =>
    [...rig.network.state.entries()].flatMap((it) =>
      it.type === 'offer' && it.seller === trader.publicKey() ? [it.amount] : [],
    );
  const offerIds = (): bigint[] =>
    [...rig.network.state.entries()].flatMap((it) =>
      it.type === 'offer' && it.seller === trader.publicKey() ? [it.id] : [],
    );
  const sizes = (): number[] => inLedgers().map(({ transaction }) => transaction.operations.length);

  describe('batches', () => {
    it('put what is asked for at once into one transaction, planned one after the other', async () => {
      rig = createRig();
      const seen: (bigint | undefined)[] = [];
      const plan: Intent['plan'] = async ({ reserved }) => {
        seen.push(reserved.get('native'));
        return { operations: [sell(UNIT)], spends: new Map([['native', UNIT]]) };
      };
      assert.deepEqual(codes(await run(intentOf('a', [], { plan }), intentOf('b', [], { plan }))), [
        'applied',
        'applied',
      ]);
      assert.deepEqual(seen, [undefined, UNIT]);
      assert.deepEqual(sizes(), [2]);
      assert.equal(rig.engine.intent('a')?.state, 'ended');
    });

    it('hold a hundred operations, deletions before creations', async () => {
      rig = createRig();
      await run(intentOf('old', [sell(UNIT)]));
      const creates = Array.from({ length: 120 }, (_, n) => intentOf(`c${n}`, [sell(UNIT + BigInt(n))]));
      const deletion = intentOf('d', [sell(0n, offerIds()[0]!)], { lane: 'delete' });
      const all = codes(await run(...creates, deletion));
      assert.ok(all.every((code) => code === 'applied'));
      assert.deepEqual(sizes(), [1, 100, 21]);
      const [first] = decodeEnvelope([...new Set(rig.sent)][1]!).v1.tx.operations;
      assert.ok(isDeletion(first!.body));
    });

    it('leave one that shares with nobody alone, and let it be passed over once at most', async () => {
      rig = createRig();
      await run(...Array.from({ length: 6 }, (_, n) => intentOf(`old${n}`, [sell(UNIT)])));
      const ids = offerIds();
      const deletion = (n: number) => intentOf(`d${n}`, [sell(0n, ids[n]!)], { lane: 'delete' });
      const swap = intentOf('swap', [sell(UNIT)], { shared: false });
      const order: string[] = [];
      const note = (intent: Intent) => ({ ...intent, signed: () => void order.push(intent.id) });
      const first = rig.engine.run(note(deletion(0)), never);
      await rig.time.pass(0);
      const rest = [note(deletion(1)), note(swap)].map((it) => rig.engine.run(it, never));
      await rig.time.run(first);
      rest.push(rig.engine.run(note(deletion(2)), never));
      await rig.time.run(Promise.all(rest));
      assert.deepEqual(order.slice(0, 3), ['d0', 'd1', 'swap']);
    });

    it('that a ledger fails: who failed is told, the others are tried again in another one', async () => {
      rig = createRig();
      const settled = await run(
        intentOf('good', [sell(UNIT)]),
        intentOf('bad', [tooMuch()]),
        intentOf('fine', [sell(2n * UNIT)]),
      );
      assert.deepEqual(codes(settled), ['applied', 'insufficient-balance', 'applied']);
      assert.deepEqual(offers().sort(), [UNIT, 2n * UNIT]);
      assert.deepEqual(sizes(), [3, 2]);
    });

    it('that the signer refuses for one operation are halved until only that one fails', async () => {
      rig = createRig();
      rig.faults.refuse = (envelope) =>
        envelope.type === 'envelopeTypeTx' &&
        envelope.v1.tx.operations.some(
          ({ body }) => body.type === 'manageSellOffer' && body.manageSellOfferOp.amount === 3n * UNIT,
        )
          ? { field: 'price-out-of-collar' }
          : undefined;
      const settled = await run(...[1n, 2n, 3n, 4n, 5n].map((n) => intentOf(`i${n}`, [sell(n * UNIT)])));
      assert.deepEqual(codes(settled), ['applied', 'applied', 'signer-refused', 'applied', 'applied']);
      assert.equal(offers().length, 4);
    });

    for (const [field, code] of [
      ['kill-switch', 'signer-refused'],
      ['window-exhausted', 'signer-refused'],
      ['policy-missing', 'signer-refused'],
      ['rate-exceeded', 'rate-limited'],
    ] as const) {
      it(`@security refused for ${field} are rebuilt at once as their deletions alone`, async () => {
        rig = createRig();
        await run(intentOf('old', [sell(UNIT)]));
        rig.faults.refuse = (envelope) =>
          envelope.type === 'envelopeTypeTx' && envelope.v1.tx.operations.length > 1
            ? { field, code }
            : undefined;
        const settled = await run(
          intentOf('create', [sell(5n * UNIT)]),
          intentOf('delete', [sell(0n, offerIds()[0]!)], { lane: 'delete' }),
        );
        assert.deepEqual(codes(settled), [code, 'applied']);
        assert.deepEqual(offers(), []);
      });
    }
  });

  describe('channels', () => {
    it('carry transactions in parallel, with the account’s one signature; the last one only deletes', async () => {
      rig = createRig({ channels: 2 });
      const swaps = Array.from({ length: 3 }, (_, n) => intentOf(`s${n}`, [sell(UNIT)], { shared: false }));
      assert.ok(codes(await run(...swaps)).every((code) => code === 'applied'));
      const byLedger = inLedgers().map(({ ledger, transaction: { source } }) => [ledger, source] as const);
      assert.equal(new Set(byLedger.slice(0, 2).map(([ledger]) => ledger)).size, 1);
      assert.deepEqual(
        new Set(byLedger.map(([, source]) => source)),
        new Set([trader.publicKey(), rig.channels[0]!]),
      );
      await run(intentOf('d', [sell(0n, offerIds()[0]!)], { lane: 'delete' }));
      assert.equal(inLedgers().at(-1)!.transaction.source, rig.channels[1]);
      assert.ok(inLedgers().every(({ transaction }) => transaction.signatures.length === 1));
    });
  });

  it('leaves a channel alone that the ledger does not have', async () => {
    rig = createRig({ options: { channelAccounts: [keyOf('a').publicKey(), keyOf('b').publicKey()] } });
    const swaps = Array.from({ length: 3 }, (_, n) => intentOf(`s${n}`, [sell(UNIT)], { shared: false }));
    assert.ok(codes(await run(...swaps)).every((code) => code === 'applied'));
    assert.ok(rig.events.includes('held channel-missing'));
  });

  describe('timeouts', () => {
    const lost = () => ({ kind: 'unknown', reason: '504' }) as const;

    it('@security a 504 that was taken: found by its hash, nothing built twice', async () => {
      rig = createRig();
      rig.faults.submit = (_, pass) => {
        pass();
        return lost();
      };
      assert.deepEqual(codes(await run(intentOf('a', [sell(UNIT)]))), ['applied']);
      assert.deepEqual([rig.asked.length, offers().length], [1, 1]);
    });

    it('@security a 504 that was not taken: sent again, byte for byte', async () => {
      rig = createRig();
      let nth = 0;
      rig.faults.submit = (_, pass) => (++nth < 3 ? lost() : pass());
      assert.deepEqual(codes(await run(intentOf('a', [sell(UNIT)]))), ['applied']);
      assert.equal(rig.asked.length, 1);
      assert.equal(new Set(rig.sent).size, 1);
      assert.ok(rig.sent.length >= 3);
    });

    it('@security one that nobody ever took is dead only past its time, and only then the account goes on', async () => {
      rig = createRig();
      rig.faults.submit = lost;
      const began = rig.time.now();
      const first = rig.engine.run(intentOf('a', [sell(UNIT)]), never);
      const second = rig.engine.run(intentOf('b', [sell(UNIT)], { shared: false }), never);
      const one = await rig.time.run(Promise.allSettled([first]));
      assert.deepEqual(codes(one), ['transaction-failed']);
      assert.match(String((one[0] as PromiseRejectedResult).reason), /nothing was traded/);
      assert.ok(rig.time.now() - began > 35_000);
      assert.equal(rig.asked.length, 1, 'nothing else was signed meanwhile');
      rig.faults.submit = undefined as never;
      await rig.time.run(second);
      assert.ok(rig.time.now() - began > 90_000, 'the signer holds the number for a minute more');
      assert.equal(offers().length, 1);
    });

    it('@security a ledger that stands still: told as a timeout with the hash, and followed all the same', async () => {
      rig = createRig();
      rig.network.pause();
      rig.faults.submit = (_, pass) => {
        pass();
        return lost();
      };
      const [told] = await run(intentOf('a', [sell(UNIT)]));
      const error = (told as PromiseRejectedResult).reason;
      assert.equal(error.code, 'transaction-timeout');
      const hash = /^Transaction ([0-9a-f]{64}) was not confirmed/.exec(error.message)![1]!;
      assert.equal(rig.engine.lookup(hash)!.ending, undefined);
      assert.deepEqual(rig.engine.intent('a'), { state: 'in-flight', hash, ending: undefined });
      rig.network.resume();
      await rig.time.pass(20_000);
      assert.equal(rig.engine.lookup(hash)!.ending?.kind, 'dead');
      assert.equal(rig.engine.intent('a')!.ending?.kind, 'dead');
    });

    it('@security one that was told of a timeout is not tried again when its batch fails later', async () => {
      rig = createRig();
      rig.faults.submit = (_, pass) => {
        pass();
        return lost();
      };
      rig.faults.lookup = () => {
        if (rig.time.now() < 1_800_000_060_000) throw connectorError('ledger-unreachable', 'down');
      };
      const told = await run(intentOf('good', [sell(UNIT)]), intentOf('bad', [tooMuch()]));
      assert.deepEqual(codes(told), ['transaction-timeout', 'transaction-timeout']);
      await rig.time.pass(120_000);
      assert.deepEqual(offers(), []);
      assert.equal(rig.asked.length, 1);
      assert.equal(rig.engine.intent('good')!.ending?.kind, 'failed');
    });

    it('@security results that contradict the order are not believed', async () => {
      rig = createRig();
      let asked = 0;
      const plausible = () => ++asked > 3;
      await run(intentOf('a', [sell(UNIT)], { plausible }));
      assert.equal(asked, 4);
      assert.equal(rig.events.filter((it) => it === 'looked-up untrusted').length, 3);
    });

    it('a number that somebody else used is read anew, after the transaction is dead', async () => {
      rig = createRig();
      await run(intentOf('a', [sell(UNIT)]));
      const account = rig.network.state.account(trader.publicKey())!;
      rig.network.state.put({ ...account, sequence: account.sequence + 5n });
      rig.network.state.commit();
      assert.deepEqual(codes(await run(intentOf('b', [sell(UNIT)]))), ['applied']);
      assert.equal(offers().length, 2);
    });
  });

  describe('fee bumps', () => {
    it('raise the bid of what is stuck around the same envelope; the inner hash stays its name', async () => {
      rig = createRig();
      rig.faults.fees = { capacityUsage: 0, bid: 100n };
      // The queue is full for who bids so little. A bump begins with the type of its envelope.
      rig.faults.submit = (envelopeXdr, pass) =>
        envelopeXdr.startsWith('AAAABQ') ? pass() : { kind: 'try-again' };
      const promise = rig.engine.run(intentOf('a', [sell(UNIT)]), never);
      await rig.time.pass(0);
      rig.faults.fees = { capacityUsage: 1, bid: 500n };
      const receipt = await rig.time.run(promise);
      assert.deepEqual(
        rig.events.filter((it) => it.startsWith('bump')),
        ['bump sent'],
      );
      const { transaction } = inLedgers()[0]!;
      assert.ok(transaction.feeBump);
      assert.equal(transaction.innerHash, receipt.hash);
      assert.equal(bidOf(transaction), 2_000n, 'ten times its rate, for two');
      assert.equal(rig.engine.lookup(receipt.hash)!.ending?.kind, 'applied');
    });

    it('are left out where the caps forbid them', async () => {
      const fees: EngineOptions['fees'] = {
        ...{ perOperation: 900n, perTransaction: 90_000n, percentile: 90 },
        ...{ maxOperations: 100, maxTimeBoundSeconds: 110 },
      };
      rig = createRig({ options: { fees } });
      rig.faults.submit = () => ({ kind: 'queued' });
      const promise = rig.engine.run(intentOf('a', [sell(UNIT)]), never);
      await rig.time.pass(0);
      rig.faults.fees = { capacityUsage: 1, bid: 500n };
      assert.deepEqual(codes(await rig.time.run(Promise.allSettled([promise]))), ['transaction-failed']);
      assert.ok(rig.events.includes('bump forbidden'));
      assert.equal(new Set(rig.sent).size, 1);
    });
  });

  it('@security sends no envelope of the signer with another signature or other bytes', async () => {
    rig = createRig();
    for (const at of [-1, 60]) {
      rig.faults.tamper = (envelopeXdr) => {
        const bytes = Buffer.from(envelopeXdr, 'base64');
        bytes[at < 0 ? bytes.length + at : at]! ^= 1;
        return bytes.toString('base64');
      };
      assert.deepEqual(codes(await run(intentOf(`at ${at}`, [sell(UNIT)]))), ['signer-untrusted']);
    }
    assert.deepEqual(rig.sent, []);
  });

  it('holds what meets a number that the signer still holds, and does not refuse it', async () => {
    rig = createRig();
    let nth = 0;
    rig.faults.refuse = () => (++nth < 5 ? { field: 'sequence-live' } : undefined);
    assert.deepEqual(codes(await run(intentOf('a', [sell(UNIT)]))), ['applied']);
    assert.equal(rig.events.filter((it) => it === 'held sequence-live').length, 4);
  });

  it('plans, builds and checks all in a dry run, and asks no signer', async () => {
    rig = createRig({ options: { dryRun: true } });
    const [it_] = await run(intentOf('a', [sell(UNIT)]));
    const { code, message } = (it_ as PromiseRejectedResult).reason;
    assert.equal(code, 'dry-run');
    assert.match(message, /manageSellOffer/);
    assert.deepEqual([rig.asked, rig.sent], [[], []]);
  });

  it('says that nothing was sent when no server can be dialled', async () => {
    rig = createRig();
    rig.faults.submit = () => ({ kind: 'unsent', cause: 'refused' });
    assert.deepEqual(codes(await run(intentOf('a', [sell(UNIT)]))), ['ledger-unreachable']);
  });

  it('fails an intent whose plan fails, alone, and nothing was signed for it', async () => {
    rig = createRig();
    const plan = async () => {
      throw connectorError('no-route-found', 'none');
    };
    const settled = await run(intentOf('a', [], { plan }), intentOf('b', [sell(UNIT)]));
    assert.deepEqual(codes(settled), ['no-route-found', 'applied']);
    assert.equal(rig.engine.intent('a'), undefined);
  });

  it('gives up what is not signed when it is drained, and takes no more', async () => {
    rig = createRig();
    const first = rig.engine.run(intentOf('a', [sell(UNIT)]), never);
    await rig.time.pass(100);
    const second = rig.engine.run(intentOf('b', [sell(UNIT)]), never);
    const drained = rig.engine.drain(60_000);
    const settled = await rig.time.run(Promise.allSettled([first, second]));
    assert.deepEqual(codes(settled), ['applied', 'shutting-down']);
    await rig.time.run(drained);
    assert.deepEqual(codes(await run(intentOf('c', [sell(UNIT)]))), ['shutting-down']);
  });

  it('lets a caller go who leaves before it was signed for', async () => {
    rig = createRig();
    const first = rig.engine.run(intentOf('a', [sell(UNIT)]), never);
    await rig.time.pass(100);
    const gone = new AbortController();
    const second = rig.engine.run(intentOf('b', [sell(UNIT)]), gone.signal);
    gone.abort(connectorError('client-gone', 'gone'));
    assert.deepEqual(codes(await rig.time.run(Promise.allSettled([first, second]))), [
      'applied',
      'client-gone',
    ]);
    assert.equal(rig.engine.intent('b'), undefined);
  });
});
