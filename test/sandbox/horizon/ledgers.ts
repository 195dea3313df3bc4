import { formatAmount } from '../amount.ts';
import { type ClosedLedger, successful } from '../ledger/close.ts';
import { TOTAL_COINS } from '../ledger/header.ts';
import { readLedgerId } from './history.ts';
import { link, ok, PAGE, type Route, template } from './http.ts';
import { historyList, isNumberCursor, listRoute, tokenOf } from './page.ts';
import { formatTime } from './parameters.ts';

function resource(ledger: ClosedLedger, base: string) {
  const self = `${base}/ledgers/${ledger.sequence}`;
  const good = successful(ledger);
  const count = (of: typeof good): number =>
    of.reduce((sum, { transaction }) => sum + transaction.operations.length, 0);
  return {
    _links: {
      self: link(self),
      transactions: template(`${self}/transactions${PAGE}`),
      operations: template(`${self}/operations${PAGE}`),
      payments: template(`${self}/payments${PAGE}`),
      effects: template(`${self}/effects${PAGE}`),
    },
    id: ledger.hash,
    paging_token: String(tokenOf(ledger.sequence)),
    hash: ledger.hash,
    prev_hash: ledger.previousHash,
    sequence: ledger.sequence,
    successful_transaction_count: good.length,
    failed_transaction_count: ledger.transactions.length - good.length,
    operation_count: count(good),
    tx_set_operation_count: count(ledger.transactions),
    closed_at: formatTime(ledger.closeTime),
    total_coins: formatAmount(TOTAL_COINS),
    fee_pool: formatAmount(ledger.header.feePool),
    base_fee_in_stroops: Number(ledger.header.baseFee),
    base_reserve_in_stroops: Number(ledger.header.baseReserve),
    max_tx_set_size: ledger.header.maxTxSetSize,
    protocol_version: ledger.header.version,
    header_xdr: ledger.headerXdr,
  };
}

/** GET /ledgers/{sequence} */
export const ledger: Route = {
  method: 'GET',
  pattern: /^\/ledgers\/([^/]+)$/,
  handle: ({ network, base, parameters: [id = ''] }) => ok(resource(readLedgerId(network, id), base)),
};

/** GET /ledgers */
export const ledgers = listRoute(/^\/ledgers$/, (request) =>
  historyList(request, isNumberCursor, () => (one) => [
    { token: String(tokenOf(one.sequence)), render: () => resource(one, request.base) },
  ]),
);
