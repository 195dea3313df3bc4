import { BASE_FEE, spendable } from './balances.ts';
import type { DecodedTransaction, Operation } from './envelope.ts';
import { INT64_MAX } from './exchange.ts';
import { type OperationOutcome, operationModule } from './operations.ts';
import { failure, operationsResult, type TransactionResult } from './result.ts';
import { checkSignatures, type SignatureCheck } from './signatures.ts';
import type { LedgerState } from './state.ts';

/** Stroops that a transaction is charged when the network is not busy. */
export const feeOf = (transaction: DecodedTransaction): bigint =>
  BASE_FEE * BigInt(Math.max(1, transaction.operations.length));

function checkOperation(
  state: LedgerState,
  transaction: DecodedTransaction,
  operation: Operation,
  signatures: SignatureCheck,
): OperationOutcome {
  const source = operation.source ?? transaction.source;
  if (!state.account(source)) return { code: 'op_no_account' };
  if (!signatures.signedBy(source)) return { code: 'op_bad_auth' };
  const code = operationModule(operation.name).check(operation.body);
  return code ? { code } : { success: null };
}

export interface ValidityBounds {
  /** `submit`: judged before it is queued; `apply`: its fee was charged already. */
  phase: 'submit' | 'apply';
  /** Seconds that the next close may be ahead of the ledger that the transaction is judged against. */
  closeAhead: bigint;
}

/**
 * Whether a transaction may enter the next ledger, in core's order of checks; undefined where it may.
 * A rejection's `feeCharged` is what it would have paid.
 */
export function validate(
  state: LedgerState,
  transaction: DecodedTransaction,
  { phase, closeAhead }: ValidityBounds,
): TransactionResult | undefined {
  const fee = feeOf(transaction);
  const time = BigInt(state.close.time);
  const { timeBounds, operations, source } = transaction;

  if (operations.length === 0) return failure('tx_missing_operation', fee);
  if (timeBounds && timeBounds.min > time) return failure('tx_too_early', fee);
  if (timeBounds && timeBounds.max !== 0n && timeBounds.max < time + closeAhead) {
    return failure('tx_too_late', fee);
  }
  if (phase === 'submit' && transaction.fee < fee) return failure('tx_insufficient_fee', fee);
  const account = state.account(source);
  if (!account) return failure('tx_no_account', fee);
  if (account.sequence === INT64_MAX || transaction.sequence !== account.sequence + 1n) {
    return failure('tx_bad_seq', fee);
  }
  const signatures = checkSignatures(transaction);
  if (!signatures.signedBy(source)) return failure('tx_bad_auth', fee);
  if (phase === 'submit' && spendable(account) < fee) return failure('tx_insufficient_balance', fee);

  const outcomes = operations.map((operation) => checkOperation(state, transaction, operation, signatures));
  const bad = outcomes.findIndex((outcome) => 'code' in outcome);
  if (bad >= 0) return rejected(transaction, outcomes, bad, fee);
  return signatures.allUsed() ? undefined : failure('tx_bad_auth_extra', fee);
}

/** A rejection names a result for every operation; those after the first bad one were not looked at. */
function rejected(
  { operations }: DecodedTransaction,
  outcomes: OperationOutcome[],
  bad: number,
  fee: bigint,
): TransactionResult {
  const emptySuccess = { success: { offers: [], last: EMPTY_PAYMENT } };
  const shown = outcomes.map((outcome, index) => (index === bad ? outcome : emptySuccess));
  return operationsResult(operations, shown, fee);
}

/** What an operation result holds that was not filled in: zero bytes. */
const EMPTY_PAYMENT = {
  destination: 'GAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWHF',
  asset: 'native',
  amount: '0',
};
