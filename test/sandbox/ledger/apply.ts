import { StrKey } from '@stellar/stellar-sdk/base';
import { useSequence } from './bump_sequence.ts';
import type { Change } from './entries.ts';
import { bidOf, type DecodedTransaction, feeSourceOf, type Operation, sizeOf } from './envelope.ts';
import { InternalError } from './errors.ts';
import { min } from './exchange.ts';
import type { OperationContext, OperationOutcome } from './operation.ts';
import { operationModule } from './operations.ts';
import { failure, operationsResult, succeeded, type TransactionResult, untouched } from './result.ts';
import { removeSigner } from './set_options.ts';
import { createSignatureChecker } from './signatures.ts';
import type { LedgerState } from './state.ts';
import { checkOperationSigned, judge, sourceOf } from './validate.ts';

/**
 * Charges the fee of a transaction: before any transaction of its ledger is applied.
 * @param baseFee stroops an operation that its set pays at most; undefined: what it bids
 * @returns what was taken
 */
export function chargeFee(
  state: LedgerState,
  transaction: DecodedTransaction,
  baseFee: bigint | undefined,
): bigint {
  const account = state.account(feeSourceOf(transaction));
  if (!account) throw new Error(`${feeSourceOf(transaction)}, which pays the fee, is not in the ledger`);
  const bid = bidOf(transaction);
  const due = baseFee === undefined ? bid : min(bid, baseFee * BigInt(sizeOf(transaction)));
  const fee = min(due, account.balance);
  state.put({ ...account, balance: account.balance - fee });
  state.setHeader({ ...state.header, feePool: state.header.feePool + fee });
  return fee;
}

/** A pre-authorized hash is good for one transaction, whatever becomes of it. */
function removePreAuthorized(state: LedgerState, accounts: Iterable<string>, hash: string): void {
  const key = StrKey.encodePreAuthTx(Buffer.from(hash, 'hex'));
  for (const address of new Set(accounts)) {
    const account = state.account(address);
    if (account?.signers.some((signer) => signer.key === key)) removeSigner(state, account, key);
  }
}

/** Who pays for a fee bump is written, changed or not. */
function touchPayer(state: LedgerState, payer: string, hash: string): Change[] {
  const start = state.savepoint();
  const account = state.account(payer);
  if (account) state.put(account);
  removePreAuthorized(state, [payer], hash);
  return state.changesSince(start);
}

function applyOperation(
  state: LedgerState,
  transaction: DecodedTransaction,
  operation: Operation,
  context: OperationContext,
): OperationOutcome {
  const module = operationModule(operation.name);
  const source = sourceOf(transaction, operation);
  if (!module) return { code: 'op_not_supported' };
  if (!state.account(source)) return { code: 'op_no_account' };
  const malformed = module.check(operation.body, source);
  return malformed ? { code: malformed } : module.apply(state, source, operation.body, context);
}

/** What a transaction wrote besides its fee: nothing by its operations unless all succeeded. */
export interface TransactionChanges {
  /** Sequence number and one-time signers. */
  before: Change[];
  operations: Change[][];
}

/**
 * Applies a transaction whose fee was charged. It uses up its sequence number whether its operations succeed or not;
 * if it has become invalid since it was queued, it only keeps the fee.
 */
export function applyTransaction(
  state: LedgerState,
  transaction: DecodedTransaction,
  feeCharged: bigint,
  context: OperationContext,
): { result: TransactionResult; changes: TransactionChanges } {
  const { operations, feeBump, innerHash, signatures, source } = transaction;
  const payerChanges = feeBump ? touchPayer(state, feeBump.source, transaction.hash) : [];
  const start = state.savepoint();

  const checker = createSignatureChecker(innerHash, signatures);
  const { sequence: ledger } = state.header;
  const verdict = judge(state, transaction, { phase: 'apply', ledger, closeAhead: 0n }, checker);
  if (verdict.usesSequence) useSequence(state, state.account(source)!, transaction.sequence);
  const unsigned =
    verdict.code === undefined
      ? operations.map((operation) => checkOperationSigned(state, transaction, operation, checker))
      : [];
  removePreAuthorized(
    state,
    [source, ...operations.map((operation) => sourceOf(transaction, operation))],
    innerHash,
  );
  const before = [...payerChanges, ...state.changesSince(start)];
  const done = (result: TransactionResult, changes: Change[][] = []) => ({
    result,
    changes: { before, operations: changes },
  });

  const inner = feeBump && innerHash;
  if (verdict.code !== undefined) return done(failure(verdict.code, feeCharged, inner));
  if (unsigned.some((code) => code !== undefined)) {
    const outcomes = unsigned.map((code, index) =>
      code === undefined ? untouched(operations[index]!.name) : { code },
    );
    return done(operationsResult(transaction, outcomes, feeCharged));
  }
  if (!checker.allUsed()) return done(failure('tx_bad_auth_extra', feeCharged, inner));

  const all = state.savepoint();
  const changes: Change[][] = [];
  let outcomes: OperationOutcome[];
  try {
    outcomes = operations.map((operation) => {
      const one = state.savepoint();
      const outcome = applyOperation(state, transaction, operation, context);
      if ('code' in outcome) state.rollback(one);
      else changes.push(state.changesSince(one));
      return outcome;
    });
  } catch (error) {
    if (!(error instanceof InternalError)) throw error;
    state.rollback(all);
    return done(failure('tx_internal_error', feeCharged, inner));
  }
  const result = operationsResult(transaction, outcomes, feeCharged);
  if (!succeeded(result)) state.rollback(all);
  return done(result, succeeded(result) ? changes : []);
}
