import { connectorError } from '../errors.ts';
import type { Root } from './schemas.ts';

/** A ledger older than this (milliseconds) means that the network or its ingestion stands still. */
export const MAX_LEDGER_AGE_MS = 30_000;
/** A ledger further ahead of our clock than this means that one of the two clocks is wrong. */
const MAX_LEDGER_AHEAD_MS = 15_000;

export interface LastClosed {
  sequence: number;
  /** Milliseconds since 1970. */
  closedAt: number;
}

/**
 * The last ledger of Horizon's history, if it is our network's: what another network does not have says nothing.
 * @throws `network-mismatch`
 */
export function lastOfNetwork(root: Root, networkPassphrase: string): LastClosed {
  if (root.network_passphrase !== networkPassphrase) {
    throw connectorError('network-mismatch', 'Horizon serves another network than the configured one');
  }
  return { sequence: root.history_latest_ledger, closedAt: root.history_latest_ledger_closed_at };
}

/**
 * The same, and that ledger must be of now.
 * @throws `network-mismatch`, `ledger-stale`
 */
export function judgeRoot(root: Root, networkPassphrase: string, now: number): LastClosed {
  const last = lastOfNetwork(root, networkPassphrase);
  const stale = freshness(last, now);
  if (stale !== undefined) throw connectorError('ledger-stale', stale);
  return last;
}

/** Why a ledger is not of now; undefined when it is. `closedAt` and `now` in milliseconds since 1970. */
export function freshness({ closedAt }: { closedAt: number }, now: number): string | undefined {
  const age = now - closedAt;
  if (age > MAX_LEDGER_AGE_MS) return `the last ledger closed ${Math.round(age / 1_000)} s ago`;
  if (-age > MAX_LEDGER_AHEAD_MS)
    return `the last ledger is ${Math.round(-age / 1_000)} s ahead of our clock`;
  return undefined;
}
