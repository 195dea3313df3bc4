/** An exact fraction; `d` is above zero. */
export interface Ratio {
  n: bigint;
  d: bigint;
}

/** "0.125" → 125/1000. The text must be a plain decimal. */
export function parseDecimal(text: string): Ratio {
  const [whole = '0', fraction = ''] = text.split('.');
  return { n: BigInt(whole + fraction), d: 10n ** BigInt(fraction.length) };
}

/** Negative when a < b, 0 when equal. */
export function compare(a: Ratio, b: Ratio): number {
  const difference = a.n * b.d - b.n * a.d;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Whether min ≤ value ≤ max. */
export const isWithin = (value: Ratio, collar: { min: Ratio; max: Ratio }): boolean =>
  compare(collar.min, value) <= 0 && compare(value, collar.max) <= 0;
