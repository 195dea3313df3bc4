const PERCENTILES = [10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99];

/**
 * Fees per operation as both interfaces tell them: percentiles by nearest rank, of equally frequent fees the lowest as
 * the mode. `whenNone` stands for all where there are none.
 */
export function distribution(fees: readonly bigint[], whenNone: bigint): Record<string, string> {
  const sorted = fees.length > 0 ? fees.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)) : [whenNone];
  const counts = new Map<bigint, number>();
  for (const fee of sorted) counts.set(fee, (counts.get(fee) ?? 0) + 1);
  const [mode] = [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best));
  const at = (percent: number): bigint => sorted[Math.ceil((percent * sorted.length) / 100) - 1]!;
  return {
    max: String(sorted.at(-1)),
    min: String(sorted[0]),
    mode: String(mode),
    ...Object.fromEntries(PERCENTILES.map((percent) => [`p${percent}`, String(at(percent))])),
  };
}
