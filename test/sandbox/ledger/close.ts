import { applyTransaction, chargeFee, type TransactionChanges } from './apply.ts';
import type { Change } from './entries.ts';
import { type DecodedTransaction, sha256 } from './envelope.ts';
import { Refused } from './errors.ts';
import { headerXdr, resultSetHash, transactionSetXdr } from './header.ts';
import type { OperationContext } from './operation.ts';
import { resultToXdr, succeeded, type TransactionResult } from './result.ts';
import type { Header, LedgerState } from './state.ts';

export interface AppliedTransaction {
  transaction: DecodedTransaction;
  result: TransactionResult;
  /** TransactionResult, base64. */
  resultXdr: string;
  ledger: number;
  /** Unix seconds. */
  closeTime: number;
  /** 1 for the first that the ledger applied. */
  order: number;
  feeChanges: Change[];
  changes: TransactionChanges;
}

export interface ClosedLedger {
  sequence: number;
  hash: string;
  previousHash: string;
  /** Unix seconds. */
  closeTime: number;
  headerXdr: string;
  /** GeneralizedTransactionSet, base64. */
  transactionSetXdr: string;
  /** As it is after this ledger. */
  header: Header;
  /** In the order of application. */
  transactions: AppliedTransaction[];
}

/** A transaction and the fee an operation that its set pays at most, in stroops; undefined: what it bids. */
export interface Charged {
  transaction: DecodedTransaction;
  baseFee: bigint | undefined;
}

/** Between the ledger's transactions only those that merge accounts look at what others use. */
function contextOf(transactions: readonly Charged[]): OperationContext {
  const highest = new Map<string, bigint>();
  for (const { transaction } of transactions) {
    const known = highest.get(transaction.source) ?? 0n;
    if (transaction.sequence > known) highest.set(transaction.source, transaction.sequence);
  }
  return { highestSequence: (account) => highest.get(account) };
}

/** A refusal says which transaction of the ledger it was. */
function naming<T>({ hash }: DecodedTransaction, apply: () => T): T {
  try {
    return apply();
  } catch (error) {
    if (error instanceof Refused) error.transaction = hash;
    throw error;
  }
}

/**
 * Applies a ledger to `state`: all fees first, then the transactions in the order given. The caller commits.
 * @param closeTime Unix seconds
 */
export function applyLedger(
  state: LedgerState,
  transactions: readonly Charged[],
  closeTime: number,
): AppliedTransaction[] {
  const { header } = state;
  const ledger = header.sequence + 1;
  state.setHeader({ ...header, sequence: ledger, closeTime: BigInt(closeTime) });
  const fees = transactions.map(({ transaction, baseFee }) => {
    const before = state.savepoint();
    const charged = chargeFee(state, transaction, baseFee);
    return { charged, changes: state.changesSince(before) };
  });
  const context = contextOf(transactions);
  return transactions.map(({ transaction }, index) => {
    const fee = fees[index]!;
    const { result, changes } = naming(transaction, () =>
      applyTransaction(state, transaction, fee.charged, context),
    );
    return {
      transaction,
      result,
      resultXdr: resultToXdr(result).toXdr('base64'),
      ledger,
      closeTime,
      order: index + 1,
      feeChanges: fee.changes,
      changes,
    };
  });
}

/**
 * Closes a ledger on `state`: applies it and makes its header.
 * @param closeTime Unix seconds
 * @param baseFee stroops an operation that everyone in the ledger pays at most
 */
export function closeLedger(
  state: LedgerState,
  previousHash: string,
  transactions: readonly DecodedTransaction[],
  closeTime: number,
  baseFee: bigint,
): ClosedLedger {
  const charged = transactions.map((transaction) => ({ transaction, baseFee }));
  const envelopes = transactions.map(({ envelopeXdr }) => envelopeXdr);
  const set = transactionSetXdr(previousHash, envelopes, baseFee);
  const applied = applyLedger(state, charged, closeTime);
  state.commit();
  return sealLedger(state, previousHash, set, applied);
}

/**
 * The header over a ledger as it stands, and what it commits to.
 * @param set GeneralizedTransactionSet
 * @param upgrades UpgradeType, hex
 */
export function sealLedger(
  { header }: LedgerState,
  previousHash: string,
  set: Uint8Array,
  applied: AppliedTransaction[],
  upgrades: readonly string[] = [],
): ClosedLedger {
  const xdr = headerXdr(header, {
    previousHash,
    txSetHash: sha256(set).toString('hex'),
    txSetResultHash: resultSetHash(applied),
    upgrades,
  });
  return {
    sequence: header.sequence,
    hash: sha256(xdr).toString('hex'),
    previousHash,
    closeTime: Number(header.closeTime),
    headerXdr: Buffer.from(xdr).toString('base64'),
    transactionSetXdr: Buffer.from(set).toString('base64'),
    header,
    transactions: applied,
  };
}

export const successful = ({ transactions }: ClosedLedger): AppliedTransaction[] =>
  transactions.filter(({ result }) => succeeded(result));
