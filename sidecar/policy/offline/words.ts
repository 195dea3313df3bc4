import type { AssetId } from '../../transaction.ts';
import type { Ratio } from '../price.ts';

/* Numbers for people. */

/** Code of an asset, without its issuer. */
export const codeOf = (asset: AssetId): string => asset.split(':', 1)[0]!;

/** Stroops as units: 12345678901 → "1,234.5678901". */
export function units(stroops: bigint, asset: AssetId): string {
  const text = stroops.toString().padStart(8, '0');
  return `${decimal(text.slice(0, -7), text.slice(-7))} ${codeOf(asset)}`;
}

/** To ten places, with `about` where that is not all. */
export function ratio({ n, d }: Ratio): string {
  const scaled = (n * 10n ** 10n) / d;
  const text = scaled.toString().padStart(11, '0');
  const isExact = scaled * d === n * 10n ** 10n;
  return `${isExact ? '' : 'about '}${decimal(text.slice(0, -10), text.slice(-10))}`;
}

const decimal = (whole: string, fraction: string): string =>
  `${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${fraction}`.replace(/\.?0+$/, '');

/** 86400 → "24 h" */
export function duration(seconds: number): string {
  if (seconds % 86_400 === 0 && seconds > 86_400) return `${seconds / 86_400} days`;
  if (seconds % 3_600 === 0) return `${seconds / 3_600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
