import { xdr } from '@stellar/stellar-sdk/base';
import type { Operation } from './envelope.ts';
import type { OperationOutcome } from './operations.ts';

/** `transaction` code in SEP-51 JSON; operations only with `tx_success` and `tx_failed`. */
export interface TransactionResult {
  code: string;
  feeCharged: bigint;
  operations: { name: string; outcome: OperationOutcome }[];
}

const isSuccess = (outcome: OperationOutcome): outcome is { success: unknown } => 'success' in outcome;

export const succeeded = (result: TransactionResult): boolean => result.code === 'tx_success';

export const failure = (code: string, feeCharged: bigint): TransactionResult => ({
  code,
  feeCharged,
  operations: [],
});

/** Operations in order with their outcomes; failed where one failed. */
export function operationsResult(
  operations: readonly Operation[],
  outcomes: readonly OperationOutcome[],
  feeCharged: bigint,
): TransactionResult {
  return {
    code: outcomes.every(isSuccess) ? 'tx_success' : 'tx_failed',
    feeCharged,
    operations: operations.map(({ name }, index) => ({ name, outcome: outcomes[index]! })),
  };
}

/** TransactionResult of Stellar-transaction.x. */
export function resultToXdr({ code, feeCharged, operations }: TransactionResult): xdr.TransactionResult {
  const results = operations.map(({ name, outcome }) => {
    if (!isSuccess(outcome)) {
      return outcome.code.startsWith('op_') ? outcome.code : { op_inner: { [name]: outcome.code } };
    }
    return { op_inner: { [name]: { success: outcome.success } } };
  });
  const carries = code === 'tx_success' || code === 'tx_failed';
  const json = { fee_charged: String(feeCharged), result: carries ? { [code]: results } : code, ext: 'v0' };
  return xdr.TransactionResult.fromJson(json as never);
}

const HORIZON_TRANSACTION: Record<string, string> = {
  tx_no_account: 'tx_no_source_account',
  tx_bad_min_seq_age_or_gap: 'tx_bad_minseq_age_or_gap',
};

const HORIZON_OPERATION: Record<string, string> = {
  success: 'op_success',
  under_destmin: 'op_under_dest_min',
  over_sendmax: 'op_over_source_max',
  offer_cross_self: 'op_cross_self',
  no_account: 'op_no_source_account',
};

/** The codes as Horizon names them in `extras.result_codes`. */
export function horizonCodes(result: TransactionResult): { transaction: string; operations?: string[] } {
  const transaction = HORIZON_TRANSACTION[result.code] ?? result.code;
  if (result.operations.length === 0) return { transaction };
  const operations = result.operations.map(({ outcome }) => {
    const code = isSuccess(outcome) ? 'success' : outcome.code.replace(/^op_/, '');
    return HORIZON_OPERATION[code] ?? `op_${code}`;
  });
  return { transaction, operations };
}
