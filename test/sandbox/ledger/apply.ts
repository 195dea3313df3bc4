import type { DecodedTransaction } from './envelope.ts';
import { min } from './exchange.ts';
import { type OperationOutcome, operationModule } from './operations.ts';
import { operationsResult, type TransactionResult } from './result.ts';
import type { LedgerState } from './state.ts';
import { feeOf, validate } from './validate.ts';

/** Charges the fee of a transaction: before any transaction of its ledger is applied. Returns what was taken. */
export function chargeFee(state: LedgerState, transaction: DecodedTransaction): bigint {
  const account = state.account(transaction.source);
  if (!account) return 0n;
  const fee = min(feeOf(transaction), account.balance);
  state.put({ account: { ...account, balance: account.balance - fee } });
  state.addFee(fee);
  return fee;
}

/** The operations in order, all or nothing. */
function applyOperations(state: LedgerState, { operations, source }: DecodedTransaction): OperationOutcome[] {
  const before = state.savepoint();
  const outcomes = operations.map((operation) => {
    const beforeOperation = state.savepoint();
    const outcome = operationModule(operation.name).apply(state, operation.source ?? source, operation.body);
    if ('code' in outcome) state.rollback(beforeOperation);
    return outcome;
  });
  if (outcomes.some((outcome) => 'code' in outcome)) state.rollback(before);
  return outcomes;
}

/**
 * Applies a transaction whose fee was charged. It uses up its sequence number whether its operations succeed or not;
 * if it has become invalid since it was queued, it only keeps the fee.
 */
export function applyTransaction(
  state: LedgerState,
  transaction: DecodedTransaction,
  feeCharged: bigint,
): TransactionResult {
  const invalid = validate(state, transaction, { phase: 'apply', closeAhead: 0n });
  if (invalid) return { ...invalid, feeCharged };
  const account = state.account(transaction.source)!;
  const { ledger, time } = state.close;
  state.put({
    account: { ...account, sequence: transaction.sequence, sequenceLedger: ledger, sequenceTime: time },
  });
  const outcomes = applyOperations(state, transaction);
  return operationsResult(transaction.operations, outcomes, feeCharged);
}
