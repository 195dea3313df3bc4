import assert from 'node:assert/strict';
import { Account, MuxedAccount } from '@stellar/stellar-sdk/base';
import { book, decoded, issuer, maker, market, strictReceive, strictSend, trader } from '../testing.ts';
import { applyTransaction, chargeFee } from './apply.ts';
import type { OperationContext } from './operation.ts';
import { horizonCodes, resultToXdr, type TransactionResult } from './result.ts';

const USDC = `USDC:${issuer.publicKey()}`;
const unit = 10_000_000n;

const NO_OTHERS: OperationContext = { highestSequence: () => undefined };

/** Applies one transaction to the test market; returns its result and the state after it. */
function run(operations: Parameters<typeof decoded>[0]) {
  const { state } = market();
  const transaction = decoded(operations);
  const fee = chargeFee(state, transaction, 100n);
  return { state, result: applyTransaction(state, transaction, fee, NO_OTHERS).result };
}

const codeOf = (result: TransactionResult): string | undefined => horizonCodes(result).operations?.[0];

function amounts(result: TransactionResult): [sold: string, bought: string][] {
  const outcome = result.operations[0]!.outcome as {
    success: { offers: { order_book: { amount_sold: string; amount_bought: string } }[] };
  };
  return outcome.success.offers.map(({ order_book }) => [order_book.amount_sold, order_book.amount_bought]);
}

describe('path payments through the book', function () {
  this.timeout(10_000);
  it('strict send takes the best offer first and pays what each is worth', () => {
    const { state, result } = run([strictSend({ sendAmount: '200' })]);
    // 11 USDC at 100/11 for 100 XLM, then 100 XLM at 10/1 for 10 USDC.
    assert.deepEqual(amounts(result), [
      ['110000000', '1000000000'],
      ['100000000', '1000000000'],
    ]);
    assert.equal(state.trustline(trader.publicKey(), USDC)!.balance, 1021n * unit);
    assert.equal(state.account(trader.publicKey())!.balance, 9800n * unit - 100n);
    assert.equal(state.book(USDC, 'native')[0]!.amount, 90n * unit);
  });

  it('strict receive pays no more than the offers ask, rounded up for the one that stays', () => {
    const { state, result } = run([strictReceive({ destAmount: '150.0000001' })]);
    assert.deepEqual(amounts(result), [
      ['1000000000', '120000000'],
      ['500000001', '65000001'],
    ]);
    assert.equal(state.trustline(trader.publicKey(), USDC)!.balance, 1000n * unit - 185_000_001n);
  });

  it('takes an offer that is used up out of the book and out of its owner’s reserve', () => {
    const { state } = run([strictReceive({ destAmount: '100' })]);
    assert.equal(state.book('native', USDC).length, 1);
    assert.equal(state.account(maker.publicKey())!.subentries, book.length);
  });

  it('writes a result that its XDR type can read back', () => {
    const { result } = run([strictSend()]);
    const json = resultToXdr(result).toJson();
    assert.deepEqual(Object.keys((json as { result: object }).result), ['tx_success']);
  });

  it('applies all operations or none, and names a result for each', () => {
    const { state, result } = run([strictSend(), strictReceive({ destAmount: '99999' }), strictSend()]);
    assert.deepEqual(horizonCodes(result).operations, ['op_success', 'op_too_few_offers', 'op_success']);
    assert.equal(state.trustline(trader.publicKey(), USDC)!.balance, 1000n * unit);
    assert.equal(state.account(trader.publicKey())!.balance, 10_000n * unit - 300n);
    assert.equal(state.account(trader.publicKey())!.sequence, (1n << 32n) + 1n);
  });

  it('pays to an M… address what its account can hold', () => {
    const muxed = new MuxedAccount(new Account(trader.publicKey(), '0'), '7').accountId();
    const { state, result } = run([strictSend({ destination: muxed })]);
    assert.equal(codeOf(result), 'op_success');
    assert.ok(state.trustline(trader.publicKey(), USDC)!.balance > 1000n * unit);
  });
});
