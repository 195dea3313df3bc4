import assert from 'node:assert/strict';
import type * as xdr from '@stellar/stellar-sdk/xdr';
import { connectorError } from '../../../connector/errors.ts';
import { createRecords } from '../../../connector/transactions/records.ts';
import type { BuildState, Intent } from '../../../connector/transactions/types.ts';
import { trader } from '../../sandbox/testing.ts';
import { createRig, intentOf, never, type Rig, sell, UNIT } from './rig.ts';

describe('connector/transactions: faults around an envelope', () => {
  let rig: Rig;
  afterEach(() => rig.stop());

  const run = (...intents: Intent[]) =>
    rig.time.run(Promise.allSettled(intents.map((intent) => rig.engine.run(intent, never))));
  const codes = (settled: PromiseSettledResult<unknown>[]): string[] =>
    settled.map((it) => (it.status === 'fulfilled' ? 'applied' : it.reason.code));
  const mine = () =>
    [...rig.network.state.entries()].flatMap((it) =>
      it.type === 'offer' && it.seller === trader.publicKey() ? [it] : [],
    );
  const amountsOf = (envelope: xdr.TransactionEnvelope): bigint[] =>
    envelope.type !== 'envelopeTypeTx'
      ? []
      : envelope.v1.tx.operations.map(({ body }) =>
          body.type === 'manageSellOffer' ? body.manageSellOfferOp.amount : -1n,
        );

  it('the signer names the operation that it refuses: exactly its order fails, the others go on at once', async () => {
    rig = createRig();
    rig.faults.refuse = (envelope) => {
      const at = amountsOf(envelope).findIndex((amount) => amount === 3n * UNIT || amount === 7n * UNIT);
      return at < 0 ? undefined : { field: 'price-out-of-collar', part: `operations[${at}].price` };
    };
    const pairs = [1n, 3n, 5n, 7n].map((n) => intentOf(`i${n}`, [sell(n * UNIT), sell((n + 1n) * UNIT)]));
    const settled = await run(...pairs);
    assert.deepEqual(codes(settled), ['applied', 'signer-refused', 'applied', 'signer-refused']);
    assert.equal(rig.asked.length, 3, 'not halved');
    assert.deepEqual(
      mine().map(({ amount }) => amount / UNIT),
      [1n, 2n, 5n, 6n],
    );
  });

  const lost = () => ({ kind: 'unknown', reason: '504' }) as const;
  const tooMuch = () => sell(10n ** 15n);

  it('@security one that was to be tried again and was not: its end is kept, and told to its owner once', async () => {
    rig = createRig();
    const ends: string[] = [];
    let plans = 0;
    const good = intentOf('good', [sell(UNIT)], {
      async plan() {
        if (++plans > 1) throw connectorError('no-route-found', 'the market has gone');
        return { operations: [sell(UNIT)], spends: new Map() };
      },
      ended: (ending) => void ends.push(ending.kind === 'applied' ? 'applied' : ending.code!),
    });
    assert.deepEqual(codes(await run(good, intentOf('bad', [tooMuch()]))), [
      'no-route-found',
      'insufficient-balance',
    ]);
    assert.deepEqual(ends, ['no-route-found']);
    assert.equal(rig.engine.intent('good')!.state, 'ended');
    rig.restart().resume();
    await rig.time.pass(1_000);
    assert.deepEqual(rig.recovered, []);
  });

  it('@security an ending that could not be written is written when it can be', async () => {
    rig = createRig();
    let full = true;
    const ended = () => {
      if (full) throw connectorError('state-unavailable', 'the disk is full');
    };
    assert.deepEqual(codes(await run(intentOf('a', [sell(UNIT)], { ended }))), ['applied']);
    assert.equal(rig.engine.intent('a')!.state, 'in-flight');
    full = false;
    await rig.time.pass(60_000);
    assert.equal(rig.engine.intent('a')!.ending?.kind, 'applied');
  });

  it('@security follows what was sent also when sending it failed in a way that nobody foresaw', async () => {
    rig = createRig();
    let nth = 0;
    rig.faults.submit = (_, pass) => {
      if (++nth > 1) return pass();
      pass();
      throw new Error('a fault of ours');
    };
    assert.deepEqual(codes(await run(intentOf('a', [sell(UNIT)]))), ['applied']);
    assert.equal(mine().length, 1);
  });

  it('goes on after the clock was set back while an account was held', async () => {
    rig = createRig();
    let ahead = 4_000;
    rig.modules.now = () => rig.time.now() + ahead;
    rig.restart().resume();
    rig.faults.submit = lost;
    assert.deepEqual(codes(await run(intentOf('a', [sell(UNIT)]))), ['transaction-failed']);
    ahead = 0;
    rig.faults.submit = undefined as never;
    assert.deepEqual(codes(await run(intentOf('b', [sell(UNIT)]))), ['applied']);
  });

  it('deletions that failed with an order of another kind are tried again among themselves', async () => {
    rig = createRig();
    await run(intentOf('old', [sell(UNIT)]));
    const deletion = intentOf('d', [sell(0n, mine()[0]!.id)], { lane: 'delete' });
    const first = [deletion, intentOf('bad', [tooMuch()])].map((it) => rig.engine.run(it, never));
    await rig.time.pass(0);
    const later = rig.engine.run(intentOf('bad too', [tooMuch()]), never);
    const settled = await rig.time.run(Promise.allSettled([...first, later]));
    assert.deepEqual(codes(settled), ['applied', 'insufficient-balance', 'insufficient-balance']);
    assert.deepEqual(
      rig.asked.slice(1).map((it) => amountsOf(it).length),
      [2, 1, 1],
    );
    assert.deepEqual(amountsOf(rig.asked[2]!), [0n]);
  });

  it('a swap has its turn though deletions fill every transaction', async () => {
    const fees = { perOperation: 20_000n, perTransaction: 2_020_000n, percentile: 90 as const };
    rig = createRig({ options: { fees: { ...fees, maxOperations: 1, maxTimeBoundSeconds: 110 } } });
    for (let n = 0; n < 5; n++) await run(intentOf(`old${n}`, [sell(UNIT)]));
    const order: string[] = [];
    const note = (intent: Intent) => ({ ...intent, signed: () => void order.push(intent.id) });
    const all = mine().map(({ id }, n) => note(intentOf(`d${n}`, [sell(0n, id)], { lane: 'delete' })));
    all.push(note(intentOf('swap', [sell(UNIT)], { shared: false })));
    assert.ok(codes(await run(...all)).every((code) => code === 'applied'));
    assert.equal(order.indexOf('swap'), 1);
  });

  it('a number that no ledger has used, though a server said so, is given up after the refusal', async () => {
    rig = createRig();
    const receipt = await rig.time.run(rig.engine.run(intentOf('a', [sell(UNIT)]), never));
    const { transaction } = rig.modules.ledger;
    rig.modules.ledger.transaction = async (hash, signal) => {
      const truth = await transaction(receipt.hash, signal);
      return 'found' in truth ? { found: { ...truth.found, hash } } : truth;
    };
    rig.faults.submit = () => ({ kind: 'try-again' });
    await run(intentOf('b', [sell(UNIT)]));
    rig.modules.ledger.transaction = transaction;
    rig.faults.submit = undefined as never;
    assert.deepEqual(codes(await run(intentOf('c', [sell(UNIT)]))), ['applied']);
    assert.equal(mine().length, 2);
  });

  it('takes no number from an old transaction that was taken up', async () => {
    rig = createRig();
    const ended = () => {
      throw new Error('it cannot be written');
    };
    await run(intentOf('a', [sell(UNIT)], { ended }));
    await run(intentOf('b', [sell(UNIT)]));
    await rig.time.pass(120_000);
    rig.restart().resume();
    await rig.time.pass(5_000);
    rig.events.length = 0;
    assert.deepEqual(codes(await run(intentOf('c', [sell(UNIT)]))), ['applied']);
    assert.ok(!rig.events.includes('submitted refused'));
  });

  it('a plan that hangs holds up nobody for long, and no shutdown', async () => {
    rig = createRig();
    await run(intentOf('old', [sell(UNIT)]));
    const plan = () => new Promise<never>(() => undefined);
    const deletion = intentOf('d', [sell(0n, mine()[0]!.id)], { lane: 'delete' });
    assert.deepEqual(codes(await run(deletion, intentOf('hangs', [], { plan }))), [
      'applied',
      'ledger-unreachable',
    ]);
    const hangs = rig.engine.run(intentOf('hangs too', [], { plan }), never);
    await rig.time.pass(100);
    await rig.time.run(Promise.allSettled([rig.engine.drain(1_000), hangs]));
    await assert.rejects(hangs, { code: 'shutting-down' });
  });

  it('places and deletes at the base fee when nobody tells what others bid', async () => {
    rig = createRig();
    rig.modules.ledger.feeStatistics = async () => {
      throw connectorError('ledger-unreachable', 'no fee_stats');
    };
    assert.deepEqual(codes(await run(intentOf('a', [sell(UNIT)]))), ['applied']);
  });

  it('@security a row that cannot be read stops no other, and not the process', async () => {
    rig = createRig({ channels: 1 });
    rig.faults.submit = lost;
    rig.engine.run(intentOf('a', [sell(UNIT)]), never).catch(() => undefined);
    await rig.time.pass(100);
    await rig.time.run(rig.engine.drain(0));
    rig.state.db.exec("UPDATE transactions_intents SET payload = 'not JSON'");
    rig.faults.submit = undefined as never;
    rig.restart().resume();
    await rig.time.pass(1_000);
    assert.ok(rig.events.some((it) => it.startsWith('unsaved')));
  });

  it('@security an old transaction of which no server can tell holds up neither the account nor the others', async () => {
    rig = createRig();
    const records = createRecords(rig.state, rig.modules.now);
    const keepOld = (id: string, secondsAgo: number): string => {
      const signedAt = rig.time.now() - secondsAgo * 1_000;
      const hash = id.repeat(64);
      const maxTime = Math.floor(signedAt / 1_000) + 30;
      const source = trader.publicKey();
      records.add(
        {
          ...{ hash, envelopeXdr: 'AAAA', bumpXdr: undefined, source, sequence: 1n, fee: 100n, maxTime },
          ...{ deletions: false, operations: 1, signedAt },
        },
        [{ id, hash, kind: 'test', payload: null, first: 0, count: 1, ending: undefined }],
      );
      return hash;
    };
    const older = keepOld('a', 90_000);
    keepOld('b', 600);
    const { transaction } = rig.modules.ledger;
    const since: number[] = [];
    rig.modules.ledger.transaction = async (hash, signal, signedAfter) => {
      since.push(rig.time.now() - signedAfter!);
      if (hash === older) throw connectorError('ledger-stale', 'the history does not reach back so far');
      return transaction(hash, signal);
    };
    rig.restart().resume();
    assert.deepEqual(codes(await run(intentOf('new', [sell(UNIT)]))), ['applied']);
    await rig.time.pass(10_000);
    assert.deepEqual(
      rig.recovered.map(({ intent, ending }) => [intent.id, ending.kind]),
      [['b', 'dead']],
    );
    assert.ok(
      since.some((ms) => ms >= 90_000_000),
      'the ledger is told how far back history must reach',
    );
  });

  it('an order that what is in flight leaves no funds for waits for its end once, then is told so', async () => {
    rig = createRig({ channels: 2 });
    const native = new Map([['native', UNIT]]);
    const plan = async ({ reserved }: BuildState) => {
      if (reserved.has('native')) throw connectorError('insufficient-balance', 'too little');
      return { operations: [sell(UNIT)], spends: native };
    };
    const swap = (id: string, more: Partial<Intent> = {}) =>
      rig.engine.run(intentOf(id, [], { plan, shared: false, ...more }), never);
    const first = swap('a');
    await rig.time.pass(0);
    const poor = async () => {
      throw connectorError('insufficient-balance', 'too little');
    };
    const settled = await rig.time.run(Promise.allSettled([first, swap('b'), swap('c', { plan: poor })]));
    assert.deepEqual(codes(settled), ['applied', 'applied', 'insufficient-balance']);
    assert.equal(rig.engine.load().waiting, 0);
  });

  it('says with each submission which one of the envelope it is', async () => {
    rig = createRig();
    const { submit } = rig.modules.ledger;
    const attempts: (number | undefined)[] = [];
    rig.modules.ledger.submit = (envelopeXdr, signal, attempt) => {
      attempts.push(attempt);
      return submit(envelopeXdr, signal);
    };
    let nth = 0;
    rig.restart().resume();
    rig.faults.submit = (_, pass) => (++nth < 3 ? lost() : pass());
    await run(intentOf('a', [sell(UNIT)]));
    assert.deepEqual(attempts.slice(0, 3), [0, 1, 2]);
  });

  describe('durability', () => {
    it('@security nothing is sent that could not be kept', async () => {
      rig = createRig();
      const signed = (): never => {
        throw connectorError('state-unavailable', 'the disk is full');
      };
      assert.deepEqual(codes(await run(intentOf('a', [sell(UNIT)], { signed }))), ['state-unavailable']);
      assert.deepEqual(rig.sent, []);
      assert.equal(rig.engine.intent('a'), undefined);
    });

    it('@security the ending is kept before it is told', async () => {
      rig = createRig();
      const seen: string[] = [];
      const ended = (): void => void seen.push(rig.engine.intent('a')!.state);
      const { hash } = await rig.time.run(rig.engine.run(intentOf('a', [sell(UNIT)], { ended }), never));
      assert.equal(rig.engine.lookup(hash)!.ending?.kind, 'applied');
      assert.equal(seen.length, 1);
    });

    it('@security an id that is known is a conflict, in flight, ended and after a restart', async () => {
      rig = createRig();
      const first = rig.engine.run(intentOf('a', [sell(UNIT)]), never);
      assert.deepEqual(codes(await run(intentOf('a', [sell(UNIT)]))), ['conflict']);
      await rig.time.run(first);
      assert.deepEqual(codes(await run(intentOf('a', [sell(UNIT)]))), ['conflict']);
      rig.restart().resume();
      assert.deepEqual(codes(await run(intentOf('a', [sell(UNIT)]))), ['conflict']);
      assert.equal(mine().length, 1);
    });

    it('@security another process follows what was sent to its end, and tells its owner once', async () => {
      rig = createRig();
      rig.faults.submit = () => ({ kind: 'unknown', reason: 'lost' });
      const abandoned = rig.engine.run(intentOf('a', [sell(UNIT)]), never);
      abandoned.catch(() => undefined);
      await rig.time.pass(1_000);
      rig.faults.submit = undefined as never;
      const drained = rig.engine.drain(0);
      await rig.time.run(drained);
      await assert.rejects(abandoned, { code: 'transaction-timeout' });
      rig.sent.length = 0;
      rig.restart().resume();
      assert.equal(rig.engine.intent('a')!.state, 'in-flight');
      await rig.time.pass(30_000);
      assert.deepEqual(
        rig.recovered.map(({ intent, ending }) => [intent.id, intent.payload, ending.kind]),
        [['a', { id: 'a' }, 'applied']],
      );
      assert.equal(mine().length, 1);
      assert.equal(rig.asked.length, 1);
      rig.restart().resume();
      await rig.time.pass(30_000);
      assert.equal(rig.recovered.length, 1);
    });
  });
});
