import type { xdr } from '@stellar/stellar-sdk/base';
import type { JudgedOperation, Operation } from '../transaction.ts';
import {
  type Check,
  first,
  isRefusal,
  type Judged,
  NOTHING,
  type OperationRule,
  type Refusal,
  type Taken,
  takeAll,
} from './check.ts';
import { offers } from './offers.ts';
import { payments } from './payments.ts';
import { deposits, withdrawals } from './pools.ts';
import type { PolicySpec } from './schema.ts';
import { pathPayments } from './swaps.ts';
import { trustlines } from './trustlines.ts';

type OperationOf<Type> = JudgedOperation extends infer Judged
  ? Judged extends { type: unknown }
    ? Type extends Judged['type']
      ? Judged
      : never
    : never
  : never;

type Rules = {
  readonly [Type in xdr.OperationTypeName]: Type extends JudgedOperation['type']
    ? OperationRule<OperationOf<Type>>
    : string;
};

const ISSUERS = 'belongs to issuers of assets';
const SPONSORSHIP = 'sponsorship lets others decide over the account’s reserves';
const SOROBAN = 'what a contract does cannot be judged from its call';

/**
 * Every operation of the protocol, decided by name: a new one in the SDK does not compile until it is decided here. Text
 * instead of a rule: never allowed, whatever a policy says, for this reason.
 */
export const OPERATION_RULES: Rules = {
  createAccount: 'gives the account’s XLM away; channel accounts are made with the signer stopped',
  payment: payments,
  pathPaymentStrictReceive: pathPayments,
  manageSellOffer: offers,
  createPassiveSellOffer: 'takes no offer of the same price; use manageSellOffer',
  setOptions: 'changes who may sign for the account',
  changeTrust: trustlines,
  allowTrust: ISSUERS,
  accountMerge: 'gives the whole account away',
  inflation: 'no ledger runs it any more',
  manageData: 'has no part in trading',
  bumpSequence: 'makes signed transactions void',
  manageBuyOffer: offers,
  pathPaymentStrictSend: pathPayments,
  createClaimableBalance: 'is a payment that no rule for payments can hold',
  claimClaimableBalance: 'takes what a stranger left, whatever it is',
  beginSponsoringFutureReserves: SPONSORSHIP,
  endSponsoringFutureReserves: SPONSORSHIP,
  revokeSponsorship: SPONSORSHIP,
  clawback: ISSUERS,
  clawbackClaimableBalance: ISSUERS,
  setTrustLineFlags: ISSUERS,
  liquidityPoolDeposit: deposits,
  liquidityPoolWithdraw: withdrawals,
  invokeHostFunction: SOROBAN,
  extendFootprintTtl: SOROBAN,
  restoreFootprint: SOROBAN,
};

/** The account itself: named where the transaction's source is a channel, whose own belongings are none of our business. */
export const operationSources: Check = ({ transaction }, _spec, { account }) =>
  first(transaction.operations, ({ source = transaction.source }, index) =>
    source === account
      ? undefined
      : {
          code: 'wrong-source',
          message: `the source must be ${account}`,
          field: `operations[${index}].source`,
        },
  );

/**
 * What all operations take, each judged for itself. What the table does not know (a newer SDK) is refused: default deny.
 * Those of a bump are judged again, and take nothing: they have counted with the transaction inside.
 */
export function takeOperations(
  { transaction, feeBump }: Judged,
  spec: PolicySpec,
  account: string,
): Refusal | Taken {
  const taken = takeAll(transaction.operations, (operation, index) => {
    const { type } = operation;
    const field = `operations[${index}]`;
    const rule = Object.hasOwn(OPERATION_RULES, type)
      ? (OPERATION_RULES[type] as OperationRule<Operation> | string)
      : 'this version does not know it';
    if (typeof rule === 'string')
      return { code: 'operation-not-allowed', message: `${type} is never allowed: ${rule}`, field };
    const one = rule(operation, field, spec, account);
    return isRefusal(one) ? one : { ...one, limits: one.limits.map((limit) => ({ ...limit, field })) };
  });
  return isRefusal(taken) || feeBump === undefined ? taken : NOTHING;
}

/** Soroban data changes what a fee and a transaction mean, and belongs to operations that are never allowed. */
export const sorobanData: Check = ({ transaction: { hasSorobanData } }) =>
  hasSorobanData
    ? { code: 'operation-not-allowed', message: 'Soroban data is never allowed', field: 'ext' }
    : undefined;
