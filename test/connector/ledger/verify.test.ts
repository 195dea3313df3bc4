import assert from 'node:assert/strict';
import { Keypair, Operation, TransactionBuilder } from '@stellar/stellar-sdk/base';
import * as xdr from '@stellar/stellar-sdk/xdr';
import { transaction as transactionSchema } from '../../../connector/ledger/horizon/schemas.ts';
import {
  decodeLedgerResult,
  envelopeHash,
  type TransactionClaim,
  verifyTransaction,
} from '../../../connector/ledger/verify.ts';
import { RECORDED_PASSPHRASE as networkPassphrase, recorded } from './recordings.ts';

const claim = (n: number): TransactionClaim => transactionSchema.parse(JSON.parse(recorded(n).body));
const refuses = (change: Partial<TransactionClaim>, n = 49, why: RegExp = /./): void =>
  assert.throws(() => verifyTransaction({ ...claim(n), ...change }, { networkPassphrase }), {
    code: 'ledger-untrusted',
    message: why,
  });

/** Payment and fee bump that certain keys signed, and results that a ledger could give for them. */
function own(signers: Keypair[], bumpSigners: Keypair[] = []) {
  const [account, stranger] = [Keypair.random(), Keypair.random()];
  const source = {
    accountId: () => account.publicKey(),
    sequenceNumber: () => '7',
    incrementSequenceNumber() {},
  };
  const inner = new TransactionBuilder(source as never, { fee: '100', networkPassphrase })
    .addOperation(Operation.bumpSequence({ bumpTo: '9' }))
    .setTimeout(0)
    .build();
  for (const key of signers.length === 0 ? [account] : signers) inner.sign(key);
  const bump = TransactionBuilder.buildFeeBumpTransaction(account, '200', inner, networkPassphrase);
  for (const key of bumpSigners.length === 0 ? [account] : bumpSigners) bump.sign(key);
  return { account, stranger, inner, bump };
}
const SUCCESS = xdr.TransactionResult.fromXdr(JSON.parse(recorded(49).body).result_xdr, 'base64');

describe('connector/ledger/verify', () => {
  it('believes recorded transactions: applied, failed, and a fee bump by both hashes', () => {
    for (const [n, successful, code] of [
      [49, true, 'txSuccess'],
      [50, false, 'txFailed'],
      [59, true, 'txSuccess'],
      [60, true, 'txSuccess'],
    ] as const) {
      const { result, hash } = verifyTransaction(claim(n), { networkPassphrase });
      assert.deepEqual([result.successful, result.code, hash], [successful, code, claim(n).hash]);
    }
    assert.equal(
      verifyTransaction(claim(60), { networkPassphrase }).result.feeCharged,
      200n,
      'the outer fee',
    );
    const failed = decodeLedgerResult(JSON.parse(recorded(181).body).extras.result_xdr);
    assert.deepEqual(
      [failed?.code, failed?.operationCode, failed?.successful],
      ['txFailed', 'paymentNoTrust', false],
    );
    assert.equal(envelopeHash(claim(60).envelopeXdr, networkPassphrase), claim(59).hash);
  });

  it('@security believes no other hash, network, result, fee or outcome', () => {
    refuses({ hash: claim(50).hash }, 49, /hash/);
    refuses({ envelopeXdr: claim(50).envelopeXdr }, 49, /hash/);
    assert.throws(() => verifyTransaction(claim(49), { networkPassphrase: 'another' }), /hash/);
    refuses({ successful: false }, 49, /differ/);
    refuses({ successful: true }, 50, /differ/);
    refuses({ feeCharged: 1n }, 49, /differ/);
    refuses({ resultXdr: claim(50).resultXdr, successful: false, feeCharged: 200n }, 49, /other operations/);
    refuses({ resultXdr: 'AAAA' }, 49, /read/);
    refuses({ resultXdr: claim(59).resultXdr, feeCharged: undefined }, 49, /kind/);
    refuses({ resultXdr: claim(49).resultXdr, feeCharged: undefined }, 59, /kind/);
    refuses({ resultXdr: claim(182).resultXdr, feeCharged: undefined }, 59, /kind/);
    const { envelopeXdr } = claim(49);
    for (const torn of [`${envelopeXdr}\n`, `${envelopeXdr}AAAA`, envelopeXdr.slice(0, -4), '', '!!!!']) {
      refuses({ envelopeXdr: torn }, 49, /hash/);
      assert.equal(envelopeHash(torn, networkPassphrase), undefined);
    }
  });

  const results = (bumped: string | undefined): string => {
    const { result } = SUCCESS;
    assert.equal(result.type, 'txSuccess');
    const one = xdr.OperationResult.opInner(
      xdr.OperationResultTr.bumpSequence(xdr.BumpSequenceResult.bumpSequenceSuccess()),
    );
    const ext = SUCCESS.ext;
    if (bumped === undefined) {
      return new xdr.TransactionResult({
        feeCharged: 100n,
        result: xdr.TransactionResultResult.txSuccess([one]),
        ext,
      }).toXdr('base64');
    }
    const pair = new xdr.InnerTransactionResultPair({
      transactionHash: new xdr.Hash(Buffer.from(bumped, 'hex')),
      result: new xdr.InnerTransactionResult({
        feeCharged: 0n,
        result: xdr.InnerTransactionResultResult.txSuccess([one]),
        ext: xdr.InnerTransactionResultExt.v0(),
      }),
    });
    return new xdr.TransactionResult({
      feeCharged: 200n,
      result: xdr.TransactionResultResult.txFeeBumpInnerSuccess(pair),
      ext,
    }).toXdr('base64');
  };

  it('@security believes transactions of our accounts only with exactly our signature, on both layers of a fee bump', () => {
    const judge = ({ account, inner, bump }: ReturnType<typeof own>, isBump: boolean): void => {
      const innerHash = Buffer.from(inner.hash()).toString('hex');
      verifyTransaction(
        {
          ...{ hash: innerHash, ledger: 5, successful: true },
          envelopeXdr: isBump ? bump.toXDR() : inner.toXDR(),
          resultXdr: results(isBump ? innerHash : undefined),
        },
        { networkPassphrase, own: { sources: [account.publicKey()], signer: account.publicKey() } },
      );
    };
    judge(own([]), false);
    judge(own([]), true);
    const { stranger } = own([]);
    assert.throws(() => judge(own([stranger]), false), /signature/);
    assert.throws(() => judge(own([stranger]), true), /signature/);
    assert.throws(() => judge(own([], [stranger]), true), /signature/);
    const twice = own([]);
    twice.inner.sign(stranger);
    assert.throws(() => judge(twice, false), /signature/);
    const none = own([]);
    none.inner.signatures.length = 0;
    assert.throws(() => judge(none, false), /signature/);
  });
});
