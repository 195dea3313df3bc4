import type { AppliedTransaction } from '../ledger/close.ts';
import type { DecodedTransaction } from '../ledger/envelope.ts';
import { resultToXdr, succeeded } from '../ledger/result.ts';
import { link, ok, PAGE, type Route, template } from './http.ts';
import { formatTime } from './parameters.ts';
import { badField, problem } from './problems.ts';

/** TransactionMeta v4 and LedgerEntryChanges without any change: the sandbox keeps no meta. */
const EMPTY_META = 'AAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
const EMPTY_CHANGES = 'AAAAAA==';

function memoFields({ type, value }: DecodedTransaction['memo']): Record<string, string> {
  if (value === undefined) return {};
  if (typeof value === 'bigint') return { memo: String(value) };
  const bytes = Buffer.from(value);
  if (type !== 'text') return { memo: bytes.toString('base64') };
  return { memo: bytes.toString('utf8'), memo_bytes: bytes.toString('base64') };
}

/** The last second of the year 9999; a later bound has no RFC 3339 form. */
const LAST_TIME = 253_402_300_799n;

function timeFields({ preconditions: { timeBounds } }: DecodedTransaction): Record<string, unknown> {
  if (!timeBounds) return {};
  const { min, max } = timeBounds;
  return {
    ...(min <= LAST_TIME && { valid_after: formatTime(Number(min)) }),
    ...(max !== 0n && max <= LAST_TIME && { valid_before: formatTime(Number(max)) }),
    preconditions: {
      timebounds: { min_time: String(min), ...(max !== 0n && { max_time: String(max) }) },
    },
  };
}

/** A transaction as `GET /transactions/{hash}` and a successful submission answer it. */
export function transactionResource(
  { transaction, result, ledger, closeTime, order }: AppliedTransaction,
  base: string,
) {
  const { hash, source } = transaction;
  const self = `${base}/transactions/${hash}`;
  const token = (BigInt(ledger) << 32n) + (BigInt(order) << 12n);
  return {
    ...memoFields(transaction.memo),
    _links: {
      self: link(self),
      account: link(`${base}/accounts/${source}`),
      ledger: link(`${base}/ledgers/${ledger}`),
      operations: template(`${self}/operations${PAGE}`),
      effects: template(`${self}/effects${PAGE}`),
      precedes: link(`${base}/transactions?order=asc&cursor=${token}`),
      succeeds: link(`${base}/transactions?order=desc&cursor=${token}`),
      transaction: link(self),
    },
    id: hash,
    paging_token: String(token),
    successful: succeeded(result),
    hash,
    ledger,
    created_at: formatTime(closeTime),
    source_account: source,
    source_account_sequence: String(transaction.sequence),
    fee_account: source,
    fee_charged: String(result.feeCharged),
    max_fee: String(transaction.fee),
    operation_count: transaction.operations.length,
    envelope_xdr: transaction.envelopeXdr,
    result_xdr: resultToXdr(result).toXdr('base64'),
    result_meta_xdr: EMPTY_META,
    fee_meta_xdr: EMPTY_CHANGES,
    memo_type: transaction.memo.type,
    signatures: transaction.signatures.map(({ signature }) => Buffer.from(signature).toString('base64')),
    ...timeFields(transaction),
  };
}

/** GET /transactions/{hash} */
export const transaction: Route = {
  method: 'GET',
  pattern: /^\/transactions\/([^/]+)$/,
  handle({ network, base, parameters: [hash = ''] }) {
    if (!/^[0-9a-f]{64}$/.test(hash)) {
      throw badField('tx_id', 'Transaction hash must be a hex-encoded, lowercase SHA-256 hash');
    }
    const found = network.transaction(hash);
    if (!found) throw problem('not_found');
    return ok(transactionResource(found, base));
  },
};
