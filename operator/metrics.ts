import { Counter, Gauge, Histogram } from 'prom-client';
import { createRegistry, DURATION_BUCKETS, type Registry } from '../common/metrics.ts';
import type { Outcome } from './kube/controller.ts';
import type { Observe } from './kube/transport.ts';

export interface Metrics {
  registry: Registry;
  reconciled(outcome: Outcome, seconds: number): void;
  requested: Observe;
}

/** The operator's metrics, under controller-runtime's and client-go's names so that stock dashboards show them. */
export function createMetrics(depth: () => number): Metrics {
  const registry = createRegistry();
  const registers = [registry];
  const reconciles = new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciles by result.',
    labelNames: ['controller', 'result'],
    registers,
  });
  const durations = new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'Time of a reconcile.',
    labelNames: ['controller'],
    buckets: DURATION_BUCKETS,
    registers,
  });
  const requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server; code 0 means that no answer came.',
    labelNames: ['code', 'method'],
    registers,
  });
  new Gauge({
    name: 'workqueue_depth',
    help: 'Objects that wait for a reconcile.',
    labelNames: ['name'],
    registers,
    collect() {
      this.set({ name: CONTROLLER }, depth());
    },
  });
  return {
    registry,
    reconciled(result, seconds) {
      reconciles.inc({ controller: CONTROLLER, result });
      durations.observe({ controller: CONTROLLER }, seconds);
    },
    requested: ({ method }, status) => requests.inc({ code: String(status), method }),
  };
}

const CONTROLLER = 'stellarconnector';
