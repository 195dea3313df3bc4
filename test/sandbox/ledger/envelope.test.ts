import assert from 'node:assert/strict';
import { Account, Memo, Operation, TransactionBuilder, xdr } from '@stellar/stellar-sdk/base';
import { envelope, market, PASSPHRASE, strictSend, trader, usdc } from '../testing.ts';
import { decodeEnvelope } from './envelope.ts';
import { MalformedEnvelope, Refused } from './errors.ts';
import { feeBumpOf, keyOf, pay, transactionOf, XLM } from './testing.ts';
import { validate } from './validate.ts';

describe('reading an envelope', () => {
  const build = (change: (builder: TransactionBuilder) => TransactionBuilder): string => {
    const builder = new TransactionBuilder(new Account(trader.publicKey(), '1'), {
      fee: '100',
      networkPassphrase: PASSPHRASE,
      timebounds: { minTime: 0, maxTime: 0 },
    });
    return change(builder).build().toEnvelope().toXdr('base64');
  };
  const refused = (what: string) => (error: unknown) => error instanceof Refused && error.what === what;

  it('says what is no envelope', () => {
    const good = envelope([strictSend()]);
    const trailing = Buffer.concat([Buffer.from(good, 'base64'), Buffer.alloc(4)]).toString('base64');
    for (const bad of ['', '!!!', 'AAAA', 'tx=', trailing, `${good} `]) {
      assert.throws(() => decodeEnvelope(bad, PASSPHRASE), MalformedEnvelope);
    }
  });

  it('refuses by name what a network would take and this one cannot do', () => {
    const clawback = Operation.clawback({ asset: usdc, amount: '1', from: trader.publicKey() });
    const inSecond = build((builder) => builder.addOperation(strictSend()).addOperation(clawback));
    assert.throws(() => decodeEnvelope(inSecond, PASSPHRASE), refused('clawback'));
    assert.throws(() => decodeEnvelope(inSecond, PASSPHRASE), /clawback \(operation 1\)/);
  });

  it('computes the hash that the SDK computes, and keeps every kind of memo', () => {
    const memos = [
      Memo.none(),
      Memo.text('hé'),
      Memo.id('7'),
      Memo.hash('ab'.repeat(32)),
      Memo.return('cd'.repeat(32)),
    ];
    for (const memo of memos) {
      const text = build((builder) => builder.addOperation(strictSend()).addMemo(memo));
      const transaction = TransactionBuilder.fromXdr(text, PASSPHRASE);
      const read = decodeEnvelope(text, PASSPHRASE);
      assert.equal(read.hash, Buffer.from(transaction.hash()).toString('hex'));
      assert.equal(read.memo.type, memo.type);
    }
  });

  it("finds a classic transaction with Soroban's data malformed, as core does", () => {
    const json = xdr.TransactionEnvelope.fromXdr(envelope([strictSend()]), 'base64').toJson();
    const { tx, signatures } = (json as unknown as { tx: { tx: object; signatures: unknown } }).tx;
    const resources = {
      footprint: { read_only: [], read_write: [] },
      instructions: 0,
      disk_read_bytes: 0,
      write_bytes: 0,
    };
    const ext = { v1: { ext: 'v0', resources, resource_fee: '0' } };
    const text = xdr.TransactionEnvelope.fromJson({ tx: { tx: { ...tx, ext }, signatures } } as never);
    const transaction = decodeEnvelope(text.toXdr('base64'), PASSPHRASE);
    assert.equal(validate(market().state, transaction, 0n)?.code, 'tx_malformed');
  });

  it('reads an envelope of before protocol 13 as one of today with the same hash', () => {
    const today = transactionOf('alice', [pay('bob', XLM, 1n)]);
    const { tx, signatures } = (
      xdr.TransactionEnvelope.fromXdr(today.envelopeXdr, 'base64').toJson() as unknown as {
        tx: { tx: Record<string, unknown>; signatures: unknown };
      }
    ).tx;
    const { source_account: _, cond: __, ...rest } = tx;
    const key = Buffer.from(keyOf('alice').rawPublicKey()).toString('hex');
    const old = xdr.TransactionEnvelope.fromJson({
      tx_v0: { tx: { ...rest, source_account_ed25519: key, time_bounds: null }, signatures },
    } as never).toXdr('base64');
    assert.notEqual(old, today.envelopeXdr);
    assert.deepEqual(decodeEnvelope(old, PASSPHRASE), today);
  });

  it('knows a fee bump by a hash of its own, and its inner transaction by the one that it had', () => {
    const inner = transactionOf('alice', [pay('bob', XLM, 1n)]);
    const bump = feeBumpOf('bob', inner, 400n);
    const sdk = TransactionBuilder.fromXdr(bump.envelopeXdr, PASSPHRASE);
    assert.equal(bump.hash, Buffer.from(sdk.hash()).toString('hex'));
    assert.equal(bump.innerHash, inner.hash);
    assert.deepEqual([bump.source, bump.feeBump?.fee], [inner.source, 400n]);
  });
});
