import { Counter, Gauge, Histogram } from 'prom-client';
import { DURATION_BUCKETS, type Registry } from '../common/metrics.ts';
import type { Keystore } from './keystore/keystore.ts';
import { SIGNER_ERROR_CODES } from './protocol.ts';

export type SignerMetrics = ReturnType<typeof createMetrics>;

/** The signer's figures. Labels come from tables of this program, never from a client. */
export function createMetrics(registry: Registry) {
  const registers = [registry];
  const metrics = {
    requests: new Counter({
      name: 'stellar_signer_requests_total',
      help: 'Requests to sign, by outcome: signed, or the code of the error table',
      labelNames: ['outcome'] as const,
      registers,
    }),
    signatures: new Counter({
      name: 'stellar_signer_keystore_signatures_total',
      help: 'Signatures asked of the key store, by purpose',
      labelNames: ['purpose'] as const,
      registers,
    }),
    signSeconds: new Histogram({
      name: 'stellar_signer_keystore_sign_seconds',
      help: 'Time for a verified signature of the key store',
      buckets: DURATION_BUCKETS,
      registers,
    }),
    keystoreOpen: new Gauge({
      name: 'stellar_signer_keystore_open',
      help: '1 while the key is usable',
      registers,
    }),
    policies: new Gauge({
      name: 'stellar_signer_policies',
      help: 'Policies in force for the account',
      registers,
    }),
    policyFault: new Gauge({
      name: 'stellar_signer_policy_fault',
      help: '1 while the newest policy files are refused and older ones are in force',
      registers,
    }),
    policyReloads: new Counter({
      name: 'stellar_signer_policy_reloads_total',
      help: 'Changes of the policy files, by result',
      labelNames: ['result'] as const,
      registers,
    }),
  };
  for (const outcome of ['signed', ...SIGNER_ERROR_CODES]) metrics.requests.inc({ outcome }, 0);
  for (const purpose of ['transaction', 'probe']) metrics.signatures.inc({ purpose }, 0);
  for (const result of ['loaded', 'refused']) metrics.policyReloads.inc({ result }, 0);
  return metrics;
}

/** The key store with its signatures counted under `purpose` and timed. */
export function measured(
  keystore: Pick<Keystore, 'sign'>,
  purpose: 'transaction' | 'probe',
  { signatures, signSeconds }: Pick<SignerMetrics, 'signatures' | 'signSeconds'>,
): Pick<Keystore, 'sign'> {
  return {
    async sign(message, signal) {
      signatures.inc({ purpose });
      const end = signSeconds.startTimer();
      const signature = await keystore.sign(message, signal);
      end();
      return signature;
    },
  };
}
