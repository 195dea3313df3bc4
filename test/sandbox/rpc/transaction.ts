import { xdr } from '@stellar/stellar-sdk/base';
import type { AppliedTransaction } from '../ledger/close.ts';
import { transactionMetaXdr } from '../ledger/meta.ts';
import { succeeded } from '../ledger/result.ts';

/** A transaction as `getTransaction` and `getTransactions` have it, without the time that they write differently. */
export function transactionDetails(applied: AppliedTransaction, txHash: string, asJson: boolean) {
  const { transaction, result, resultXdr, order, ledger, changes } = applied;
  const { envelopeXdr, feeBump } = transaction;
  const meta = transactionMetaXdr(applied);
  // An empty list for each operation that was carried out, as of a core that emits no events for classic ones.
  const events = changes.operations.map(() => []);
  const suffix = asJson ? 'Json' : 'Xdr';
  return {
    status: succeeded(result) ? 'SUCCESS' : 'FAILED',
    txHash,
    applicationOrder: order,
    feeBump: feeBump !== undefined,
    ...(asJson
      ? {
          envelopeJson: xdr.TransactionEnvelope.fromXdr(envelopeXdr, 'base64').toJson(),
          resultJson: xdr.TransactionResult.fromXdr(resultXdr, 'base64').toJson(),
          resultMetaJson: xdr.TransactionMeta.fromXdr(meta, 'base64').toJson(),
        }
      : { envelopeXdr, resultXdr, resultMetaXdr: meta }),
    events: events.length > 0 ? { [`contractEvents${suffix}`]: events } : {},
    ledger,
  };
}
