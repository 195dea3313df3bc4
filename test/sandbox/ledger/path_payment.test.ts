import assert from 'node:assert/strict';
import { Account, MuxedAccount } from '@stellar/stellar-sdk/base';
import { createMarket } from '../scenario.ts';
import {
  book,
  decoded,
  issuer,
  keyOf,
  maker,
  market,
  START,
  scenario,
  strictReceive,
  strictSend,
  trader,
  usdc,
  xlm,
} from '../testing.ts';
import { applyTransaction, chargeFee } from './apply.ts';
import { MAINTAIN_LIABILITIES, type Trustline } from './entries.ts';
import type { OperationContext } from './operation.ts';
import { horizonCodes, resultToXdr, type TransactionResult } from './result.ts';
import type { LedgerState } from './state.ts';

const USDC = `USDC:${issuer.publicKey()}`;
const unit = 10_000_000n;

const NO_OTHERS: OperationContext = { highestSequence: () => undefined };

type Change = (state: LedgerState) => void;

/** Applies one transaction to the test market, changed first; returns its result and the state after it. */
function run(operations: Parameters<typeof decoded>[0], change: Change = () => {}, options = {}) {
  const { state } = market();
  change(state);
  const transaction = decoded(operations, options);
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

const changeLine =
  (owner: string, change: Partial<Trustline>): Change =>
  (state) =>
    state.put({ ...state.trustline(owner, USDC)!, ...change });

const withoutLine = (state: LedgerState, owner: string): void => {
  const { trustline } = state;
  state.trustline = (who, asset) => (who === owner ? undefined : trustline(who, asset));
};

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

  const none = keyOf('nobody').publicKey();
  const line = (change: Partial<Trustline>): Change => changeLine(trader.publicKey(), change);
  const sends: [string, Parameters<typeof strictSend>[0], Change?][] = [
    ['op_underfunded', { sendAmount: '9999' }],
    ['op_underfunded', { sendAsset: usdc, destAsset: xlm, sendAmount: '1000.0000001' }],
    [
      'op_src_no_trust',
      { sendAsset: usdc, destAsset: xlm },
      (state) => withoutLine(state, trader.publicKey()),
    ],
    ['op_src_not_authorized', { sendAsset: usdc, destAsset: xlm }, line({ flags: MAINTAIN_LIABILITIES })],
    ['op_no_destination', { destination: none }],
    ['op_no_trust', {}, (state) => withoutLine(state, trader.publicKey())],
    ['op_not_authorized', {}, line({ flags: 0 })],
    ['op_line_full', {}, line({ limit: 1000n * unit })],
    ['op_too_few_offers', { sendAmount: '5000' }],
    ['op_under_dest_min', { destMin: '1.1000001' }],
  ];
  for (const [code, options, change] of sends) {
    it(`strict send: ${code} ${JSON.stringify(Object.keys(options ?? {}))}`, () => {
      const { state, result } = run([strictSend(options)], change);
      assert.deepEqual(horizonCodes(result), { transaction: 'tx_failed', operations: [code] });
      assert.equal(state.account(trader.publicKey())!.balance, 10_000n * unit - 100n);
      assert.equal(state.book(USDC, 'native')[0]!.amount, 11n * unit);
    });
  }

  const receives: [string, Parameters<typeof strictReceive>[0], Change?][] = [
    ['op_underfunded', { destAmount: '1000' }, line({ balance: unit })],
    ['op_src_no_trust', {}, (state) => withoutLine(state, trader.publicKey())],
    ['op_src_not_authorized', {}, line({ flags: MAINTAIN_LIABILITIES })],
    ['op_no_destination', { destination: none }],
    ['op_no_trust', { sendAsset: xlm, destAsset: usdc }, (state) => withoutLine(state, trader.publicKey())],
    ['op_not_authorized', { sendAsset: xlm, destAsset: usdc }, line({ flags: 0 })],
    ['op_line_full', { sendAsset: xlm, destAsset: usdc }, line({ limit: 1000n * unit })],
    ['op_too_few_offers', { destAmount: '1100.0000001' }],
    ['op_over_source_max', { sendMax: '1.1999999' }],
  ];
  for (const [code, options, change] of receives) {
    it(`strict receive: ${code} ${JSON.stringify(Object.keys(options ?? {}))}`, () => {
      const { result } = run([strictReceive(options)], change);
      assert.deepEqual(horizonCodes(result), { transaction: 'tx_failed', operations: [code] });
    });
  }

  it('fails whole where it would meet an offer of its own source', () => {
    const own = { source: maker };
    assert.equal(
      codeOf(run([strictSend({ destination: maker.publicKey() })], undefined, own).result),
      'op_cross_self',
    );
    assert.equal(codeOf(run([strictReceive()], undefined, own).result), 'op_cross_self');
  });

  it('stops at the limit of offers that an operation may cross', () => {
    const offers = Array.from({ length: 1001 }, () => ({ selling: 'XLM', amount: 1n, n: 1, d: 1 }));
    const setting = scenario(offers);
    setting.accounts[1]!.trustlines[0]!.balance = 0n;
    const { state } = createMarket(setting, START);
    const transaction = decoded([strictReceive({ destAmount: '1000.5', sendMax: '2000' })]);
    assert.equal(
      codeOf(applyTransaction(state, transaction, 0n, NO_OTHERS).result),
      'op_exceeded_work_limit',
    );
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
