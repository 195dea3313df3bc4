import assert from 'node:assert/strict';
import { StrKey } from '@stellar/stellar-sdk/base';
import * as xdr from '@stellar/stellar-sdk/xdr';
import { parseSlippage, quoteRoute } from '../../../connector/market/quote.ts';
import { buildSwap, checkSigned, envelopeHash } from '../../../connector/transactions/envelope.ts';
import { createKey, decodeEnvelope, hashOf, signature, withSignatures } from '../software-signer.ts';

const USDC = 'USDC:GB6AW4NE7GS76LM7HAYCPVZF2KLLMUPBS5YXEC2UEAWQ2IG4GB2FFPEB';
const PASSPHRASE = 'Stellar Sandbox Network ; 2026';
const key = createKey();

const quote = (side: 'BUY' | 'SELL') =>
  quoteRoute(
    { side, base: 'native', quote: USDC, amount: 1_000n, slippage: parseSlippage(1) },
    { amountIn: 1_000n, amountOut: side === 'SELL' ? 120n : 1_000n, path: [] },
  );
const prepare = (side: 'BUY' | 'SELL' = 'SELL') =>
  buildSwap(quote(side), {
    ...{
      account: key.account,
      networkPassphrase: PASSPHRASE,
      sequence: 41n,
      fee: 200n,
      maxTime: 1_800_000_030,
    },
  });

const prepared = prepare();
const { tx } = decodeEnvelope(prepared.envelopeXdr).v1;
const hash = hashOf(tx, PASSPHRASE);
const right = signature(hash, key);
const check = (envelopeXdr: string): void => checkSigned(prepared, envelopeXdr, key.account);
const refused = { code: 'signer-untrusted' };

describe('connector/transactions/envelope', () => {
  it('builds a path payment of the account to itself with the next sequence and an end', () => {
    assert.equal(prepared.hash, hash.toString('hex'));
    assert.equal(envelopeHash(prepared.envelopeXdr, PASSPHRASE), prepared.hash);
    assert.equal(tx.seqNum, 42n);
    assert.equal(tx.fee, 200);
    assert.equal(tx.cond.type === 'precondTime' && tx.cond.timeBounds.maxTime, 1_800_000_030n);
    const [operation] = tx.operations;
    assert.equal(operation!.body.type, 'pathPaymentStrictSend');
    const send = operation!.body.value as xdr.PathPaymentStrictSendOp;
    assert.deepEqual([send.sendAmount, send.destMin], [1_000n, 119n]);
    assert.equal(
      StrKey.encodeEd25519PublicKey((send.destination.value as xdr.Uint256Bytes).toBytes()),
      key.account,
    );
    const buy = decodeEnvelope(prepare('BUY').envelopeXdr).v1.tx.operations[0]!.body;
    assert.equal(buy.type, 'pathPaymentStrictReceive');
    const receive = buy.value as xdr.PathPaymentStrictReceiveOp;
    assert.deepEqual([receive.sendMax, receive.destAmount], [1_010n, 1_000n]);
  });

  it('takes the same bytes with the account’s one signature', () => {
    assert.doesNotThrow(() => check(withSignatures(tx, [right])));
  });

  it('@security refuses another transaction, also a rightly signed one', () => {
    const other = decodeEnvelope(prepare('BUY').envelopeXdr).v1.tx;
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
