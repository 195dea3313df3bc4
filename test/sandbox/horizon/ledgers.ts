import { formatAmount } from '../amount.ts';
import { type ClosedLedger, successful } from '../ledger/close.ts';
import { TOTAL_COINS } from '../ledger/header.ts';
import { link, ok, PAGE, type Route, template } from './http.ts';
import { formatTime, readLimit } from './parameters.ts';
import { badField, problem } from './problems.ts';

const token = (ledger: ClosedLedger): bigint => BigInt(ledger.sequence) << 32n;

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
    paging_token: String(token(ledger)),
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
  handle({ network, base, parameters: [id = ''] }) {
    const sequence = Number(id);
    if (!/^\d{1,10}$/.test(id) || sequence === 0)
      throw badField('ledger_id', 'Ledger ID must be an integer higher than 0');
    if (sequence < network.ledgers[0]!.sequence) throw problem('before_history');
    const found = network.ledgers.find((one) => one.sequence === sequence);
    if (!found) throw problem('not_found');
    return ok(resource(found, base));
  },
};

/** The cursor as given (`''` where there is none); `now` is the end of the newest ledger. */
function readCursor(query: URLSearchParams, newest: ClosedLedger): bigint | '' {
  const text = query.get('cursor') ?? '';
  if (text === '') return '';
  if (text === 'now') return token(newest) + (1n << 32n) - 1n;
  if (/^-\d+$/.test(text)) throw badField('cursor', `the cursor ${text} is a negative number: `);
  if (!/^\d+$/.test(text) || BigInt(text) >= 2n ** 63n) throw badField('cursor', 'cursor: invalid value');
  return BigInt(text);
}

/** GET /ledgers */
export const ledgers: Route = {
  method: 'GET',
  pattern: /^\/ledgers$/,
  handle({ network, base, path, query }) {
    const limit = readLimit(query, 10);
    const order = query.get('order') || 'asc';
    if (order !== 'asc' && order !== 'desc') throw badField('order', 'order: invalid value');
    const cursor = readCursor(query, network.latest);
    const records = (order === 'asc' ? network.ledgers : network.ledgers.toReversed())
      .filter((one) => cursor === '' || (order === 'asc' ? token(one) > cursor : token(one) < cursor))
      .slice(0, limit);
    const page = (at: bigint | '', direction: string) => {
      const parameters = new URLSearchParams(query);
      parameters.set('cursor', String(at));
      parameters.set('limit', String(limit));
      parameters.set('order', direction);
      parameters.sort();
      return link(`${base}${path}?${parameters}`);
    };
    return ok({
      _links: {
        self: page(cursor, order),
        next: page(records.length > 0 ? token(records.at(-1)!) : cursor, order),
        prev: page(records.length > 0 ? token(records[0]!) : cursor, order === 'asc' ? 'desc' : 'asc'),
      },
      _embedded: { records: records.map((one) => resource(one, base)) },
    });
  },
};
