import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { xdr } from '@stellar/stellar-sdk/base';
import { envelope, market, START, strictSend } from '../testing.ts';
import { applyLedger, closeLedger, sealLedger } from './close.ts';
import { keyOf } from './entries.ts';
import { entryFromXdr } from './entry_xdr.ts';
import { decodeEnvelope } from './envelope.ts';
import { PROTOCOL_VERSION, transactionSetXdr } from './header.ts';
import { feeMetaXdr, ledgerCloseMetaXdr, ledgerHeaderHistoryEntry, transactionMeta } from './meta.ts';
import { createState } from './state.ts';

const PASSPHRASE = 'Standalone Network ; February 2017';

interface Recorded {
  ledger: number;
  closeTime: bigint;
  envelopeXdr: string;
  resultXdr: string;
  fee: xdr.LedgerEntryChange[] | undefined;
  meta: xdr.TransactionMetaV4;
}

const v4 = (meta: xdr.TransactionMeta): xdr.TransactionMetaV4 =>
  meta.type === 'v4' ? meta.v4 : assert.fail('another version than 4');

interface SetJson {
  v1: { phases: { v0: { txset_comp_txs_maybe_discounted_fee: { txs: unknown[] } }[] }[] };
}

/** A ledger with one transaction. */
function fromLedger(metadataXdr: string): Recorded[] {
  const meta = xdr.LedgerCloseMeta.fromXdr(metadataXdr, 'base64');
  if (meta.type !== 'v2') assert.fail('another version than 2');
  const { ledgerHeader, txSet, txProcessing } = meta.v2;
  const { header } = ledgerHeader;
  const { v1 } = txSet.toJson() as unknown as SetJson;
  const [one] = v1.phases[0]!.v0[0]!.txset_comp_txs_maybe_discounted_fee.txs;
  return txProcessing.map(({ result, feeProcessing, txApplyProcessing }) => ({
    ledger: header.ledgerSeq,
    closeTime: header.scpValue.closeTime,
    envelopeXdr: xdr.TransactionEnvelope.fromJson(one as never).toXdr('base64'),
    resultXdr: result.result.toXdr('base64'),
    fee: feeProcessing,
    meta: v4(txApplyProcessing),
  }));
}

interface Result {
  metadataXdr?: string;
  ledgers?: { metadataXdr: string }[];
  ledger?: number;
  createdAt?: string;
  envelopeXdr?: string;
  resultXdr?: string;
  resultMetaXdr?: string;
}

function fromResult(result: Result): Recorded[] {
  const whole = [result.metadataXdr, ...(result.ledgers ?? []).map(({ metadataXdr }) => metadataXdr)];
  const { ledger, createdAt, envelopeXdr, resultXdr, resultMetaXdr } = result;
  if (!ledger || !createdAt || !envelopeXdr || !resultXdr || !resultMetaXdr)
    return whole.flatMap((text) => (text === undefined ? [] : fromLedger(text)));
  const meta = v4(xdr.TransactionMeta.fromXdr(resultMetaXdr, 'base64'));
  return [{ ledger, closeTime: BigInt(createdAt), envelopeXdr, resultXdr, fee: undefined, meta }];
}

/** What a real core told of six ledgers with one transaction each, the last one a fee bump. */
const recorded = [
  ...new Map(
    readFileSync(new URL('../../fixtures/rpc/recordings.jsonl', import.meta.url), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { method: string; response: { body: string } })
      .filter(({ method }) => ['getLedgers', 'getLatestLedger', 'getTransaction'].includes(method))
      .flatMap(({ response }) => fromResult((JSON.parse(response.body) as { result?: Result }).result ?? {}))
      .sort((a, b) => a.ledger - b.ledger)
      .map((one) => [one.ledger, one]),
  ).values(),
];

/** A ledger with what the recorded one is seen to hold. */
function stateBefore() {
  const { ledger, closeTime } = recorded[0]!;
  const state = createState({
    sequence: ledger - 1,
    closeTime,
    version: PROTOCOL_VERSION,
    baseFee: 100n,
    baseReserve: 5_000_000n,
    maxTxSetSize: 1000,
    feePool: 0n,
    idPool: 27n,
  });
  const known = new Set<string>();
  for (const { fee, meta } of recorded) {
    const changes = [
      ...(fee ?? []),
      ...meta.txChangesBefore,
      ...meta.operations.flatMap((one) => one.changes),
    ];
    changes.forEach((change, index) => {
      if (change.type === 'ledgerEntryRemoved' || change.type === 'ledgerEntryRestored') return;
      const entry = entryFromXdr((change.value as xdr.LedgerEntry).toXdr('base64'));
      if (change.type === 'ledgerEntryState' && !known.has(keyOf(entry))) {
        // The one whose fee is not among the recorded changes.
        const paid = !fee && index === 0 && entry.type === 'account' ? { balance: entry.balance + 200n } : {};
        state.restore({ ...entry, ...paid } as typeof entry);
      }
      known.add(keyOf(entry));
    });
  }
  state.commit();
  return state;
}

/** LedgerEntryChanges. */
const changesXdr = (changes: readonly xdr.LedgerEntryChange[]): string =>
  Buffer.concat([
    Buffer.from([0, 0, 0, changes.length]),
    ...changes.map((change) => change.toXdr()),
  ]).toString('base64');

/**
 * With the changes of an operation in one order: in core's they are in that of a hash table.
 */
function byEntry(metaXdr: string): unknown {
  const { txChangesBefore, operations, txChangesAfter, events } = v4(
    xdr.TransactionMeta.fromXdr(metaXdr, 'base64'),
  );
  const inOrder = (changes: readonly xdr.LedgerEntryChange[]): string[] =>
    changes.map((change) => JSON.stringify(change.toJson())).sort();
  return {
    before: changesXdr(txChangesBefore),
    operations: operations.map((one) => [inOrder(one.changes), one.events.map((event) => event.toJson())]),
    events: events.map((event) => event.toJson()),
    after: changesXdr(txChangesAfter),
  };
}

describe('the meta of a ledger', () => {
  it('is what a real core told of the same transactions', () => {
    const state = stateBefore();
    assert.deepEqual(
      recorded.map(({ ledger }) => ledger),
      [367, 368, 369, 370, 371, 372],
    );
    for (const { ledger, closeTime, envelopeXdr, resultXdr, fee, meta } of recorded) {
      const transaction = decodeEnvelope(envelopeXdr, PASSPHRASE);
      const [applied] = applyLedger(state, [{ transaction, baseFee: 100n }], Number(closeTime));
      state.commit();
      assert.deepEqual([applied!.ledger, applied!.resultXdr], [ledger, resultXdr]);
      assert.deepEqual(
        byEntry(transactionMeta(applied!).toXdr('base64')),
        byEntry(xdr.TransactionMeta.v4(meta).toXdr('base64')),
      );
      if (fee) assert.equal(feeMetaXdr(applied!), changesXdr(fee));
    }
  });

  it('has header, transaction set, results and changes in one', () => {
    const { state, passphrase } = market();
    const transaction = decodeEnvelope(envelope([strictSend()]), passphrase);
    const closed = closeLedger(state, '0'.repeat(64), [transaction], START + 5, 100n);
    const [applied] = closed.transactions;
    const meta = xdr.LedgerCloseMeta.fromXdr(ledgerCloseMetaXdr(closed), 'base64');
    if (meta.type !== 'v2') assert.fail('another version than 2');
    const { ledgerHeader, txSet, txProcessing, upgradesProcessing } = meta.v2;
    assert.equal(ledgerHeader.toXdr('base64'), ledgerHeaderHistoryEntry(closed).toXdr('base64'));
    assert.equal(Buffer.from(ledgerHeader.hash.toBytes()).toString('hex'), closed.hash);
    assert.equal(ledgerHeader.header.toXdr('base64'), closed.headerXdr);
    assert.equal(txSet.toXdr('base64'), closed.transactionSetXdr);
    assert.deepEqual([txProcessing.length, upgradesProcessing], [1, []]);
    const [{ result, feeProcessing, txApplyProcessing }] = txProcessing as [xdr.TransactionResultMetaV1];
    assert.equal(Buffer.from(result.transactionHash.toBytes()).toString('hex'), transaction.hash);
    assert.equal(result.result.toXdr('base64'), applied!.resultXdr);
    assert.equal(changesXdr(feeProcessing), feeMetaXdr(applied!));
    assert.equal(txApplyProcessing.toXdr('base64'), transactionMeta(applied!).toXdr('base64'));
    const balances = feeProcessing.map(({ value }) => {
      const entry = entryFromXdr((value as xdr.LedgerEntry).toXdr('base64'));
      return entry.type === 'account' ? entry.balance : assert.fail('a fee comes from an account');
    });
    assert.deepEqual(balances[0]! - balances[1]!, applied!.result.feeCharged);
  });

  it('tells of upgrades', () => {
    const { state } = market();
    const upgrade = xdr.LedgerUpgrade.fromJson({ base_fee: 200 }).toXdr();
    const none = '0'.repeat(64);
    const closed = sealLedger(
      state,
      none,
      transactionSetXdr(none, [], 100n),
      [],
      [Buffer.from(upgrade).toString('hex')],
    );
    const meta = xdr.LedgerCloseMeta.fromXdr(ledgerCloseMetaXdr(closed), 'base64');
    assert.deepEqual(JSON.parse(JSON.stringify(meta.toJson())).v2.upgrades_processing, [
      { upgrade: { base_fee: 200 }, changes: [] },
    ]);
  });
});
