import { tokenOf } from '../horizon/page.ts';
import type { AppliedTransaction } from '../ledger/close.ts';
import { rpcError } from './errors.ts';
import { ledgerRange, method, type RpcContext } from './method.ts';
import { checkPage, PAGE_SHAPE, type PageRequest, parseCursor } from './paging.ts';
import { transactionDetails } from './transaction.ts';

/** Ledger and place in it of the first transaction of a page. */
function startOf(context: RpcContext, { startLedger, pagination }: PageRequest) {
  if (pagination.cursor === '') return { ledger: startLedger, order: 1 };
  const id = parseCursor(pagination.cursor, 'ParseInt');
  const ledger = Number(id >> 32n);
  if (ledger < 0) throw rpcError('invalid_params', 'cursor ledger sequence cannot be negative');
  if (ledger < ledgerRange(context).oldestLedger)
    throw rpcError('invalid_params', `database does not contain metadata for ledger: ${ledger}`);
  return { ledger, order: Number((id >> 12n) & 0xfffffn) + 1 };
}

/**
 * The cursor is the last transaction that was looked at. Of a ledger in which there was none to look at it is the
 * beginning, so that a page from the end of the newest ledger leads back to its first transaction, as in the real one.
 */
export const getTransactions = method('getTransactions', PAGE_SHAPE, (context, request) => {
  const limit = checkPage(context, request);
  const start = startOf(context, request);
  const found: AppliedTransaction[] = [];
  let cursor = 0n;
  for (const { sequence, transactions } of context.network.ledgers) {
    if (sequence < start.ledger || found.length >= limit) continue;
    const from = sequence === start.ledger ? start.order - 1 : 0;
    const taken = transactions.slice(from, from + limit - found.length);
    found.push(...taken);
    cursor = tokenOf(sequence, taken.at(-1)?.order ?? 0, 1);
  }
  const asJson = request.xdrFormat === 'json';
  return {
    transactions: found.map((applied) => ({
      ...transactionDetails(applied, applied.transaction.hash, asJson),
      createdAt: applied.closeTime,
    })),
    ...ledgerRange(context, 'CloseTimestamp', Number),
    cursor: String(cursor),
  };
});
