import type { AppliedTransaction } from '../ledger/close.ts';
import { bidOf, type DecodedTransaction, type Signature } from '../ledger/envelope.ts';
import { feeMetaXdr, transactionMetaXdr } from '../ledger/meta.ts';
import { succeeded } from '../ledger/result.ts';
import { accountFields, readHash, readIncludeFailed, readScope, transactionsIn } from './history.ts';
import { link, ok, PAGE, type Route, template } from './http.ts';
import { historyList, isNumberCursor, listRoute, tokenOf } from './page.ts';
import { formatTime } from './parameters.ts';
import { problem } from './problems.ts';

function memoFields({ type, value }: DecodedTransaction['memo']): Record<string, string> {
  if (value === undefined) return {};
  if (typeof value === 'bigint') return { memo: String(value) };
  const bytes = Buffer.from(value);
  if (type !== 'text') return { memo: bytes.toString('base64') };
  return { memo: bytes.toString('utf8'), memo_bytes: bytes.toString('base64') };
}

/** The last second of the year 9999; a later bound has no RFC 3339 form. */
const LAST_TIME = 253_402_300_799n;

function conditionFields({ preconditions }: DecodedTransaction): Record<string, unknown> {
  const { timeBounds, ledgerBounds, minSequence, minSequenceAge, minSequenceLedgerGap, extraSigners } =
    preconditions;
  const fields = {
    ...(timeBounds && {
      timebounds: {
        min_time: String(timeBounds.min),
        ...(timeBounds.max !== 0n && { max_time: String(timeBounds.max) }),
      },
    }),
    ...(ledgerBounds && {
      ledgerbounds: {
        min_ledger: ledgerBounds.min,
        ...(ledgerBounds.max !== 0 && { max_ledger: ledgerBounds.max }),
      },
    }),
    ...(minSequence !== undefined && { min_account_sequence: String(minSequence) }),
    ...(minSequenceAge !== 0n && { min_account_sequence_age: String(minSequenceAge) }),
    ...(minSequenceLedgerGap !== 0 && { min_account_sequence_ledger_gap: minSequenceLedgerGap }),
    ...(extraSigners.length > 0 && { extra_signers: extraSigners }),
  };
  const { min, max } = timeBounds ?? { min: LAST_TIME + 1n, max: 0n };
  return {
    ...(min <= LAST_TIME && { valid_after: formatTime(Number(min)) }),
    ...(max !== 0n && max <= LAST_TIME && { valid_before: formatTime(Number(max)) }),
    ...(Object.keys(fields).length > 0 && { preconditions: fields }),
  };
}

const encoded = (signatures: readonly Signature[]): string[] =>
  signatures.map(({ signature }) => Buffer.from(signature).toString('base64'));

function feeBumpFields({ hash, innerHash, fee, feeBump, signatures }: DecodedTransaction) {
  if (!feeBump) return {};
  return {
    fee_bump_transaction: { hash, signatures: encoded(feeBump.signatures) },
    inner_transaction: { hash: innerHash, signatures: encoded(signatures), max_fee: String(fee) },
  };
}

/** The account of the transaction itself is only told apart by its muxed form. */
function sourceFields({ source, sourceAddress }: DecodedTransaction): Record<string, string> {
  const { account: _, ...muxed } = accountFields('account', sourceAddress);
  return { source_account: source, ...muxed };
}

/**
 * A transaction as `GET /transactions/{hash}` and a successful submission answer it.
 * @param hash the one that it was asked for by: a fee bump's own or that of its inner transaction
 */
export function transactionResource(
  applied: AppliedTransaction,
  base: string,
  hash = applied.transaction.hash,
) {
  const { transaction, result, resultXdr, ledger, closeTime, order } = applied;
  const { feeBump } = transaction;
  const self = `${base}/transactions/${hash}`;
  const token = tokenOf(ledger, order);
  const isOuter = feeBump && hash === transaction.hash;
  return {
    ...memoFields(transaction.memo),
    _links: {
      self: link(self),
      account: link(`${base}/accounts/${transaction.source}`),
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
    ...sourceFields(transaction),
    source_account_sequence: String(transaction.sequence),
    ...accountFields('fee_account', feeBump?.sourceAddress ?? transaction.sourceAddress),
    fee_charged: String(result.feeCharged),
    max_fee: String(bidOf(transaction)),
    operation_count: transaction.operations.length,
    envelope_xdr: transaction.envelopeXdr,
    result_xdr: resultXdr,
    result_meta_xdr: transactionMetaXdr(applied),
    fee_meta_xdr: feeMetaXdr(applied),
    memo_type: transaction.memo.type,
    signatures: encoded(isOuter ? feeBump.signatures : transaction.signatures),
    ...conditionFields(transaction),
    ...feeBumpFields(transaction),
  };
}

/** GET /transactions/{hash} */
export const transaction: Route = {
  method: 'GET',
  pattern: /^\/transactions\/([^/]+)$/,
  handle({ network, base, parameters: [hash = ''] }) {
    const found = network.transaction(readHash(hash));
    if (!found) throw problem('not_found');
    return ok(transactionResource(found, base, hash));
  },
};

/** GET /transactions, and those of a ledger, an account or a pool */
export const transactions = listRoute(
  /^(?:\/(accounts|ledgers|liquidity_pools)\/([^/]+))?\/transactions$/,
  (request) =>
    historyList(request, isNumberCursor, () => {
      const { network, base, query, parameters } = request;
      const failed = readIncludeFailed(query);
      const scope = readScope(network, parameters[0], parameters[1]);
      return (ledger) =>
        transactionsIn(scope, ledger, failed).map((applied) => ({
          token: String(tokenOf(applied.ledger, applied.order)),
          render: () => transactionResource(applied, base),
        }));
    }),
);
