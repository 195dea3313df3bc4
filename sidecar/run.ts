import { join } from 'node:path';
import { StrKey } from '@stellar/stellar-sdk/base';
import { messageOf } from '../common/errors.ts';
import { close } from '../common/http.ts';
import type { Logger } from '../common/log.ts';
import { createRegistry } from '../common/metrics.ts';
import { createRateLimit } from '../common/rate.ts';
import { sleep, withDeadline } from '../common/shutdown.ts';
import { createAuthenticator } from './auth/authenticator.ts';
import { createRequestKey } from './auth/key.ts';
import { createLimits } from './auth/limits.ts';
import type { SignerConfig } from './config.ts';
import { networkId } from './envelope.ts';
import { healthModules, named, startHealthWhenPossible } from './health.ts';
import type { JournalEvent } from './journal/entry.ts';
import { expectation } from './journal/identity.ts';
import { openJournal } from './journal/journal.ts';
import { resume } from './journal/state.ts';
import type { Keystore } from './keystore/keystore.ts';
import { keepOpen } from './keystore/opening.ts';
import { createPkcs11Opener } from './keystore/pkcs11/open.ts';
import { createProbe } from './keystore/probe.ts';
import { createVaultOpener } from './keystore/vault/open.ts';
import { createMetrics, measured, observeJournal } from './metrics.ts';
import { createPolicyStore } from './policy/load.ts';
import { createSignerServer } from './server.ts';
import { createSigner } from './sign.ts';
import { listenOnSocket, prepareSocket } from './socket.ts';

const GRACE_MS = 6_000;
const RETRY_MS = 2_000;
const POLICY_INTERVAL_MS = 1_000;
const TLS_INTERVAL_MS = 30_000;
const JOURNAL_INTERVAL_MS = 1_000;
const AUDIT_DEADLINE_MS = 5_000;
const PROBE_MAX_AGE_MS = 1_000;
const PROBE_DEADLINE_MS = 4_000;
/** In the journal's folder, which outlives restarts. */
const PIN_MEMORY_FILE = 'refused-pins.json';

/** Composes the signer and runs it until the signal; what was accepted before is still signed. */
export async function run(config: SignerConfig, log: Logger, signal: AbortSignal): Promise<void> {
  const registry = createRegistry();
  const metrics = createMetrics(registry);
  const monotonicMs = (): number => performance.now();
  const publicKey = Buffer.from(StrKey.decodeEd25519PublicKey(config.account));
  // A second process by mistake must end before it writes a line into the first one's journal.
  await prepareSocket(config.signerSocket);
  const journal = await openJournal({
    dir: config.journal.dir,
    account: config.account,
    network: networkId(config.networkPassphrase).toString('hex'),
    now: () => new Date(),
    monotonicMs,
    expected: expectation(config.journal),
    retentionDays: config.journal.retentionDays,
    signCheckpoint:
      config.backend.auditKey === undefined
        ? undefined
        : async (message) => {
            const signature = await withDeadline(AUDIT_DEADLINE_MS, (end) =>
              keystore.audit.sign(message, end),
            );
            return { key: keystore.audit.publicKey()!.toString('hex'), signature: signature.toString('hex') };
          },
    notice: (event) => {
      metrics.journalEvents.inc({ type: event.type });
      log.warn({ event }, 'journal');
    },
  });
  observeJournal(registry, journal);
  const { clock, sequences, windows } = resume(journal.restored, Date.now, monotonicMs);
  // A disk that is full says so on /readyz, and is tried again.
  const note = (event: JournalEvent): Promise<void> =>
    journal.append(event).catch((err: unknown) => log.error({ err }, 'journal'));
  await note({ type: 'started', at: clock.windowMs() });

  const policies = createPolicyStore(config.policyDir, config.account, (set) => {
    metrics.policies.set(set.policies.length);
    metrics.policyFault.set(set.fault === undefined ? 0 : 1);
    metrics.policyReloads.inc({ result: set.fault === undefined ? 'loaded' : 'refused' });
    if (set.fault === undefined) log.info({ policies: named(set) }, 'policies loaded');
    else log.error({ fault: set.fault }, 'policies refused, the ones before stay in force');
    void note(
      set.fault === undefined
        ? { type: 'policies-loaded', policies: named(set) }
        : { type: 'policies-refused', reason: set.fault },
    );
  });
  await policies.reload();

  // It outlives the signal, so that what was accepted is still signed.
  const keystoreEnd = new AbortController();
  const keystore = keepOpen(openerOf(config, publicKey), {
    signal: keystoreEnd.signal,
    retryMs: RETRY_MS,
    onChange: (fault) => {
      metrics.keystoreOpen.set(fault === undefined ? 1 : 0);
      if (fault !== undefined) metrics.keystoreFaults.inc({ code: fault.code });
      void note(fault === undefined ? { type: 'key-usable' } : { type: 'key-unusable', code: fault.code });
      if (fault === undefined) log.info('the key is usable');
      else log.error({ code: fault.code, fault: fault.message }, 'the key is not usable');
    },
  });

  const requestKey = createRequestKey();
  const server = createSignerServer({
    auth: createAuthenticator({ key: requestKey, now: clock.wallMs }),
    limits: createLimits({ now: clock.monotonicMs }),
    account: { account: config.account, networkPassphrase: config.networkPassphrase },
    signer: createSigner({
      account: config.account,
      publicKey,
      networkPassphrase: config.networkPassphrase,
      keystore: measured(keystore, 'transaction', metrics),
      policies: () => policies.current().policies,
      journal,
      sequences,
      windows,
      rate: {
        ordinary: createRateLimit(monotonicMs),
        deletions: createRateLimit(monotonicMs),
      },
      now: clock.wallMs,
      windowClock: clock.windowMs,
      metrics,
      log,
    }),
  });
  const probe = createProbe(measured(keystore, 'probe', metrics), {
    maxAgeMs: PROBE_MAX_AGE_MS,
    deadlineMs: PROBE_DEADLINE_MS,
    now: () => performance.now(),
  });
  const health = startHealthWhenPossible(
    { address: config.healthAddress, ...config.tls },
    healthModules({
      account: config.account,
      networkPassphrase: config.networkPassphrase,
      keystore,
      journal,
      policies: policies.current,
      probe,
      registry,
    }),
    { retryMs: RETRY_MS, renewMs: TLS_INTERVAL_MS, signal, log },
  );

  await listenOnSocket(server, config.signerSocket, requestKey);
  log.info({ socket: config.signerSocket, account: config.account }, 'listening');
  await Promise.race([
    policies.watch(POLICY_INTERVAL_MS, signal),
    repeat(journal.tick, JOURNAL_INTERVAL_MS, signal),
    keystore.done,
  ]);
  log.info({ reason: messageOf(signal.reason) }, 'stopping');
  await close(server, GRACE_MS);
  keystoreEnd.abort();
  await keystore.done;
  await journal.close();
  const healthServer = await health;
  if (healthServer !== undefined) await close(healthServer, 0);
}

async function repeat(work: () => Promise<void>, intervalMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await work();
    await sleep(intervalMs, signal).catch(() => undefined);
  }
}

/** What opens the key, to be called again after a failure. */
function openerOf(
  { backend, journal }: SignerConfig,
  publicKey: Buffer,
): (signal: AbortSignal) => Promise<Keystore> {
  if (backend.type === 'pkcs11')
    return createPkcs11Opener({ ...backend, publicKey, pinMemoryFile: join(journal.dir, PIN_MEMORY_FILE) });
  const { type: _, ...options } = backend;
  return createVaultOpener(options, { publicKey });
}
