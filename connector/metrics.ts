import { Counter, Gauge, Histogram } from 'prom-client';
import { createRegistry, DURATION_BUCKETS, type Registry } from '../common/metrics.ts';

export interface Metrics {
  registry: Registry;
  /** Gateway answers by route and status. */
  requests: Histogram<'route' | 'status'>;
  /** Requests refused, by the code of the error table. */
  refusals: Counter<'code'>;
  /** Client connections that failed the TLS handshake (no or wrong client certificate, TLS below 1.3). */
  handshakes: Counter<'reason'>;
  pinMismatches: Counter<'host'>;
  /** Dials refused since the addresses file does not name the host. */
  unknownHosts: Counter<'host'>;
  /** Endpoints that failed repeatedly and are let be for a while. */
  breakers: Counter<'host'>;
  /** Connections dropped since addresses, pins or authorities changed. */
  dropped: Counter<'reason'>;
  horizon: Counter<'route' | 'outcome'>;
  /** Answers of Horizon that contradict what we know, and were not believed. */
  untrusted: Counter<'what'>;
  /** Sources that lied, and how often two contradicted each other. */
  quarantines: Counter<'endpoint'>;
  disputes: Counter<'endpoint'>;
  signer: Counter<'outcome'>;
  submissions: Counter<'answer'>;
  outcomes: Counter<'outcome'>;
  /** Operations of each transaction that was sent. */
  batch: Histogram;
  /** Ledgers that closed from the first submission of a transaction to the one that has it. */
  inclusion: Histogram;
  /** Fee bumps, by what became of them. */
  bumps: Counter<'outcome'>;
  /** Times that an account's sequence numbers were not used for a while. */
  held: Counter<'reason'>;
  /** XLM that a channel account has left for fees. */
  channelFunds: Gauge<'account'>;
  /** Orders by what became of them. */
  orders: Counter<'outcome'>;
  /** Offers that a mass cancellation left on the book, by what caused it. */
  offersLeft: Counter<'cause'>;
}

/** Every counter of the connector, in a registry of its own. */
export function createMetrics(): Metrics {
  const registry = createRegistry();
  const counter = <Label extends string>(name: string, help: string, label: Label): Counter<Label> =>
    new Counter({ name: `stellar_connector_${name}`, help, labelNames: [label], registers: [registry] });
  return {
    registry,
    requests: new Histogram({
      name: 'stellar_connector_request_seconds',
      help: 'Gateway answers',
      labelNames: ['route', 'status'],
      buckets: DURATION_BUCKETS,
      registers: [registry],
    }),
    refusals: counter('refusals_total', 'Requests refused', 'code'),
    handshakes: counter(
      'handshake_failures_total',
      'Client connections refused in the TLS handshake',
      'reason',
    ),
    pinMismatches: counter('pin_mismatches_total', 'Servers whose certificates match no pin', 'host'),
    unknownHosts: counter('unknown_hosts_total', 'Dials to a host without addresses', 'host'),
    breakers: counter('breaker_openings_total', 'Servers let be since they failed repeatedly', 'host'),
    dropped: counter(
      'dropped_connections_total',
      'Times that the connections to a server were dropped since what they were checked against changed',
      'reason',
    ),
    horizon: new Counter({
      name: 'stellar_connector_horizon_requests_total',
      help: 'Requests to Horizon',
      labelNames: ['route', 'outcome'],
      registers: [registry],
    }),
    untrusted: counter('untrusted_answers_total', 'Answers of Horizon not believed', 'what'),
    quarantines: counter('quarantines_total', 'Servers put in quarantine since they lied', 'endpoint'),
    disputes: counter('disputes_total', 'Servers that contradict another one', 'endpoint'),
    signer: counter('signer_requests_total', 'Requests to the signer, by outcome or refusal code', 'outcome'),
    submissions: counter('submissions_total', 'Answers to submitted envelopes', 'answer'),
    outcomes: counter('transactions_total', 'Fates of transactions', 'outcome'),
    batch: new Histogram({
      name: 'stellar_connector_transaction_operations',
      help: 'Operations of a transaction',
      buckets: [1, 2, 5, 10, 20, 50, 100],
      registers: [registry],
    }),
    inclusion: new Histogram({
      name: 'stellar_connector_transaction_ledgers',
      help: 'Ledgers that closed from the first submission to the one that has the transaction',
      buckets: [1, 2, 3, 4, 5, 7, 10],
      registers: [registry],
    }),
    bumps: counter('fee_bumps_total', 'Fees that were to be raised, by what became of it', 'outcome'),
    held: counter('sequence_holds_total', 'Times that an account was not used for a while', 'reason'),
    channelFunds: new Gauge({
      name: 'stellar_connector_channel_funds_xlm',
      help: 'What a channel account has left for fees',
      labelNames: ['account'],
      registers: [registry],
    }),
    orders: counter('orders_total', 'Orders by what became of them', 'outcome'),
    offersLeft: counter('offers_left_total', 'Offers that a mass cancellation left on the book', 'cause'),
  };
}
