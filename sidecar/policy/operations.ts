import type { xdr } from '@stellar/stellar-sdk/base';
import type { Operation, Transaction } from '../envelope.ts';
import type { Spend } from '../journal/entry.ts';
import { type Check, first, type Refusal } from './check.ts';
import { judgeSwap, swapSpend } from './swaps.ts';

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

export const operationSources: Check = ({ operations }, _spec, { account }) =>
  first(operations, ({ source }, index) =>
    source === undefined || source === account
      ? undefined
      : {
          code: 'wrong-source',
          message: `the source must be ${account}`,
          field: `operations[${index}].source`,
        },
  );

export const operations: Check = (transaction, spec, context) => {
  const earlier: Spend[] = [];
  return first(transaction.operations, (operation, index) => {
    const field = `operations[${index}]`;
    if (!isSwap(operation)) return refuse(operation, field);
    const refusal = judgeSwap(operation, field, spec, context, earlier);
    earlier.push(swapSpend(operation));
    return refusal;
  });
};

/** Soroban data changes what a fee and a transaction mean, and belongs to operations that are never allowed. */
export const sorobanData: Check = ({ hasSorobanData }) =>
  hasSorobanData
    ? { code: 'operation-not-allowed', message: 'Soroban data is never allowed', field: 'ext' }
    : undefined;

type Swap = Extract<Operation, { type: 'pathPaymentStrictSend' | 'pathPaymentStrictReceive' }>;

const isSwap = (operation: Operation): operation is Swap => OPERATION_RULES[operation.type] === 'swap';

function refuse({ type }: Operation, field: string): Refusal {
  // An operation that the table does not know (a newer SDK) ends here too: default deny.
  const reason =
    OPERATION_RULES[type] === 'not-yet' ? 'is not judged by this version and refused' : 'is never allowed';
  return { code: 'operation-not-allowed', message: `${type} ${reason}`, field };
}

/** What a transaction counts as in the windows: its fee, and the most that leaves with each swap. Stroops. */
export function spendsOf(transaction: Transaction): Spend[] {
  const fee: Spend = { kind: 'fee', asset: 'XLM', amount: transaction.fee.toString() };
  return [fee, ...transaction.operations.filter(isSwap).map(swapSpend)];
}
