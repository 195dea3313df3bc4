import { collectDefaultMetrics, Registry } from 'prom-client';

export type { Registry };

/**
 * A registry per program (never prom-client's global one, so that two programs in one test process do not collide),
 * with the process' own figures in it.
 */
export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** Seconds; sub-millisecond to the longest wait for a ledger. */
export const DURATION_BUCKETS = [
  0.00025, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
