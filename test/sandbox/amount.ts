const ONE = 10_000_000n;

/** Stroops of a decimal with at most seven places; undefined for anything else or what does not fit 63 bits. */
export function parseAmount(text: string): bigint | undefined {
  const match = /^(\d{1,12})(?:\.(\d{1,7}))?$/.exec(text);
  if (!match) return undefined;
  const stroops = BigInt(match[1]!) * ONE + BigInt((match[2] ?? '').padEnd(7, '0'));
  return stroops < 2n ** 63n ? stroops : undefined;
}

/** Decimal with seven places, as Horizon writes amounts. */
export const formatAmount = (stroops: bigint): string =>
  `${stroops / ONE}.${String(stroops % ONE).padStart(7, '0')}`;
