/** One account that gives sequence numbers; one transaction is in flight for it at a time. */
export interface Slot {
  account: string;
  /** The last number that the ledger used; undefined: in doubt, it must be read. */
  sequence: bigint | undefined;
  /** The last number that we saw used in a ledger: a server that lags must not take us back. */
  least: bigint;
  busy: boolean;
  /** Until then (milliseconds since 1970) the signer holds the next number for a transaction that came to nothing. */
  heldUntil: number;
  /** Carries deletions only, so that cancelling never waits behind trades. */
  deletionsOnly: boolean;
}

/** The trading account gives numbers itself; with channels the last one is kept for deletions. */
export const createSlots = (account: string, channels: readonly string[]): Slot[] =>
  [account, ...channels].map((of, at) => ({
    account: of,
    sequence: undefined,
    least: 0n,
    busy: false,
    heldUntil: 0,
    deletionsOnly: at > 0 && at === channels.length,
  }));

/** Pure: the slot for what waits, if one is free. Deletions prefer their own, trades never take it. */
export function freeSlot(slots: readonly Slot[], lane: 'delete' | 'trade', now: number): Slot | undefined {
  const free = slots.filter(
    ({ busy, heldUntil, deletionsOnly }) =>
      !busy && heldUntil <= now && (lane === 'delete' || !deletionsOnly),
  );
  return lane === 'delete' ? (free.find((slot) => slot.deletionsOnly) ?? free[0]) : free[0];
}
