import assert from 'node:assert/strict';
import { Keypair, StrKey } from '@stellar/stellar-sdk';
import { resume } from '../../sidecar/journal/state.ts';
import { keystoreFault } from '../../sidecar/keystore/keystore.ts';
import { parsePolicies } from '../../sidecar/policy/load.ts';
import { createSigner } from '../../sidecar/sign.ts';
import { type Call, createPlace, faultyDisk, type Place } from './journal/fixtures.ts';
import { PASSPHRASE } from './signer.ts';
import { buildTransaction, policyYaml, type SwapOptions } from './transactions.ts';

const KEY = Keypair.fromRawEd25519Seed(Buffer.alloc(32, 3));
const ACCOUNT = KEY.publicKey();
/** Room for the fees of two transactions. */
const SPEC = { fees: { window: { amount: '250', seconds: 60 } } };

/** The order reserve → sign → verify → journal → release, on a real journal whose disk and a key whose answers the test commands. */
describe('order of a signature @security', () => {
  let place: Place;
  let fake: ReturnType<typeof faultyDisk>;
  let steps: string[];
  let keystore: (message: Buffer) => Promise<Buffer>;
  const start = async () => {
    const journal = await place.open({ account: ACCOUNT, disk: fake.disk, now: () => new Date() });
    const { sequences, windows } = resume(journal.restored, Date.now, Date.now);
    const signer = createSigner({
      account: ACCOUNT,
      publicKey: Buffer.from(StrKey.decodeEd25519PublicKey(ACCOUNT)),
      networkPassphrase: PASSPHRASE,
      keystore: {
        sign: async (message) => {
          steps.push('sign');
          return keystore(message);
        },
      },
      policies: () =>
        parsePolicies([{ name: 'p.yaml', bytes: Buffer.from(policyYaml(ACCOUNT, SPEC)) }], ACCOUNT),
      journal,
      sequences,
      windows,
      rate: {
        ordinary: { has: () => true, take: () => undefined },
        deletions: { has: () => true, take: () => undefined },
      },
      now: Date.now,
      windowClock: Date.now,
      metrics: { requests: { inc: () => undefined } } as unknown as Parameters<
        typeof createSigner
      >[0]['metrics'],
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    const sign = (changes: Partial<SwapOptions> = {}, signal = AbortSignal.timeout(60_000)) =>
      signer.sign({ envelopeXdr: buildTransaction({ account: ACCOUNT, ...changes }).toXDR() }, signal);
    return { journal, sign };
  };
  const restart = async () => {
    fake.faults.before = async () => undefined;
    await place.closeAll();
    return start();
  };
  const fail = (...calls: Call[]) => {
    fake.faults.before = async (call) => {
      if (calls.includes(call)) throw new Error('EIO: i/o error');
    };
  };
  const signedLines = () => place.types().filter((type) => type === 'signed').length;
  beforeEach(() => {
    place = createPlace();
    fake = faultyDisk();
    steps = [];
    keystore = async (message) => Buffer.from(KEY.sign(message));
  });
  afterEach(async () => {
    fake.faults.before = async () => undefined;
    await place.remove();
  });

  it('reserves before it signs: while the key works neither sequence nor room can be had again', async () => {
    const { sign } = await start();
    let finish: () => void = () => undefined;
    const working = new Promise<void>((resolve) => {
      finish = resolve;
    });
    keystore = async (message) => {
      await working;
      return Buffer.from(KEY.sign(message));
    };
    const first = sign({ sequence: '1' });
    await assert.rejects(sign({ sequence: '1', fee: '101' }), { code: 'sequence-live' });
    await assert.rejects(sign({ sequence: '2', fee: '151' }), { code: 'window-exhausted' });
    assert.deepEqual(steps, ['sign']);
    finish();
    await first;
  });

  it('signs before it journals, and journals nothing when there is no signature', async () => {
    const { sign } = await start();
    keystore = async () => {
      assert.equal(signedLines(), 0);
      throw keystoreFault('keystore-failed', 'a signature that does not verify');
    };
    await assert.rejects(sign({ sequence: '1' }), { code: 'keystore-unavailable' });
    assert.equal(signedLines(), 0);
    keystore = async (message) => Buffer.from(KEY.sign(message));
    // What was reserved stays so, and the sequence is free: nothing can have left.
    await assert.rejects(sign({ sequence: '1', fee: '151' }), { code: 'window-exhausted' });
    await sign({ sequence: '1', fee: '101' });
    assert.equal(signedLines(), 1);
  });

  it('releases only what is on the disk', async () => {
    const { sign } = await start();
    let reached: () => void = () => undefined;
    let finish: () => void = () => undefined;
    const syncing = new Promise<void>((resolve) => {
      reached = resolve;
    });
    fake.faults.before = (call) => {
      if (call !== 'datasync') return Promise.resolve();
      reached();
      return new Promise((resolve) => {
        finish = resolve;
      });
    };
    let isReleased = false;
    const answer = sign({ sequence: '1' }).then((response) => {
      isReleased = true;
      return response;
    });
    await syncing;
    await new Promise(setImmediate);
    assert.deepEqual([steps, isReleased, signedLines()], [['sign'], false, 1]);
    fake.faults.before = async () => undefined;
    finish();
    const { hash } = await answer;
    const { event } = place.lines().find((line) => line.event.type === 'signed')!;
    assert.ok(event.type === 'signed' && event.hash === hash);
  });

  for (const call of ['write', 'datasync'] as const)
    it(`releases nothing when ${call} fails, keeps the sequence, and signs again when the disk does`, async () => {
      const { journal, sign } = await start();
      fail(call);
      await assert.rejects(sign({ sequence: '1' }), { code: 'journal-unavailable' });
      await assert.rejects(sign({ sequence: '2' }), { code: 'journal-unavailable' });
      assert.deepEqual(steps, ['sign']);
      fake.faults.before = async () => undefined;
      await journal.tick();
      await assert.rejects(sign({ sequence: '1', fee: '101' }), { code: 'sequence-live' });
      await sign({ sequence: '3' });
      await assert.rejects(sign({ sequence: '4' }), { code: 'window-exhausted' });
    });

  it('lets a request go at its deadline while the disk is slow, and refuses others at once', async () => {
    const { sign } = await start();
    let finish: () => void = () => undefined;
    fake.faults.before = (call) =>
      call === 'datasync'
        ? new Promise((resolve) => {
            finish = resolve;
          })
        : Promise.resolve();
    const deadline = new AbortController();
    const answer = sign({ sequence: '1' }, deadline.signal);
    while (signedLines() === 0) await new Promise(setImmediate);
    deadline.abort();
    await assert.rejects(answer, { code: 'journal-unavailable' });
    place.pass(2_000);
    await assert.rejects(sign({ sequence: '2' }), { code: 'journal-unavailable' });
    assert.deepEqual(steps, ['sign']);
    fake.faults.before = async () => undefined;
    finish();
  });

  it('knows after a restart what it released before, and what it only may have', async () => {
    let { sign } = await start();
    const envelope = await sign({ sequence: '1' });
    ({ sign } = await restart());
    await assert.rejects(sign({ sequence: '1', fee: '101' }), { code: 'sequence-live' });
    await assert.rejects(sign({ sequence: '2', fee: '151' }), { code: 'window-exhausted' });
    assert.deepEqual((await sign({ sequence: '1' })).hash, envelope.hash);
    fail('datasync');
    await assert.rejects(sign({ sequence: '5' }), { code: 'journal-unavailable' });
    // Its line is on the disk all the same: a process that dies now has released nothing, and blocks the sequence.
    ({ sign } = await restart());
    await assert.rejects(sign({ sequence: '5', fee: '50' }), { code: 'sequence-live' });
  });
});
