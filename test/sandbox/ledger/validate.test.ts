import assert from 'node:assert/strict';
import { Account, Asset, Memo, Operation, TransactionBuilder } from '@stellar/stellar-sdk/base';
import {
  decoded,
  type EnvelopeOptions,
  envelope,
  keyOf,
  market,
  PASSPHRASE,
  START,
  strictReceive,
  strictSend,
  trader,
  usdc,
} from '../testing.ts';
import { decodeEnvelope } from './envelope.ts';
import { MalformedEnvelope, Refused } from './errors.ts';
import { horizonCodes } from './result.ts';
import { validate } from './validate.ts';

/** Seconds until the next close. */
const submit = 2n;

const codes = (operations: Parameters<typeof envelope>[0], options: EnvelopeOptions = {}) => {
  const result = validate(market().state, decoded(operations, options), submit);
  return result && horizonCodes(result);
};

describe('what may enter a ledger', () => {
  it('a path payment signed by its source for this network', () => {
    assert.equal(codes([strictSend()]), undefined);
  });

  it('without an operation: tx_missing_operation, with the fee of one', () => {
    const result = validate(market().state, decoded([], {}), submit);
    assert.deepEqual([result?.code, result?.feeCharged], ['tx_missing_operation', 100n]);
  });

  it('an upper time bound holds for a close that is two intervals ahead', () => {
    assert.equal(codes([strictSend()], { maxTime: START + 2 }), undefined);
    assert.deepEqual(codes([strictSend()], { maxTime: START + 1 }), { transaction: 'tx_too_late' });
  });

  it('a lower time bound is judged by the last close', () => {
    assert.equal(codes([strictSend()], { minTime: START }), undefined);
    assert.deepEqual(codes([strictSend()], { minTime: START + 1 }), { transaction: 'tx_too_early' });
  });

  it('100 stroops an operation are the least fee', () => {
    assert.deepEqual(codes([strictSend(), strictSend()], { fee: '99' }), {
      transaction: 'tx_insufficient_fee',
    });
    assert.equal(codes([strictSend(), strictSend()], { fee: '100' }), undefined);
  });

  it('needs the account, and exactly its next sequence number', () => {
    const stranger = keyOf('stranger');
    assert.deepEqual(codes([strictSend()], { source: stranger }), { transaction: 'tx_no_source_account' });
    for (const off of [0n, 2n]) {
      assert.deepEqual(codes([strictSend()], { sequence: (1n << 32n) + off }), { transaction: 'tx_bad_seq' });
    }
  });

  it('@security needs a signature of the source over the hash of this network', () => {
    assert.deepEqual(codes([strictSend()], { signers: [] }), { transaction: 'tx_bad_auth' });
    assert.deepEqual(codes([strictSend()], { signers: [keyOf('stranger')] }), { transaction: 'tx_bad_auth' });
    const elsewhere = decodeEnvelope(envelope([strictSend()], { passphrase: 'another network' }), PASSPHRASE);
    assert.equal(validate(market().state, elsewhere, submit)?.code, 'tx_bad_auth');
  });

  it('@security takes no signature that nobody asked for, nor the same twice', () => {
    for (const extra of [keyOf('stranger'), trader]) {
      assert.deepEqual(codes([strictSend()], { signers: [trader, extra] }), {
        transaction: 'tx_bad_auth_extra',
      });
    }
  });

  it('@security an operation of another account needs its signature too', () => {
    const other = strictSend();
    const { state } = market();
    const asMaker = Operation.pathPaymentStrictSend({
      sendAsset: Asset.native(),
      sendAmount: '1',
      destination: trader.publicKey(),
      destAsset: Asset.native(),
      destMin: '1',
      source: keyOf('maker').publicKey(),
    });
    const alone = validate(state, decoded([other, asMaker]), submit);
    assert.deepEqual(horizonCodes(alone!), {
      transaction: 'tx_failed',
      operations: ['op_success', 'op_bad_auth'],
    });
    assert.equal(
      validate(state, decoded([other, asMaker], { signers: [trader, keyOf('maker')] }), submit),
      undefined,
    );
  });

  it('the source must be able to pay the fee above its reserve', () => {
    const { state } = market();
    const account = state.account(trader.publicKey())!;
    state.put({ ...account, balance: 15_000_099n });
    assert.equal(validate(state, decoded([strictSend()]), submit)?.code, 'tx_insufficient_balance');
    state.put({ ...account, balance: 15_000_100n });
    assert.equal(validate(state, decoded([strictSend()]), submit), undefined);
  });

  it('finds a malformed operation before it is queued', () => {
    const good = decoded([strictReceive()]);
    const [operation] = good.operations;
    for (const change of [
      { dest_amount: '0' },
      { send_max: '-1' },
      { path: [{ credit_alphanum4: { asset_code: '', issuer: trader.publicKey() } }] },
    ]) {
      const bad = {
        ...good,
        operations: [{ ...operation!, body: { ...(operation!.body as object), ...change } }],
      };
      assert.deepEqual(horizonCodes(validate(market().state, bad, submit)!), {
        transaction: 'tx_failed',
        operations: ['op_malformed'],
      });
    }
  });
});

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
});
