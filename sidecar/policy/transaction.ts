import type { Check } from './check.ts';

/* The rules about the transaction as a whole, each on its own so that each can be tested on its own. */

/** The source must be the account itself; a muxed form of it is another address, which nobody asked for. */
export const sourceAccount: Check = ({ transaction }, _spec, { account }) =>
  transaction.source === account
    ? undefined
    : { code: 'wrong-source', message: `the source must be ${account}`, field: 'source' };

export const operationCount: Check = ({ transaction }, { maxOperations }) => {
  const count = transaction.operations.length;
  if (count === 0)
    return { code: 'operation-not-allowed', message: 'there is no operation', field: 'operations' };
  return count > maxOperations
    ? {
        code: 'too-many-operations',
        message: `${count} operations, at most ${maxOperations}`,
        field: 'operations',
      }
    : undefined;
};

export const timeBounds: Check = ({ transaction: { timeBounds: bounds } }, spec, { now }) => {
  const field = 'timeBounds.maxTime';
  if (bounds === undefined || bounds.maxTime === 0n)
    return { code: 'no-time-bounds', message: 'maxTime must be set', field };
  if (bounds.maxTime <= now)
    return { code: 'expired', message: `maxTime ${bounds.maxTime} has passed, it is ${now}`, field };
  const limit = now + BigInt(spec.maxTimeBoundSeconds);
  return bounds.maxTime > limit
    ? {
        code: 'time-bounds-too-far',
        message: `maxTime must be within ${spec.maxTimeBoundSeconds} s, at most ${limit}`,
        field,
      }
    : undefined;
};

/** Whatever could delay a transaction, let it apply at another sequence number, or want further signers. */
export const otherPreconditions: Check = ({
  transaction: {
    otherPreconditions: [name],
  },
}) =>
  name === undefined
    ? undefined
    : { code: 'precondition-not-allowed', message: `${name} is never allowed`, field: name };

export const memo: Check = ({ transaction }, { memo: rule }) => {
  const { memo: given } = transaction;
  if (given.kind === 'none' || rule.kind === 'Any') return undefined;
  const isListed =
    given.kind === 'text' && rule.texts?.some((text) => Buffer.from(text).equals(given.bytes)) === true;
  return isListed
    ? undefined
    : { code: 'memo-not-allowed', message: `a ${given.kind} memo that no rule allows`, field: 'memo' };
};

export const fee: Check = ({ transaction: { fee: bid, operations } }, { fees }) => {
  const perOperation = fees.perOperation * BigInt(operations.length);
  const limit = perOperation < fees.perTransaction ? perOperation : fees.perTransaction;
  return bid > limit
    ? { code: 'fee-too-high', message: `a fee of ${bid} stroops, at most ${limit}`, field: 'fee' }
    : undefined;
};
