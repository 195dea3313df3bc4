import assert from 'node:assert/strict';
import { StrKey } from '@stellar/stellar-sdk/base';
import * as xdr from '@stellar/stellar-sdk/xdr';
import {
  buildBump,
  buildTransaction,
  checkSigned,
  envelopeHash,
  isDeletion,
} from '../../../connector/transactions/envelope.ts';
import { createKey, decodeEnvelope, hashOf, signature, withSignatures } from '../software-signer.ts';
import { sell, UNIT } from './rig.ts';

const PASSPHRASE = 'Stellar Sandbox Network ; 2026';
const key = createKey();
const channel = createKey().account;

const prepare = (amount = UNIT, source = key.account) =>
  buildTransaction({
    ...{ account: key.account, source, networkPassphrase: PASSPHRASE },
    ...{ sequence: 42n, fee: 200n, maxTime: 1_800_000_030, operations: [sell(amount)] },
  });

const prepared = prepare();
const { tx } = decodeEnvelope(prepared.envelopeXdr).v1;
const hash = hashOf(tx, PASSPHRASE);
const right = signature(hash, key);
const check = (envelopeXdr: string): void => checkSigned(prepared, envelopeXdr, key.account);
const refused = { code: 'signer-untrusted' };

describe('connector/transactions/envelope', () => {
  const sourceOf = (account: xdr.MuxedAccount | null) =>
    account && StrKey.encodeEd25519PublicKey((account.value as xdr.Uint256Bytes).toBytes());

  it('builds a transaction with its number, its end, and operations of the account', () => {
    assert.equal(prepared.hash, hash.toString('hex'));
    assert.equal(envelopeHash(prepared.envelopeXdr, PASSPHRASE), prepared.hash);
    assert.equal(tx.seqNum, 42n);
    assert.equal(tx.fee, 200);
    assert.equal(tx.cond.type === 'precondTime' && tx.cond.timeBounds.maxTime, 1_800_000_030n);
    assert.equal(sourceOf(tx.sourceAccount), key.account);
    assert.equal(tx.operations[0]!.sourceAccount, null);
  });

  it('@security names the account in each operation when a channel gives the number', () => {
    const of = decodeEnvelope(prepare(UNIT, channel).envelopeXdr).v1.tx;
    assert.equal(sourceOf(of.sourceAccount), channel);
    assert.equal(sourceOf(of.operations[0]!.sourceAccount), key.account);
  });

  it('puts a fee bump around the very same signed envelope, known by the inner hash', () => {
    const signed = withSignatures(tx, [right]);
    const bump = buildBump(signed, { feeSource: channel, fee: 4_000n, networkPassphrase: PASSPHRASE });
    const envelope = xdr.TransactionEnvelope.fromXdr(bump.envelopeXdr, 'base64');
    assert.ok(envelope.type === 'envelopeTypeTxFeeBump');
    const inner = envelope.feeBump.tx.innerTx;
    assert.equal(xdr.TransactionEnvelope.envelopeTypeTx(inner.v1).toXdr('base64'), signed);
    assert.equal(envelope.feeBump.tx.fee, 4_000n);
    assert.equal(sourceOf(envelope.feeBump.tx.feeSource), channel);
    assert.notEqual(bump.hash, prepared.hash);
    assert.equal(envelopeHash(bump.envelopeXdr, PASSPHRASE), prepared.hash);

    const hashed = Buffer.from(bump.hash, 'hex');
    const signedBump = (signatures: xdr.DecoratedSignature[], fee = 4_000n): string => {
      const { feeBump } = envelope;
      const changed = new xdr.FeeBumpTransaction({ ...feeBump.tx, fee } as never);
      const tx = fee === 4_000n ? feeBump.tx : changed;
      const whole = new xdr.FeeBumpTransactionEnvelope({ tx, signatures });
      return xdr.TransactionEnvelope.envelopeTypeTxFeeBump(whole).toXdr('base64');
    };
    checkSigned(bump, signedBump([signature(hashed, key)]), key.account);
    assert.throws(() => checkSigned(bump, signedBump([right]), key.account), refused);
    assert.throws(() => checkSigned(bump, signedBump([]), key.account), refused);
    assert.throws(() => checkSigned(bump, signed, key.account), refused);
  });

  it('knows deletions of offers from everything else', () => {
    assert.deepEqual([sell(0n, 7n), sell(0n, 0n), sell(1n, 7n)].map(isDeletion), [true, false, false]);
  });

  it('takes the same bytes with the account’s one signature', () => {
    assert.doesNotThrow(() => check(withSignatures(tx, [right])));
  });

  it('@security refuses another transaction, also a rightly signed one', () => {
    const other = decodeEnvelope(prepare(2n * UNIT).envelopeXdr).v1.tx;
    assert.throws(() => check(withSignatures(other, [signature(hashOf(other, PASSPHRASE), key)])), refused);
    assert.throws(() => check(withSignatures(other, [right])), refused);
  });

  it('@security refuses no signature, an extra one, and the same one twice', () => {
    assert.throws(() => check(withSignatures(tx, [])), refused);
    assert.throws(() => check(prepared.envelopeXdr), refused);
    assert.throws(() => check(withSignatures(tx, [right, signature(hash, createKey())])), refused);
    assert.throws(() => check(withSignatures(tx, [right, right])), refused);
  });

  it('@security refuses a signature that does not verify, of another key, another network or another length', () => {
    const flipped = Buffer.from(right.signature.toBytes());
    flipped[3]! ^= 1;
    const bad = new xdr.DecoratedSignature({ hint: right.hint, signature: flipped });
    assert.throws(() => check(withSignatures(tx, [bad])), refused);
    const foreign = signature(hash, createKey());
    assert.throws(() => check(withSignatures(tx, [foreign])), refused);
    const disguised = new xdr.DecoratedSignature({ hint: right.hint, signature: foreign.signature });
    assert.throws(() => check(withSignatures(tx, [disguised])), refused);
    assert.throws(() => check(withSignatures(tx, [signature(hashOf(tx, 'other'), key)])), refused);
    const hint = new xdr.DecoratedSignature({ hint: Buffer.alloc(4), signature: right.signature });
    assert.throws(() => check(withSignatures(tx, [hint])), refused);
    const short = new xdr.DecoratedSignature({ hint: right.hint, signature: flipped.subarray(0, 60) });
    assert.throws(() => check(withSignatures(tx, [short])), refused);
  });

  it('@security refuses bytes after the envelope, cut ones, and base64 of another spelling', () => {
    const signed = withSignatures(tx, [right]);
    const bytes = Buffer.from(signed, 'base64');
    assert.throws(() => check(Buffer.concat([bytes, Buffer.alloc(4)]).toString('base64')), refused);
    assert.throws(() => check(bytes.subarray(0, -4).toString('base64')), refused);
    assert.throws(() => check(`${signed}\n`), refused);
    assert.throws(() => check(''), refused);
  });
});
