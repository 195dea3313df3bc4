import { type Check, first } from './check.ts';

/* The rules about the transaction as a whole, each on its own so that each can be tested on its own. */

export const signatures: Check = ({ foreignSignature: field }) =>
  field === undefined
    ? undefined
    : {
        code: 'bad-signature',
        message: 'only one signature may be there, of this account for this network',
        field,
      };

/**
 * Who gives the sequence number and who pays: the account itself or a listed channel. A muxed form of either is another
 * address, which nobody asked for.
 */
export const sources: Check = ({ transaction, feeBump }, { channels }, { account }) =>
  first(
    [
      { address: transaction.source, field: 'source' },
      ...(feeBump === undefined ? [] : [{ address: feeBump.source, field: 'feeSource' }]),
    ],
    ({ address, field }) =>
      address === account || channels.includes(address)
        ? undefined
        : {
            code: 'wrong-source',
            message: `${field} must be ${account} or a listed channel`,
            field,
            rule: ['channels'],
          },
  );

/** A bump may only raise the fee of what was signed here: somebody else's transaction would be paid for otherwise. */
export const innerTransaction: Check = ({ feeBump }, _spec, { countedFee }) =>
  feeBump === undefined || countedFee !== undefined
    ? undefined
    : {
        code: 'inner-not-signed',
        message: `${feeBump.innerHash} was not signed here, or can no longer apply`,
        field: 'innerTx',
      };

export const operationCount: Check = ({ transaction }, { maxOperations }) => {
  const count = transaction.operations.length;
  if (count === 0)
    return { code: 'operation-not-allowed', message: 'there is no operation', field: 'operations' };
  return count > maxOperations
    ? {
        code: 'too-many-operations',
        message: `${count} operations, at most ${maxOperations}`,
        field: 'operations',
        rule: ['maxOperations'],
      }
    : undefined;
};

/** Of a bump, those of the transaction inside. A minTime ahead is no harm: it only shortens the time in which it can apply. */
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
        rule: ['maxTimeBoundSeconds'],
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
    : {
        code: 'memo-not-allowed',
        message: `a ${given.kind} memo that no rule allows`,
        field: 'memo',
        rule: ['memo'],
      };
};

/** A bump pays for one operation more than it has (CAP-15); the transaction inside is judged as it was. */
export const fee: Check = ({ transaction, feeBump }, { fees }) => {
  const count = BigInt(transaction.operations.length);
  return first(
    [
      { bid: transaction.fee, operations: count },
      ...(feeBump === undefined ? [] : [{ bid: feeBump.fee, operations: count + 1n }]),
    ],
    ({ bid, operations }) => {
      const perOperation = fees.perOperation * operations;
      const isWhole = perOperation < fees.perTransaction;
      const limit = isWhole ? perOperation : fees.perTransaction;
      return bid > limit
        ? {
            code: 'fee-too-high',
            message: `a fee of ${bid} stroops, at most ${limit}`,
            field: 'fee',
            rule: ['fees', isWhole ? 'perOperation' : 'perTransaction'],
          }
        : undefined;
    },
  );
};
