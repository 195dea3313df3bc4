/** A ledger older than this (milliseconds) means that the network or its ingestion stands still. */
const MAX_LEDGER_AGE_MS = 30_000;
/** A ledger further ahead of our clock than this means that one of the two clocks is wrong. */
const MAX_LEDGER_AHEAD_MS = 15_000;

/** Why a ledger is not of now; undefined when it is. `closedAt` and `now` in milliseconds since 1970. */
export function freshness({ closedAt }: { closedAt: number }, now: number): string | undefined {
  const age = now - closedAt;
  if (age > MAX_LEDGER_AGE_MS) return `the last ledger closed ${Math.round(age / 1_000)} s ago`;
  if (-age > MAX_LEDGER_AHEAD_MS)
    return `the last ledger is ${Math.round(-age / 1_000)} s ahead of our clock`;
  return undefined;
}
