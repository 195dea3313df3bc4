import { isEmptyPayload } from './address.ts';
import { spendable } from './balances.ts';
import { startingSequence } from './create_account.ts';
import type { Account } from './entries.ts';
import { bidOf, type DecodedTransaction, feeSourceOf, type Operation, sizeOf } from './envelope.ts';
import { divideUp, INT64_MAX } from './exchange.ts';
import type { OperationOutcome } from './operation.ts';
import { operationModule } from './operations.ts';
import { failure, type TransactionResult, untouched } from './result.ts';
import { createSignatureChecker, type SignatureChecker, signersOf } from './signatures.ts';
import type { Header, LedgerState } from './state.ts';

/** Stroops for `operations` when the network is not busy. */
const minimumFee = ({ baseFee }: Header, operations: number): bigint =>
  baseFee * BigInt(Math.max(1, operations));

/** Where and when a transaction is judged. */
export interface Judgement {
  /** `submit`: before it is queued; `apply`: its fee was charged already. */
  phase: 'submit' | 'apply';
  /** The ledger that it would be in. */
  ledger: number;
  /** Seconds that the next close may be ahead of the ledger that the transaction is judged against. */
  closeAhead: bigint;
}

export const sourceOf = (transaction: DecodedTransaction, operation: Operation): string =>
  operation.source ?? transaction.source;

function isTooEarly({ preconditions }: DecodedTransaction, { closeTime }: Header, ledger: number): boolean {
  const { timeBounds, ledgerBounds } = preconditions;
  return (timeBounds?.min ?? 0n) > closeTime || (ledgerBounds?.min ?? 0) > ledger;
}

function isTooLate(
  { preconditions: { timeBounds, ledgerBounds } }: DecodedTransaction,
  { closeTime }: Header,
  { ledger, closeAhead }: Judgement,
): boolean {
  if (timeBounds && timeBounds.max !== 0n && timeBounds.max < closeTime + closeAhead) return true;
  return ledgerBounds !== undefined && ledgerBounds.max !== 0 && ledgerBounds.max <= ledger;
}

function isBadSequence(
  { sequence, preconditions: { minSequence } }: DecodedTransaction,
  account: Account,
  ledger: number,
): boolean {
  if (sequence === startingSequence(ledger)) return true;
  if (minSequence !== undefined) return account.sequence < minSequence || account.sequence >= sequence;
  return account.sequence === INT64_MAX || account.sequence + 1n !== sequence;
}

function isTooSoonForAccount(
  { preconditions: { minSequenceAge, minSequenceLedgerGap } }: DecodedTransaction,
  account: Account,
  { closeTime }: Header,
  ledger: number,
): boolean {
  if (minSequenceAge > closeTime || closeTime - minSequenceAge < account.sequenceTime) return true;
  return minSequenceLedgerGap > ledger || ledger - minSequenceLedgerGap < account.sequenceLedger;
}

/** Two equal extra signers, or one that signs an empty payload. */
function hasMalformedSigners({ preconditions: { extraSigners } }: DecodedTransaction): boolean {
  const [first, second] = extraSigners;
  return (first !== undefined && first === second) || extraSigners.some(isEmptyPayload);
}

export interface Verdict {
  /** Undefined where nothing stands against the transaction itself. */
  code: string | undefined;
  /** Whether it was judged far enough to use up its sequence number. */
  usesSequence: boolean;
}

const refuse = (code: string, usesSequence = false): Verdict => ({ code, usesSequence });

/** What core checks of a transaction without its operations, in its order. A fee bump's inner one pays no fee. */
export function judge(
  state: LedgerState,
  transaction: DecodedTransaction,
  judgement: Judgement,
  checker: SignatureChecker,
): Verdict {
  const { header } = state;
  const { ledger, phase } = judgement;
  const { operations, fee, feeBump, source, preconditions, hasSorobanData } = transaction;
  const pays = feeBump === undefined;

  if (hasMalformedSigners(transaction)) return refuse('tx_malformed');
  if (operations.length === 0) return refuse('tx_missing_operation');
  if (hasSorobanData) return refuse('tx_malformed');
  if (isTooEarly(transaction, header, ledger)) return refuse('tx_too_early');
  if (isTooLate(transaction, header, judgement)) return refuse('tx_too_late');
  if (pays && fee < minimumFee(header, operations.length)) return refuse('tx_insufficient_fee');
  const account = state.account(source);
  if (!account) return refuse('tx_no_account');
  if (isBadSequence(transaction, account, ledger)) return refuse('tx_bad_seq');
  if (isTooSoonForAccount(transaction, account, header, ledger)) {
    return refuse('tx_bad_min_seq_age_or_gap', true);
  }
  const extra = preconditions.extraSigners.map((key) => ({ key, weight: 1 }));
  const signed =
    checker.reaches(signersOf(account), account.thresholds.low) &&
    (extra.length === 0 || checker.reaches(extra, extra.length));
  if (!signed) return refuse('tx_bad_auth', true);
  const due = phase === 'apply' ? 0n : fee;
  if (pays && spendable(header, account) < due) return refuse('tx_insufficient_balance', true);
  return { code: undefined, usesSequence: true };
}

/** Whether an operation is signed for; an account that is not there yet needs its own key's signature. */
export function checkOperationSigned(
  state: LedgerState,
  transaction: DecodedTransaction,
  operation: Operation,
  checker: SignatureChecker,
): string | undefined {
  const source = sourceOf(transaction, operation);
  const account = state.account(source);
  if (!account) {
    if (operation.source === undefined) return 'op_no_account';
    return checker.reaches([{ key: source, weight: 1 }], 0) ? undefined : 'op_bad_auth';
  }
  const level = operationModule(operation.name)?.level(operation.body) ?? 'low';
  return checker.reaches(signersOf(account), account.thresholds[level]) ? undefined : 'op_bad_auth';
}

function checkOperation(
  state: LedgerState,
  transaction: DecodedTransaction,
  operation: Operation,
  checker: SignatureChecker,
): string | undefined {
  const module = operationModule(operation.name);
  if (!module) return 'op_not_supported';
  return (
    checkOperationSigned(state, transaction, operation, checker) ??
    module.check(operation.body, sourceOf(transaction, operation))
  );
}

/** What stands against the outer half of a fee bump. */
function judgeFeeBump(
  { header, account }: LedgerState,
  transaction: DecodedTransaction,
  fee: bigint,
): TransactionResult | undefined {
  const { operations, feeBump, fee: innerFee } = transaction;
  if (!feeBump) return undefined;
  const innerMinimum = minimumFee(header, operations.length);
  if (feeBump.fee < fee) return failure('tx_insufficient_fee', fee);
  // It has to bid at least the rate of the inner transaction.
  if (feeBump.fee * innerMinimum < innerFee * fee) {
    return failure('tx_insufficient_fee', divideUp(innerFee * fee, innerMinimum));
  }
  const payer = account(feeSourceOf(transaction));
  if (!payer) return failure('tx_no_account', fee);
  const checker = createSignatureChecker(transaction.hash, feeBump.signatures);
  if (!checker.reaches(signersOf(payer), payer.thresholds.low)) return failure('tx_bad_auth', fee);
  if (spendable(header, payer) < feeBump.fee) return failure('tx_insufficient_balance', fee);
  return checker.allUsed() ? undefined : failure('tx_bad_auth_extra', fee);
}

/**
 * Whether a transaction may be queued for the next ledger, in core's order of checks; undefined where it may.
 * A rejection's `feeCharged` is what it would have paid.
 * @param closeAhead seconds that the next close may be ahead of the last one
 */
export function validate(
  state: LedgerState,
  transaction: DecodedTransaction,
  closeAhead: bigint,
): TransactionResult | undefined {
  if (bidOf(transaction) < 0n) return failure('tx_malformed', 0n);
  const fee = minimumFee(state.header, sizeOf(transaction));
  const outer = judgeFeeBump(state, transaction, fee);
  if (outer) return outer;

  const innerHash = transaction.feeBump && transaction.innerHash;
  const checker = createSignatureChecker(transaction.innerHash, transaction.signatures);
  const judgement: Judgement = { phase: 'submit', ledger: state.header.sequence + 1, closeAhead };
  const { code } = judge(state, transaction, judgement, checker);
  if (code) return failure(code, fee, innerHash);
  for (const [index, operation] of transaction.operations.entries()) {
    const bad = checkOperation(state, transaction, operation, checker);
    if (bad) return rejected(transaction, index, bad, fee);
  }
  return checker.allUsed() ? undefined : failure('tx_bad_auth_extra', fee, innerHash);
}

/** A rejection names a result for every operation; those after the first bad one were not looked at. */
function rejected(
  { operations, feeBump, innerHash }: DecodedTransaction,
  bad: number,
  code: string,
  feeCharged: bigint,
): TransactionResult {
  const outcome = (index: number): OperationOutcome =>
    index === bad ? { code } : untouched(operations[index]!.name);
  return {
    code: 'tx_failed',
    feeCharged,
    operations: operations.map(({ name }, index) => ({ name, outcome: outcome(index) })),
    innerHash: feeBump && innerHash,
  };
}
