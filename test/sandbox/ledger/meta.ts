import { xdr } from '@stellar/stellar-sdk/base';
import type { AppliedTransaction, ClosedLedger } from './close.ts';
import type { Change } from './entries.ts';
import { entryToXdr, keyToXdr } from './entry_xdr.ts';
import { operationEvents, transactionEvents } from './events.ts';

/** What core tells of a ledger as it closes it (Stellar-ledger.x), in the versions of protocol 28. */

const { LedgerEntryChange } = xdr;
const noExtension = xdr.ExtensionPoint.v0();

/** An entry that was there is preceded by what it was. */
function changeToXdr({ before, after }: Change): xdr.LedgerEntryChange[] {
  if (!before) return after ? [LedgerEntryChange.ledgerEntryCreated(entryToXdr(after))] : [];
  const state = LedgerEntryChange.ledgerEntryState(entryToXdr(before));
  if (after) return [state, LedgerEntryChange.ledgerEntryUpdated(entryToXdr(after))];
  if (before.type === 'foreign') throw new Error('entries that no operation touches do not go');
  return [state, LedgerEntryChange.ledgerEntryRemoved(keyToXdr(before))];
}

const changesToXdr = (changes: readonly Change[]): xdr.LedgerEntryChange[] => changes.flatMap(changeToXdr);

/**
 * TransactionMeta of what a transaction did besides paying its fee.
 * @param emits whether core is set to emit events of classic operations (CAP-0067), as RPC's is and Horizon's is not
 */
export function transactionMeta(applied: AppliedTransaction, emits = true): xdr.TransactionMeta {
  const { changes } = applied;
  const events = emits ? operationEvents(applied) : [];
  const feeEvents = emits ? transactionEvents(applied) : [];
  return xdr.TransactionMeta.v4(
    new xdr.TransactionMetaV4({
      ext: noExtension,
      txChangesBefore: changesToXdr(changes.before),
      operations: changes.operations.map(
        (operation, index) =>
          new xdr.OperationMetaV2({
            ext: noExtension,
            changes: changesToXdr(operation),
            events: (events[index] ?? []).map((event) => xdr.ContractEvent.fromJson(event as never)),
          }),
      ),
      txChangesAfter: [],
      sorobanMeta: null,
      events: feeEvents.map((event) => xdr.TransactionEvent.fromJson(event as never)),
      diagnosticEvents: [],
    }),
  );
}

/** TransactionMeta as Horizon gives it: without events; base64. */
export const transactionMetaXdr = (applied: AppliedTransaction): string =>
  transactionMeta(applied, false).toXdr('base64');

/** LedgerEntryChanges of a transaction's fee, base64. */
export function feeMetaXdr({ feeChanges }: AppliedTransaction): string {
  const changes = changesToXdr(feeChanges);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(changes.length);
  return Buffer.concat([length, ...changes.map((change) => change.toXdr())]).toString('base64');
}

export const ledgerHeaderHistoryEntry = ({ hash, headerXdr }: ClosedLedger): xdr.LedgerHeaderHistoryEntry =>
  new xdr.LedgerHeaderHistoryEntry({
    hash: Buffer.from(hash, 'hex'),
    header: xdr.LedgerHeader.fromXdr(headerXdr, 'base64'),
    ext: xdr.LedgerHeaderHistoryEntryExt.v0(),
  });

const processing = (applied: AppliedTransaction): xdr.TransactionResultMetaV1 =>
  new xdr.TransactionResultMetaV1({
    ext: noExtension,
    result: new xdr.TransactionResultPair({
      transactionHash: Buffer.from(applied.transaction.hash, 'hex'),
      result: xdr.TransactionResult.fromXdr(applied.resultXdr, 'base64'),
    }),
    feeProcessing: changesToXdr(applied.feeChanges),
    txApplyProcessing: transactionMeta(applied),
    postTxApplyFeeProcessing: [],
  });

/** Upgrades change the header alone. */
const upgrading = (upgrade: xdr.UpgradeType): xdr.UpgradeEntryMeta =>
  new xdr.UpgradeEntryMeta({ upgrade: xdr.LedgerUpgrade.fromXdr(upgrade.toBytes()), changes: [] });

/** Clients poll for the newest ledger, whose meta does not change. */
const closeMetas = new WeakMap<ClosedLedger, string>();

/** LedgerCloseMeta, base64. */
export function ledgerCloseMetaXdr(closed: ClosedLedger): string {
  const known = closeMetas.get(closed);
  if (known !== undefined) return known;
  const ledgerHeader = ledgerHeaderHistoryEntry(closed);
  const meta = xdr.LedgerCloseMeta.v2(
    new xdr.LedgerCloseMetaV2({
      ext: xdr.LedgerCloseMetaExt.v0(),
      ledgerHeader,
      txSet: xdr.GeneralizedTransactionSet.fromXdr(closed.transactionSetXdr, 'base64'),
      txProcessing: closed.transactions.map(processing),
      upgradesProcessing: ledgerHeader.header.scpValue.upgrades.map(upgrading),
      scpInfo: [],
      totalByteSizeOfLiveSorobanState: 0n,
      evictedKeys: [],
    }),
  ).toXdr('base64');
  closeMetas.set(closed, meta);
  return meta;
}
