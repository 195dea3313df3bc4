import { Counter, Gauge, Histogram } from 'prom-client';
import { DURATION_BUCKETS, type Registry } from '../common/metrics.ts';
import type { Standing } from './journal/identity.ts';
import type { Journal } from './journal/journal.ts';
import { KEYSTORE_FAULT_CODES, type Keystore } from './keystore/keystore.ts';
import { SIGNER_ERROR_CODES } from './protocol.ts';

const STANDINGS: readonly Standing['state'][] = ['ready', 'unconfirmed', 'waiting', 'full'];

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
    keystoreFaults: new Counter({
      name: 'stellar_signer_keystore_faults_total',
      help: 'Times that the key became unusable, by code of the fault table',
      labelNames: ['code'] as const,
      registers,
    }),
    journalEvents: new Counter({
      name: 'stellar_signer_journal_events_total',
      help: 'What the journal noted of its own accord: losses, jumps of the clock, recoveries, removals',
      labelNames: ['type'] as const,
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
  for (const code of KEYSTORE_FAULT_CODES) metrics.keystoreFaults.inc({ code }, 0);
  for (const purpose of ['transaction', 'probe']) metrics.signatures.inc({ purpose }, 0);
  for (const result of ['loaded', 'refused']) metrics.policyReloads.inc({ result }, 0);
  return metrics;
}

/** The journal's own figures, asked for when somebody looks. */
export function observeJournal(
  registry: Registry,
  journal: Pick<Journal, 'head' | 'fault' | 'standing' | 'checkpoint' | 'freeShare'>,
): void {
  const figures = {
    stellar_signer_journal_lines: ['Lines of the journal since its beginning', () => journal.head().n + 1],
    stellar_signer_journal_checkpoint: ['Number of the newest checkpoint', journal.checkpoint],
    stellar_signer_journal_fault: [
      '1 while the journal cannot be written and nothing is signed',
      () => (journal.fault() === undefined ? 0 : 1),
    ],
    stellar_signer_journal_free_ratio: ['Share of the journal’s file system that is free', journal.freeShare],
  } as const satisfies Record<string, [help: string, read: () => number]>;
  for (const [name, [help, read]] of Object.entries(figures))
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  new Gauge({
    name: 'stellar_signer_journal_standing',
    help: '1 for the state that the journal allows: only `ready` signs everything that the policies allow',
    labelNames: ['state'] as const,
    registers: [registry],
    collect() {
      const { state } = journal.standing();
      for (const one of STANDINGS) this.set({ state: one }, one === state ? 1 : 0);
    },
  });
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
