import { xdr } from '@stellar/stellar-sdk/base';
import type { AppliedTransaction } from '../ledger/close.ts';
import { transactionMeta } from '../ledger/meta.ts';
import { succeeded } from '../ledger/result.ts';

/** Events of the transaction and of each operation that was carried out; a list that is empty is left out. */
function eventsOf(meta: xdr.TransactionMeta, asJson: boolean): Record<string, unknown> {
  if (meta.type !== 'v4') throw new Error(`there are no events in version ${meta.type} of the meta`);
  const write = (event: xdr.XdrValue): unknown => (asJson ? event.toJson() : event.toXdr('base64'));
  const suffix = asJson ? 'Json' : 'Xdr';
  const lists = {
    transactionEvents: meta.v4.events.map(write),
    contractEvents: meta.v4.operations.map(({ events }) => events.map(write)),
  };
  const filled = Object.entries(lists).filter(([, list]) => list.length > 0);
  return Object.fromEntries(filled.map(([name, list]) => [`${name}${suffix}`, list]));
}

/** A transaction as `getTransaction` and `getTransactions` have it, without the time that they write differently. */
export function transactionDetails(applied: AppliedTransaction, txHash: string, asJson: boolean) {
  const { transaction, result, resultXdr, order, ledger } = applied;
  const { envelopeXdr, feeBump } = transaction;
  const meta = transactionMeta(applied);
  return {
    status: succeeded(result) ? 'SUCCESS' : 'FAILED',
    txHash,
    applicationOrder: order,
    feeBump: feeBump !== undefined,
    ...(asJson
      ? {
          envelopeJson: xdr.TransactionEnvelope.fromXdr(envelopeXdr, 'base64').toJson(),
          resultJson: xdr.TransactionResult.fromXdr(resultXdr, 'base64').toJson(),
          resultMetaJson: meta.toJson(),
        }
      : { envelopeXdr, resultXdr, resultMetaXdr: meta.toXdr('base64') }),
    events: eventsOf(meta, asJson),
    ledger,
  };
}
