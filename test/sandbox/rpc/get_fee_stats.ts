import { distribution } from '../fee_distribution.ts';
import { method } from './method.ts';

/** How many ledgers back it looks. */
const LEDGERS = 10;

/** All zero without fees. */
const described = (fees: readonly bigint[], ledgerCount: number) => ({
  ...distribution(fees, 0n),
  transactionCount: String(fees.length),
  ledgerCount: fees.length > 0 ? ledgerCount : 0,
});

/** What was charged an operation; the one more that a fee bump pays for does not count here. */
export const getFeeStats = method('getFeeStats', {}, ({ network }) => {
  const recent = network.ledgers.slice(-LEDGERS);
  const fees = recent
    .flatMap(({ transactions }) => transactions)
    .map(({ transaction, result }) => result.feeCharged / BigInt(transaction.operations.length));
  return {
    sorobanInclusionFee: described([], 0),
    inclusionFee: described(fees, recent.length),
    latestLedger: network.latest.sequence,
  };
});
