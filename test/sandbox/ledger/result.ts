import { xdr } from '@stellar/stellar-sdk/base';
import type { DecodedTransaction } from './envelope.ts';
import type { OperationOutcome } from './operation.ts';
import { type OperationName, operationModule } from './operations.ts';

/** `code` in SEP-51 JSON; operations only with `tx_success` and `tx_failed`. */
export interface TransactionResult {
  code: string;
  feeCharged: bigint;
  operations: readonly { name: OperationName; outcome: OperationOutcome }[];
  /** Hex hash of the inner transaction, where the code is that of a fee bump's inner transaction. */
  innerHash: string | undefined;
}

const isSuccess = (outcome: OperationOutcome): outcome is { success: unknown } => 'success' in outcome;

export const succeeded = (result: TransactionResult): boolean => result.code === 'tx_success';

export const failure = (code: string, feeCharged: bigint, innerHash?: string): TransactionResult => ({
  code,
  feeCharged,
  operations: [],
  innerHash,
});

/** Operations in order with their outcomes; failed where one failed. */
export function operationsResult(
  { operations, feeBump, innerHash }: DecodedTransaction,
  outcomes: readonly OperationOutcome[],
  feeCharged: bigint,
): TransactionResult {
  return {
    code: outcomes.every(isSuccess) ? 'tx_success' : 'tx_failed',
    feeCharged,
    operations: operations.map(({ name }, index) => ({ name, outcome: outcomes[index]! })),
    innerHash: feeBump && innerHash,
  };
}

const NOBODY = 'GAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWHF';
const NO_OFFER = {
  seller_id: NOBODY,
  offer_id: '0',
  selling: 'native',
  buying: 'native',
  amount: '0',
  price: { n: 0, d: 0 },
  flags: 0,
  ext: 'v0',
};
const NO_TRADE = { offers_claimed: [], offer: { created: NO_OFFER } };
const NO_PAYMENT = { offers: [], last: { destination: NOBODY, asset: 'native', amount: '0' } };

/** What a result holds of an operation that was not looked at: success, and zero bytes. */
const UNTOUCHED: Record<string, unknown> = {
  manage_sell_offer: NO_TRADE,
  manage_buy_offer: NO_TRADE,
  create_passive_sell_offer: NO_TRADE,
  path_payment_strict_send: NO_PAYMENT,
  path_payment_strict_receive: NO_PAYMENT,
  account_merge: '0',
  inflation: [],
};

/** Operations that were not carried out, in an answer that has to name a result for each. */
export const untouched = (name: OperationName): OperationOutcome => ({ success: UNTOUCHED[name] });

function operationToJson(name: OperationName, outcome: OperationOutcome): unknown {
  if (!isSuccess(outcome) && outcome.code.startsWith('op_')) return outcome.code;
  const arm = operationModule(name)?.resultArm ?? name;
  if (!isSuccess(outcome)) return { op_inner: { [arm]: outcome.code } };
  const { success } = outcome;
  return { op_inner: { [arm]: success === undefined ? 'success' : { success } } };
}

function resultToJson({ code, feeCharged, operations }: Omit<TransactionResult, 'innerHash'>): unknown {
  const results = operations.map(({ name, outcome }) => operationToJson(name, outcome));
  const carries = code === 'tx_success' || code === 'tx_failed';
  return { fee_charged: String(feeCharged), result: carries ? { [code]: results } : code, ext: 'v0' };
}

/** The name of the outer result of a fee bump. */
export const outerCode = (result: TransactionResult): string => {
  if (result.innerHash === undefined) return result.code;
  return succeeded(result) ? 'tx_fee_bump_inner_success' : 'tx_fee_bump_inner_failed';
};

/** TransactionResult of Stellar-transaction.x. The inner result of a fee bump says that nothing was charged (CAP-0076). */
export function resultToXdr(result: TransactionResult): xdr.TransactionResult {
  const { innerHash, feeCharged } = result;
  if (innerHash === undefined) return xdr.TransactionResult.fromJson(resultToJson(result) as never);
  const inner = { transaction_hash: innerHash, result: resultToJson({ ...result, feeCharged: 0n }) };
  const json = { fee_charged: String(feeCharged), result: { [outerCode(result)]: inner }, ext: 'v0' };
  return xdr.TransactionResult.fromJson(json as never);
}

const HORIZON_TRANSACTION: Record<string, string> = {
  tx_no_account: 'tx_no_source_account',
  tx_bad_min_seq_age_or_gap: 'tx_bad_minseq_age_or_gap',
};

/** Where Horizon's name is not `op_` and the code's own; outer codes with their prefix. */
const HORIZON_OPERATION: Record<string, string> = {
  op_no_account: 'op_no_source_account',
  under_destmin: 'op_under_dest_min',
  over_sendmax: 'op_over_source_max',
  offer_cross_self: 'op_cross_self',
  not_found: 'op_offer_not_found',
  sell_not_authorized: 'sell_not_authorized',
  buy_not_authorized: 'buy_not_authorized',
  already_exist: 'op_already_exists',
  seqnum_too_far: 'op_seq_num_too_far',
  name_not_found: 'op_data_name_not_found',
  invalid_name: 'op_data_invalid_name',
  no_trust_line: 'op_no_trust',
};

/** The codes as Horizon names them in `extras.result_codes`. */
export function horizonCodes(result: TransactionResult): {
  transaction: string;
  inner_transaction?: string;
  operations?: string[];
} {
  const name = (code: string): string => HORIZON_TRANSACTION[code] ?? code;
  const operations = result.operations.map(({ outcome }) => {
    if (isSuccess(outcome)) return 'op_success';
    const { code } = outcome;
    return HORIZON_OPERATION[code] ?? (code.startsWith('op_') ? code : `op_${code}`);
  });
  return {
    transaction: name(outerCode(result)),
    ...(result.innerHash !== undefined && { inner_transaction: name(result.code) }),
    ...(operations.length > 0 && { operations }),
  };
}
