import { method } from './method.ts';

/** How many ledgers back it looks. */
const LEDGERS = 10;
const PERCENTILES = [10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99];

/** Nearest rank; of equally frequent fees the lowest is the mode. All zero without fees. */
function distribution(fees: readonly bigint[], ledgerCount: number) {
  const sorted = fees.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const counts = new Map<bigint, number>();
  for (const fee of sorted) counts.set(fee, (counts.get(fee) ?? 0) + 1);
  const [mode] = [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [0n, 0]);
  const at = (index: number): string => String(sorted[index] ?? 0n);
  const rank = (percent: number): number => Math.ceil((percent * sorted.length) / 100) - 1;
  return {
    max: at(sorted.length - 1),
    min: at(0),
    mode: String(mode),
    ...Object.fromEntries(PERCENTILES.map((percent) => [`p${percent}`, at(rank(percent))])),
    transactionCount: String(sorted.length),
    ledgerCount: sorted.length > 0 ? ledgerCount : 0,
  };
}

/** What was charged an operation; the one more that a fee bump pays for does not count here. */
export const getFeeStats = method('getFeeStats', {}, ({ network }) => {
  const recent = network.ledgers.slice(-LEDGERS);
  const fees = recent
    .flatMap(({ transactions }) => transactions)
    .map(({ transaction, result }) => result.feeCharged / BigInt(transaction.operations.length));
  return {
    sorobanInclusionFee: distribution([], 0),
    inclusionFee: distribution(fees, recent.length),
    latestLedger: network.latest.sequence,
  };
});
