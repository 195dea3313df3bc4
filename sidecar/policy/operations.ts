import type { xdr } from '@stellar/stellar-sdk/base';
import type { Spend } from '../journal/entry.ts';
import type { Operation, PathPayment, Transaction } from '../transaction.ts';
import { type Check, type Context, first, type Judged, type Refusal } from './check.ts';
import { feeWindow } from './limits.ts';
import type { PolicySpec } from './schema.ts';
import { judgeSwap, judgeWindow, swapSpend } from './swaps.ts';

/** How an operation type of the protocol is decided. */
export type OperationRule =
  /** By the rules for swaps. */
  | 'swap'
  /** A policy can have rules for it that this version does not judge yet: refused whatever they say. */
  | 'not-yet'
  /** No policy can ever allow it. */
  | 'never';

/** Every operation of the protocol, decided by name: a new one in the SDK does not compile until it is decided here. */
export const OPERATION_RULES: Readonly<Record<xdr.OperationTypeName, OperationRule>> = {
  createAccount: 'never',
  payment: 'not-yet',
  pathPaymentStrictReceive: 'swap',
  manageSellOffer: 'not-yet',
  createPassiveSellOffer: 'never',
  setOptions: 'never',
  changeTrust: 'not-yet',
  allowTrust: 'never',
  accountMerge: 'never',
  inflation: 'never',
  manageData: 'never',
  bumpSequence: 'never',
  manageBuyOffer: 'not-yet',
  pathPaymentStrictSend: 'swap',
  createClaimableBalance: 'never',
  claimClaimableBalance: 'never',
  beginSponsoringFutureReserves: 'never',
  endSponsoringFutureReserves: 'never',
  revokeSponsorship: 'never',
  clawback: 'never',
  clawbackClaimableBalance: 'never',
  setTrustLineFlags: 'never',
  liquidityPoolDeposit: 'not-yet',
  liquidityPoolWithdraw: 'not-yet',
  invokeHostFunction: 'never',
  extendFootprintTtl: 'never',
  restoreFootprint: 'never',
};

export const operationSources: Check = ({ transaction: { operations } }, _spec, { account }) =>
  first(operations, ({ source }, index) =>
    source === undefined || source === account
      ? undefined
      : {
          code: 'wrong-source',
          message: `the source must be ${account}`,
          field: `operations[${index}].source`,
        },
  );

/** Each operation for itself; what it takes of a window is `windows`' matter. */
export const operations: Check = ({ transaction }, spec, context) =>
  first(transaction.operations, (operation, index) => {
    const field = `operations[${index}]`;
    return isSwap(operation) ? judgeSwap(operation, field, spec, context) : refuse(operation, field);
  });

/** Whether all windows have room for the whole transaction. */
export const windows: Check = (judged, spec, context) => {
  const spends = spendsOf(judged, context, 'fee');
  return feeWindow(spec, context, spends) ?? swapWindows(judged.transaction, spec, context, spends);
};

/** Soroban data changes what a fee and a transaction mean, and belongs to operations that are never allowed. */
export const sorobanData: Check = ({ transaction: { hasSorobanData } }) =>
  hasSorobanData
    ? { code: 'operation-not-allowed', message: 'Soroban data is never allowed', field: 'ext' }
    : undefined;

const isSwap = (operation: Operation): operation is PathPayment => OPERATION_RULES[operation.type] === 'swap';

function refuse({ type }: Operation, field: string): Refusal {
  // An operation that the table does not know (a newer SDK) ends here too: default deny.
  const reason =
    OPERATION_RULES[type] === 'not-yet' ? 'is not judged by this version and refused' : 'is never allowed';
  return { code: 'operation-not-allowed', message: `${type} ${reason}`, field };
}

function swapWindows(
  transaction: Transaction,
  spec: PolicySpec,
  context: Context,
  spends: readonly Spend[],
): Refusal | undefined {
  return first(transaction.operations, (operation, index) =>
    isSwap(operation) ? judgeWindow(operation, `operations[${index}]`, spec, context, spends) : undefined,
  );
}

/** What a transaction counts as in the windows: its fee beyond what is counted of it, and the most that leaves. Stroops. */
export function spendsOf(
  { transaction, feeBump }: Judged,
  { countedFee = 0n }: Pick<Context, 'countedFee'>,
  feeKind: 'fee' | 'deletion-fee',
): Spend[] {
  const fee = feeBump === undefined ? transaction.fee : feeBump.fee;
  const more = fee > countedFee ? fee - countedFee : 0n;
  const own: Spend = { kind: feeKind, asset: 'XLM', amount: more.toString() };
  // The inner transaction of a bump has counted already.
  return feeBump === undefined ? [own, ...transaction.operations.filter(isSwap).map(swapSpend)] : [own];
}
