import type { xdr } from '@stellar/stellar-sdk/base';
import type { JudgedOperation, Operation } from '../transaction.ts';
import { type Check, first, type OperationRule } from './check.ts';
import { offers } from './offers.ts';
import { payments } from './payments.ts';
import { deposits, withdrawals } from './pools.ts';
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
  createPassiveSellOffer: 'cannot be changed or matched against others’ passive offers; use manageSellOffer',
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

/** The rule of an operation, or why it has none. What the table does not know (a newer SDK) has none either: default deny. */
export function ruleFor({ type }: Operation): OperationRule<Operation> | string {
  if (!Object.hasOwn(OPERATION_RULES, type)) return 'this version does not know it';
  return OPERATION_RULES[type] as OperationRule<Operation> | string;
}

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

/** Each operation for itself; what it takes of a window is `windows`' matter. */
export const operations: Check = ({ transaction }, spec, { account }) =>
  first(transaction.operations, (operation, index) => {
    const field = `operations[${index}]`;
    const rule = ruleFor(operation);
    return typeof rule === 'string'
      ? {
          code: 'operation-not-allowed',
          message: `${operation.type} is never allowed: ${rule}`,
          field,
        }
      : rule.judge(operation, field, spec, account);
  });

/** Soroban data changes what a fee and a transaction mean, and belongs to operations that are never allowed. */
export const sorobanData: Check = ({ transaction: { hasSorobanData } }) =>
  hasSorobanData
    ? { code: 'operation-not-allowed', message: 'Soroban data is never allowed', field: 'ext' }
    : undefined;
