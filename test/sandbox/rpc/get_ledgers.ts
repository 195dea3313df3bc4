import { xdr } from '@stellar/stellar-sdk/base';
import type { ClosedLedger } from '../ledger/close.ts';
import { ledgerCloseMetaXdr, ledgerHeaderHistoryEntry } from '../ledger/meta.ts';
import { rpcError } from './errors.ts';
import { ledgerRange, method, type RpcContext } from './method.ts';
import { checkPage, PAGE_SHAPE, parseCursor } from './paging.ts';

/** The ledger behind a cursor. */
function afterCursor(context: RpcContext, cursor: string): number {
  const start = Number(parseCursor(cursor, 'ParseUint')) + 1;
  const { oldestLedger, latestLedger } = ledgerRange(context);
  if (start < oldestLedger || start > latestLedger)
    throw rpcError(
      'invalid_params',
      `cursor ('${cursor}') must be between the oldest ledger: ${oldestLedger} and the latest ledger: ${latestLedger} for this rpc instance`,
    );
  return start;
}

/** In JSON the fields of the other format stay, empty. */
function record(closed: ClosedLedger, asJson: boolean) {
  const { hash, sequence, closeTime } = closed;
  const header = ledgerHeaderHistoryEntry(closed);
  const meta = ledgerCloseMetaXdr(closed);
  const start = { hash, sequence, ledgerCloseTime: String(closeTime) };
  if (!asJson) return { ...start, headerXdr: header.toXdr('base64'), metadataXdr: meta };
  const metadataJson = xdr.LedgerCloseMeta.fromXdr(meta, 'base64').toJson();
  return { ...start, headerXdr: '', headerJson: header.toJson(), metadataXdr: '', metadataJson };
}

export const getLedgers = method('getLedgers', PAGE_SHAPE, (context, request) => {
  const limit = checkPage(context, request);
  const { startLedger, pagination, xdrFormat } = request;
  const start = pagination.cursor === '' ? startLedger : afterCursor(context, pagination.cursor);
  const ledgers = context.network.ledgers.filter(({ sequence }) => sequence >= start).slice(0, limit);
  return {
    ledgers: ledgers.map((closed) => record(closed, xdrFormat === 'json')),
    ...ledgerRange(context, 'CloseTime', Number),
    cursor: String(ledgers.at(-1)!.sequence),
  };
});
