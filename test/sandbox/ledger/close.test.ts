import assert from 'node:assert/strict';
import { xdr } from '@stellar/stellar-sdk/base';
import { openCorpus } from '../conformance/corpus.ts';
import {
  decoded,
  envelope,
  keyOf,
  maker,
  market,
  PASSPHRASE,
  START,
  strictSend,
  trader,
} from '../testing.ts';
import { closeLedger } from './close.ts';
import { accounts } from './entries_of.ts';
import { decodeEnvelope, sha256 } from './envelope.ts';
import { TOTAL_COINS, transactionSetXdr } from './header.ts';

const CORPUS = new URL('../../fixtures/ledgers/corpus', import.meta.url).pathname;

describe('closing a ledger', () => {
  it("computes stellar-core's hash of every recorded transaction set", async () => {
    let sets = 0;
    for await (const ledger of openCorpus(CORPUS).ledgers()) {
      const envelopes = ledger.transactions.map(({ envelopeXdr }) => envelopeXdr);
      const baseFee = BigInt(ledger.txSetComponents[0]?.baseFee ?? 0);
      const set = transactionSetXdr(ledger.previousLedgerHash, envelopes, baseFee);
      // Ledger 2 is still of protocol 0, whose sets were of another form.
      if (ledger.sequence === 2) continue;
      assert.equal(sha256(set).toString('hex'), ledger.txSetHash, `ledger ${ledger.sequence}`);
      sets += 1;
    }
    assert.equal(sets, 512);
  });

  it('chains headers by the hash of their XDR', () => {
    const { state } = market();
    const first = closeLedger(state, '0'.repeat(64), [], START, 100n);
    const second = closeLedger(state, first.hash, [decoded([strictSend()])], START + 5, 100n);
    const header = xdr.LedgerHeader.fromXdr(second.headerXdr, 'base64');
    assert.equal(sha256(Buffer.from(second.headerXdr, 'base64')).toString('hex'), second.hash);
    assert.equal(Buffer.from(header.previousLedgerHash.toBytes()).toString('hex'), first.hash);
    assert.deepEqual(
      [header.ledgerSeq, header.scpValue.closeTime, header.feePool],
      [3, BigInt(START + 5), 100n],
    );
  });

  it('charges all fees before the first transaction is applied', () => {
    const { state } = market();
    const order: string[] = [];
    const { put } = state;
    state.put = (entry) => {
      if (entry.type === 'account') order.push(entry.address);
      put(entry);
    };
    const makers = decodeEnvelope(envelope([strictSend()], { source: maker, signers: [maker] }), PASSPHRASE);
    closeLedger(state, '0'.repeat(64), [decoded([strictSend()]), makers], START, 100n);
    assert.deepEqual(order.slice(0, 2), [trader.publicKey(), maker.publicKey()]);
    assert.equal(state.header.feePool, 200n);
  });

  it('keeps the fee of a transaction that has become invalid, and not its sequence number', () => {
    const { state } = market();
    const stale = decoded([strictSend()], { sequence: (1n << 32n) + 5n });
    const closed = closeLedger(state, '0'.repeat(64), [stale], START, 100n);
    assert.deepEqual(closed.transactions[0]!.result, {
      code: 'tx_bad_seq',
      feeCharged: 100n,
      operations: [],
      innerHash: undefined,
    });
    assert.equal(state.account(trader.publicKey())!.sequence, 1n << 32n);
    assert.equal(closed.header.feePool, 100n);
  });

  it('holds exactly the whole supply of lumens', () => {
    const { state } = market();
    closeLedger(state, '0'.repeat(64), [decoded([strictSend()])], START, 100n);
    const held = accounts(state).reduce((sum, { balance }) => sum + balance, 0n);
    assert.equal(held + state.header.feePool, TOTAL_COINS);
    assert.equal(state.savepoint(), 0, 'nothing is kept to undo');
    assert.ok(state.account(keyOf(PASSPHRASE).publicKey()));
  });
});
