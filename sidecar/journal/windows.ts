import type { Spend } from './entry.ts';

/** The longest window that a policy can ask for (7 days), and how long amounts are remembered. */
export const MAX_WINDOW_SECONDS = 604_800;
/** Amounts are kept in slots of this length, and a slot counts while any part of it is within the window. */
const SLOT_SECONDS = 10;

export interface Windows {
  /** The total of such spends (stroops) within the last `seconds`, at most one slot more. */
  spent(spend: Omit<Spend, 'amount'>, seconds: number): bigint;
  /** Counts the spends, for good: what was reserved stays so when signing fails. */
  add(spends: readonly Spend[], atMs?: number): void;
}

/**
 * What was signed, per kind, asset and pair: never per policy or rule, so that no edit of a policy resets a window.
 * Slots keep this small: seven days at any rate are 60,480 of them per key. `now` gives milliseconds.
 */
export function createWindows(now: () => number): Windows {
  const totals = new Map<string, Map<number, bigint>>();
  const slotOf = (ms: number): number => Math.floor(ms / 1000 / SLOT_SECONDS);

  return {
    spent(spend, seconds) {
      const first = slotOf(now() - seconds * 1000);
      let sum = 0n;
      for (const [slot, amount] of totals.get(keyOf(spend)) ?? []) if (slot >= first) sum += amount;
      return sum;
    },
    add(spends, atMs = now()) {
      const slot = slotOf(atMs);
      const oldest = slotOf(now() - MAX_WINDOW_SECONDS * 1000);
      if (slot < oldest) return;
      for (const spend of spends) {
        const key = keyOf(spend);
        const slots = totals.get(key) ?? new Map<number, bigint>();
        totals.set(key, slots);
        slots.set(slot, (slots.get(slot) ?? 0n) + BigInt(spend.amount));
        for (const old of slots.keys()) {
          if (old >= oldest) break;
          slots.delete(old);
        }
      }
    },
  };
}

const keyOf = ({ kind, asset, pair }: Omit<Spend, 'amount'>): string => `${kind} ${asset} ${pair ?? ''}`;
