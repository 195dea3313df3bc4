import { applyTransaction, chargeFee } from './apply.ts';
import { BASE_FEE, BASE_RESERVE } from './balances.ts';
import { type DecodedTransaction, sha256 } from './envelope.ts';
import { headerXdr, resultSetHash, transactionSetHash } from './header.ts';
import { resultToXdr, succeeded, type TransactionResult } from './result.ts';
import type { LedgerState } from './state.ts';

export interface AppliedTransaction {
  transaction: DecodedTransaction;
  result: TransactionResult;
  ledger: number;
  closeTime: number;
  /** 1 for the first that the ledger applied. */
  order: number;
}

export interface ClosedLedger {
  sequence: number;
  hash: string;
  previousHash: string;
  closeTime: number;
  headerXdr: string;
  feePool: bigint;
  /** In the order of application. */
  transactions: AppliedTransaction[];
}

/**
 * Closes a ledger on `state`: all fees first, then the transactions in the order given, then the header.
 * @param close number of the new ledger and its close time in Unix seconds
 * @param idPool the highest offer id given out
 */
export function closeLedger(
  state: LedgerState,
  previousHash: string,
  transactions: readonly DecodedTransaction[],
  close: { ledger: number; time: number },
  idPool: bigint,
): ClosedLedger {
  state.open(close);
  const fees = transactions.map((transaction) => chargeFee(state, transaction));
  const applied = transactions.map((transaction, index) => ({
    transaction,
    result: applyTransaction(state, transaction, fees[index]!),
    ledger: close.ledger,
    closeTime: close.time,
    order: index + 1,
  }));
  state.commit();

  const envelopes = transactions.map(({ envelopeXdr }) => envelopeXdr);
  const results = applied.map(({ transaction, result }) => ({
    hash: transaction.hash,
    result: resultToXdr(result),
  }));
  const header = headerXdr({
    sequence: close.ledger,
    previousHash,
    closeTime: close.time,
    txSetHash: transactionSetHash(previousHash, envelopes, BASE_FEE),
    txSetResultHash: resultSetHash(results),
    feePool: state.feePool,
    idPool,
    baseFee: BASE_FEE,
    baseReserve: BASE_RESERVE,
  });
  return {
    sequence: close.ledger,
    hash: sha256(header).toString('hex'),
    previousHash,
    closeTime: close.time,
    headerXdr: Buffer.from(header).toString('base64'),
    feePool: state.feePool,
    transactions: applied,
  };
}

export const successful = ({ transactions }: ClosedLedger): AppliedTransaction[] =>
  transactions.filter(({ result }) => succeeded(result));
