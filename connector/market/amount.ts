import { connectorError } from '../errors.ts';

/** Stroops in one unit of any asset: the ledger keeps seven decimals. */
export const STROOPS_PER_UNIT = 10_000_000n;
/** Largest amount that the ledger can hold (int64). */
export const MAX_STROOPS = 9_223_372_036_854_775_807n;

/** Rounded up; neither may be negative. */
export const least = (a: bigint, b: bigint): bigint => (b < a ? b : a);
export const ceilDiv = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

const DECIMAL = /^(\d{1,40})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,3}))?$/;

/** A non-negative decimal number, exactly: `digits × 10^-scale`. */
export interface Decimal {
  digits: bigint;
  scale: number;
}

/**
 * Parses decimal text, also with an exponent as in the shortest text of a small JSON number (`1e-7`).
 * @throws `invalid-params`, which names `field` and never repeats the text
 */
export function parseDecimal(text: string, field: string): Decimal {
  const match = DECIMAL.exec(text);
  const exponent = Number(match?.[3] ?? 0);
  if (match === null || Math.abs(exponent) > 40) {
    throw connectorError('invalid-params', `${field} must be a decimal number`, { field });
  }
  const fraction = match[2] ?? '';
  const digits = BigInt(`${match[1]}${fraction}`);
  const scale = fraction.length - exponent;
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

/**
 * Amount in stroops of a JSON number or decimal text. A number is read by its shortest decimal text, so that `0.1` is
 * one million stroops and not what its binary form happens to be. What is below a stroop is cut off, as the ledger
 * cannot hold it and never more than asked may be traded.
 * @throws `invalid-params` below one stroop (1e-7) or above int64
 */
export function parseAmount(value: string | number, field: string): bigint {
  const { digits, scale } = parseDecimal(String(value), field);
  const stroops = scale <= 7 ? digits * 10n ** BigInt(7 - scale) : digits / 10n ** BigInt(scale - 7);
  if (stroops < 1n) throw connectorError('invalid-params', `${field} must be at least 0.0000001`, { field });
  if (stroops > MAX_STROOPS) {
    throw connectorError('invalid-params', `${field} is above the largest amount`, { field });
  }
  return stroops;
}

/** Stroops of one of Horizon's amounts: always seven decimals, may be zero. Undefined for any other text. */
export function parseHorizonAmount(text: string): bigint | undefined {
  if (!/^\d{1,12}\.\d{7}$/.test(text)) return undefined;
  const stroops = BigInt(text.replace('.', ''));
  return stroops <= MAX_STROOPS ? stroops : undefined;
}

/** Decimal text with seven decimals (`10.0000000`), sign kept. */
export function formatAmount(stroops: bigint): string {
  const sign = stroops < 0n ? '-' : '';
  const absolute = stroops < 0n ? -stroops : stroops;
  return `${sign}${absolute / STROOPS_PER_UNIT}.${(absolute % STROOPS_PER_UNIT).toString().padStart(7, '0')}`;
}

/** Decimal text without trailing zeros (`0.00001`), as the contract writes fees. */
export function formatFee(stroops: bigint): string {
  return trimZeros(formatAmount(stroops), 0);
}

/**
 * Decimal text of `numerator / denominator`, rounded down at the sixteenth decimal, with at least seven decimals:
 * prices of cheap assets keep their digits.
 */
export function formatRatio(numerator: bigint, denominator: bigint): string {
  const scaled = (numerator * 10n ** 16n) / denominator;
  const text = `${scaled / 10n ** 16n}.${(scaled % 10n ** 16n).toString().padStart(16, '0')}`;
  return trimZeros(text, 7);
}

/** Removes trailing zeros of the fraction beyond `keep` decimals, and a bare point. */
export function trimZeros(text: string, keep: number): string {
  const point = text.indexOf('.');
  let end = text.length;
  while (end > point + 1 + keep && text[end - 1] === '0') end--;
  return text.slice(0, end).replace(/\.$/, '');
}
