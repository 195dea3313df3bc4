import assert from 'node:assert/strict';
import {
  Asset,
  type FeeBumpTransaction,
  Keypair,
  Operation,
  StrKey,
  type Transaction,
  TransactionBuilder,
} from '@stellar/stellar-sdk';
import { signerError } from '../../sidecar/errors.ts';
import type { JournalEvent } from '../../sidecar/journal/entry.ts';
import { createSequences } from '../../sidecar/journal/sequences.ts';
import { createWindows } from '../../sidecar/journal/windows.ts';
import { keystoreFault } from '../../sidecar/keystore/keystore.ts';
import { parsePolicies } from '../../sidecar/policy/load.ts';
import { createSigner } from '../../sidecar/sign.ts';
import { PASSPHRASE } from './signer.ts';
import { buildTransaction, policyYaml, type SwapOptions, USDC } from './transactions.ts';

const KEY = Keypair.fromRawEd25519Seed(Buffer.alloc(32, 3));
const ACCOUNT = KEY.publicKey();
const { signal } = new AbortController();

/** The pipeline with real rules and state around a key store and a journal that the test commands. */
function setup(spec: Record<string, unknown> = {}) {
  const steps: string[] = [];
  const taken: string[] = [];
  const events: JournalEvent[] = [];
  const state = {
    keystore: async (message: Buffer): Promise<Buffer> => Buffer.from(KEY.sign(message)),
    append: async (_event: JournalEvent): Promise<void> => undefined,
    journalFault: undefined as string | undefined,
    rate: true,
    standing: 'ready' as 'ready' | 'full' | 'unconfirmed',
  };
  const signer = createSigner({
    account: ACCOUNT,
    publicKey: Buffer.from(StrKey.decodeEd25519PublicKey(ACCOUNT)),
    networkPassphrase: PASSPHRASE,
    keystore: {
      sign: async (message) => {
        steps.push('sign');
        return state.keystore(message);
      },
    },
    policies: () =>
      parsePolicies([{ name: 'p.yaml', bytes: Buffer.from(policyYaml(ACCOUNT, spec)) }], ACCOUNT),
    journal: {
      append: async (event) => {
        await state.append(event);
        steps.push(event.type);
        events.push(event);
      },
      refuse: (event) => {
        steps.push(event.type);
        events.push(event);
      },
      standing: () => ({ state: state.standing }),
      fault: () => state.journalFault,
    },
    sequences: createSequences(() => BigInt(Math.floor(Date.now() / 1000)), Date.now),
    windows: createWindows(),
    rate: {
      ordinary: { has: () => state.rate, take: () => undefined },
      deletions: { has: () => true, take: () => void taken.push('deletions') },
    },
    now: Date.now,
    windowClock: Date.now,
    metrics: { requests: { inc: () => undefined } } as unknown as Parameters<
      typeof createSigner
    >[0]['metrics'],
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  // One transaction for the same changes, however many seconds later it is asked for.
  const built = new Map<string, string>();
  const sign = (changes: Partial<SwapOptions> = {}) => {
    const name = JSON.stringify({ ...changes, operations: changes.operations?.length });
    const envelopeXdr = built.get(name) ?? buildTransaction({ account: ACCOUNT, ...changes }).toXDR();
    built.set(name, envelopeXdr);
    return signer.sign({ envelopeXdr }, signal);
  };
  return { state, steps, taken, events, sign, signer };
}

describe('signing pipeline @security', () => {
  it('signs, then journals, then answers', async () => {
    const { steps, sign } = setup();
    await sign();
    assert.deepEqual(steps, ['sign', 'signed']);
  });

  it('releases nothing when the line cannot be written, and keeps the sequence taken', async () => {
    const { state, steps, sign } = setup();
    state.append = async (event) => {
      if (event.type === 'signed') throw signerError('journal-unavailable', 'disk full');
    };
    await assert.rejects(sign(), { code: 'journal-unavailable' });
    assert.deepEqual(steps, ['sign', 'refused']);
    state.append = async () => undefined;
    await assert.rejects(sign({ fee: '101' }), { code: 'sequence-live' });
  });

  it('does not even sign while the journal is known to be broken', async () => {
    const { state, steps, sign } = setup();
    state.journalFault = 'disk full';
    await assert.rejects(sign(), { code: 'journal-unavailable' });
    assert.deepEqual(steps, ['refused']);
  });

  it('answers the first reason when a refusal cannot be journaled either', async () => {
    const { state, sign } = setup();
    state.append = async () => {
      throw signerError('journal-unavailable', 'disk full');
    };
    await assert.rejects(sign({ fee: '20001' }), { code: 'fee-too-high' });
  });

  it('frees the sequence when no signature was made, and tells the client nothing of the token', async () => {
    const { state, events, sign } = setup();
    state.keystore = async () => {
      throw keystoreFault('keystore-failed', 'CKR_DEVICE_ERROR of token t in slot 7');
    };
    await assert.rejects(sign(), (error: { code: string; message: string }) => {
      assert.equal(error.code, 'keystore-unavailable');
      assert.doesNotMatch(error.message, /CKR|slot/);
      return true;
    });
    assert.equal(events.at(-1)!.type, 'refused');
    state.keystore = async (message) => Buffer.from(KEY.sign(message));
    await sign({ fee: '101' });
  });

  it('says overloaded when too many wait for the key', async () => {
    const { state, sign } = setup();
    state.keystore = async () => {
      throw keystoreFault('keystore-busy', 'too many');
    };
    await assert.rejects(sign(), { code: 'overloaded' });
  });

  it('keeps what it reserved in the windows when signing fails', async () => {
    const { state, sign } = setup({ fees: { window: { amount: '150', seconds: 60 } } });
    state.keystore = async () => {
      throw keystoreFault('keystore-failed', 'gone');
    };
    await assert.rejects(sign(), { code: 'keystore-unavailable' });
    state.keystore = async (message) => Buffer.from(KEY.sign(message));
    await assert.rejects(sign({ sequence: '200' }), { code: 'window-exhausted' });
  });

  it('counts a transaction once, however often it is signed, but asks today’s policy each time', async () => {
    const spec: Record<string, unknown> = { fees: { window: { amount: '250', seconds: 60 } } };
    const { state, events, sign, signer } = setup(spec);
    const envelopeXdr = buildTransaction({ account: ACCOUNT }).toXDR();
    const again = () => signer.sign({ envelopeXdr }, signal);
    const first = await again();
    for (let i = 0; i < 3; i++) assert.deepEqual(await again(), first);
    assert.deepEqual(
      events.map((event) => (event.type === 'signed' ? event.spends.length : event.type)),
      [2, 0, 0, 0],
    );
    await sign({ sequence: '200' });
    await assert.rejects(sign({ sequence: '300' }), { code: 'window-exhausted' });
    spec.killSwitch = true;
    await assert.rejects(again(), { code: 'kill-switch' });
    spec.killSwitch = false;
    state.rate = false;
    await assert.rejects(again(), { code: 'rate-exceeded' });
  });

  it('spends the room of a window once when two ask at the same time', async () => {
    const { sign } = setup({ fees: { window: { amount: '150', seconds: 60 } } });
    const outcomes = await Promise.allSettled([sign({ sequence: '1' }), sign({ sequence: '2' })]);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  });

  const spendsOf = (events: readonly JournalEvent[]) =>
    events.flatMap((event) => (event.type === 'signed' ? [event.spends] : []));

  it('counts what is asked for twice at the same time once, and writes so', async () => {
    const { events, sign } = setup({ fees: { window: { amount: '250', seconds: 60 } } });
    const answers = await Promise.all([sign(), sign(), sign()]);
    assert.equal(new Set(answers.map(({ envelopeXdr }) => envelopeXdr)).size, 1);
    assert.deepEqual(
      spendsOf(events).map(({ length }) => length),
      [2, 0, 0],
    );
    await sign({ sequence: '200' });
  });

  it('lets who waits for the same transaction try when the first has failed', async () => {
    const { state, events, sign } = setup();
    let calls = 0;
    state.keystore = async (message) => {
      calls++;
      if (calls === 1) throw keystoreFault('keystore-failed', 'gone');
      return Buffer.from(KEY.sign(message));
    };
    const [first, ...others] = await Promise.allSettled([sign(), sign(), sign()]);
    assert.deepEqual(
      [first!.status, ...others.map(({ status }) => status)],
      ['rejected', 'fulfilled', 'fulfilled'],
    );
    assert.deepEqual(
      spendsOf(events).map(({ length }) => length),
      [2, 0],
    );
  });

  it('does not begin for a client whose time passed while it waited for the same transaction', async () => {
    const { state, steps, signer } = setup();
    let finish: () => void = () => undefined;
    const working = new Promise<void>((resolve) => {
      finish = resolve;
    });
    state.keystore = async (message) => {
      await working;
      return Buffer.from(KEY.sign(message));
    };
    const envelopeXdr = buildTransaction({ account: ACCOUNT }).toXDR();
    const deadline = new AbortController();
    const answers = [signal, deadline.signal].map((one) => signer.sign({ envelopeXdr }, one));
    deadline.abort();
    finish();
    const [first, second] = await Promise.allSettled(answers);
    assert.equal(first!.status, 'fulfilled');
    assert.ok(second!.status === 'rejected' && second!.reason.code === 'overloaded');
    assert.deepEqual(steps, ['sign', 'signed', 'refused']);
  });

  it('writes with the next signature what was counted when no line could be written', async () => {
    const { state, events, sign } = setup();
    state.append = async () => {
      throw signerError('journal-unavailable', 'disk full');
    };
    await assert.rejects(sign(), { code: 'journal-unavailable' });
    state.append = async () => undefined;
    await sign();
    await sign();
    // A restart counts by the lines alone.
    assert.deepEqual(
      spendsOf(events).map(({ length }) => length),
      [2, 0],
    );
  });

  it('writes the whole fee of a transaction when a smaller bump of it failed', async () => {
    const { state, events, sign, signer } = setup();
    const { envelopeXdr } = await sign();
    state.keystore = async () => {
      throw keystoreFault('keystore-failed', 'gone');
    };
    await assert.rejects(signer.sign({ envelopeXdr: bump(envelopeXdr, '500') }, signal));
    state.keystore = async (message) => Buffer.from(KEY.sign(message));
    await signer.sign({ envelopeXdr: bump(envelopeXdr, '600') }, signal);
    const fees = spendsOf(events)
      .flat()
      .filter(({ kind }) => kind === 'fee');
    assert.equal(
      fees.reduce((sum, { amount }) => sum + BigInt(amount), 0n),
      1_200n,
    );
  });

  /** A bump of what was signed, by the account for a fee of 1,000 stroops unless said otherwise. */
  const bump = (envelopeXdr: string, fee = '500') => {
    const inner = TransactionBuilder.fromXDR(envelopeXdr, PASSPHRASE) as Transaction;
    return TransactionBuilder.buildFeeBumpTransaction(ACCOUNT, fee, inner, PASSPHRASE).toXDR();
  };

  it('signs a bump of what it signed, keeps the signature inside, and counts what exceeds the fee', async () => {
    const { events, sign, signer } = setup({ fees: { window: { amount: '1100', seconds: 60 } } });
    const inner = await sign();
    const envelopeXdr = bump(inner.envelopeXdr);
    const { envelopeXdr: signed, hash } = await signer.sign({ envelopeXdr }, signal);
    const read = TransactionBuilder.fromXDR(signed, PASSPHRASE) as FeeBumpTransaction;
    assert.equal(hash, Buffer.from(read.hash()).toString('hex'));
    assert.ok(KEY.verify(read.hash(), read.signatures[0]!.signature.toBytes()));
    assert.equal(read.innerTransaction.toEnvelope().toXdr('base64'), inner.envelopeXdr);
    const [, line] = events;
    assert.ok(line?.type === 'signed');
    assert.deepEqual(
      [line.inner, line.fee, line.spends],
      [inner.hash, '1000', [{ kind: 'fee', asset: 'XLM', amount: '900' }]],
    );
    await signer.sign({ envelopeXdr }, signal);
    const last = events.at(-1)!;
    assert.deepEqual(last.type === 'signed' && last.spends, [{ kind: 'fee', asset: 'XLM', amount: '0' }]);
    await sign({ sequence: '200' });
    await assert.rejects(sign({ sequence: '300', fee: '101' }), { code: 'window-exhausted' });
  });

  it('signs nothing that comes with a signature of somebody else', async () => {
    const { signer } = setup();
    const built = buildTransaction({ account: ACCOUNT });
    built.sign(KEY, Keypair.random());
    await assert.rejects(signer.sign({ envelopeXdr: built.toXDR() }, signal), {
      code: 'bad-signature',
      field: 'signatures[1]',
    });
    built.signatures.length = 1;
    await signer.sign({ envelopeXdr: built.toXDR() }, signal);
  });

  it('signs no bump of what it did not sign, or of what comes without our signature or with another', async () => {
    const { sign, signer } = setup();
    const unsigned = buildTransaction({ account: ACCOUNT });
    unsigned.sign(KEY);
    const never = bump(unsigned.toEnvelope().toXdr('base64'));
    await assert.rejects(signer.sign({ envelopeXdr: never }, signal), { code: 'inner-not-signed' });
    const { envelopeXdr } = await sign();
    const inner = TransactionBuilder.fromXDR(envelopeXdr, PASSPHRASE) as Transaction;
    const bare = TransactionBuilder.fromXDR(envelopeXdr, PASSPHRASE) as Transaction;
    bare.signatures.length = 0;
    inner.sign(Keypair.random());
    const twice = TransactionBuilder.fromXDR(envelopeXdr, PASSPHRASE) as Transaction;
    twice.sign(KEY);
    const cases: [Transaction, string][] = [
      [bare, 'innerTx.signatures'],
      [twice, 'innerTx.signatures[1]'],
      [inner, 'innerTx.signatures[1]'],
    ];
    for (const [transaction, field] of cases)
      await assert.rejects(
        signer.sign({ envelopeXdr: bump(transaction.toEnvelope().toXdr('base64')) }, signal),
        {
          code: 'bad-signature',
          field,
        },
      );
    await signer.sign({ envelopeXdr: bump(envelopeXdr) }, signal);
  });

  const deletion = Operation.manageSellOffer({
    selling: Asset.native(),
    buying: USDC,
    amount: '0',
    price: '1',
    offerId: '7',
  }) as unknown as NonNullable<SwapOptions['operations']>[number];

  it('still deletes offers under the kill switch, and says whose room that took', async () => {
    const { events, taken, sign } = setup({ killSwitch: true });
    await sign({ operations: [deletion] });
    assert.ok(events[0]!.type === 'signed');
    assert.equal(events[0].budget, 'deletions');
    // A repeat costs no fee: their own rate is what bounds its lines.
    await sign({ operations: [deletion] });
    assert.deepEqual(taken, ['deletions', 'deletions']);
    await assert.rejects(sign({ sequence: '300' }), { code: 'kill-switch' });
  });

  it('after the loss of a journal deletes offers alone, and with a broken or unconfirmed one not even those', async () => {
    const { state, sign } = setup();
    state.standing = 'full';
    await assert.rejects(sign(), { code: 'window-exhausted', message: /accept-loss/ });
    await sign({ operations: [deletion], sequence: '200' });
    state.standing = 'unconfirmed';
    await assert.rejects(sign({ operations: [deletion], sequence: '300' }), { code: 'journal-unconfirmed' });
    state.standing = 'ready';
    state.journalFault = 'disk full';
    await assert.rejects(sign({ operations: [deletion], sequence: '300' }), { code: 'journal-unavailable' });
  });
});
