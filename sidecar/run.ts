import { StrKey } from '@stellar/stellar-sdk/base';
import { messageOf } from '../common/errors.ts';
import { close } from '../common/http.ts';
import type { Logger } from '../common/log.ts';
import { createRegistry } from '../common/metrics.ts';
import type { SignerConfig } from './config.ts';
import { networkId } from './envelope.ts';
import { healthModules, named, startHealthWhenPossible } from './health.ts';
import { openJournal } from './journal/journal.ts';
import { createSequences } from './journal/sequences.ts';
import { createWindows } from './journal/windows.ts';
import { keepOpen } from './keystore/opening.ts';
import { createPkcs11Opener, type Pkcs11Options } from './keystore/pkcs11/open.ts';
import { createProbe } from './keystore/probe.ts';
import { createMetrics, measured } from './metrics.ts';
import { createPolicyStore } from './policy/load.ts';
import { createRateLimit } from './policy/rate.ts';
import { createSignerServer } from './server.ts';
import { createSigner } from './sign.ts';
import { listenOnSocket, prepareSocket } from './socket.ts';

const GRACE_MS = 6_000;
const RETRY_MS = 2_000;
const POLICY_INTERVAL_MS = 1_000;
const TLS_INTERVAL_MS = 30_000;
const PROBE_MAX_AGE_MS = 1_000;
const PROBE_DEADLINE_MS = 4_000;

/** Composes the signer and runs it until the signal; what was accepted before is still signed. */
export async function run(config: SignerConfig, log: Logger, signal: AbortSignal): Promise<void> {
  const registry = createRegistry();
  const metrics = createMetrics(registry);
  const publicKey = Buffer.from(StrKey.decodeEd25519PublicKey(config.ACCOUNT));
  const sequences = createSequences(() => BigInt(Math.floor(Date.now() / 1000)));
  const windows = createWindows(Date.now);
  // A second process by mistake must end before it writes a line into the first one's journal.
  await prepareSocket(config.SIGNER_SOCKET);
  const journal = await openJournal({
    dir: config.JOURNAL_DIR,
    account: config.ACCOUNT,
    network: networkId(config.NETWORK_PASSPHRASE).toString('hex'),
    now: () => new Date(),
    onLine: ({ time, event }) => {
      sequences.replay(event);
      if (event.type === 'signed') windows.add(event.spends, Date.parse(time));
    },
  });
  await journal.append({ type: 'started' });

  const policies = createPolicyStore(config.POLICY_DIR, config.ACCOUNT, (set) => {
    metrics.policies.set(set.policies.length);
    metrics.policyFault.set(set.fault === undefined ? 0 : 1);
    metrics.policyReloads.inc({ result: set.fault === undefined ? 'loaded' : 'refused' });
    if (set.fault === undefined) log.info({ policies: named(set) }, 'policies loaded');
    else log.error({ fault: set.fault }, 'policies refused, the ones before stay in force');
    journal
      .append(
        set.fault === undefined
          ? { type: 'policies-loaded', policies: named(set) }
          : { type: 'policies-refused', reason: set.fault },
      )
      .catch((err: unknown) => log.error({ err }, 'journal'));
  });
  await policies.reload();

  // It outlives the signal, so that what was accepted is still signed.
  const keystoreEnd = new AbortController();
  const keystore = keepOpen(createPkcs11Opener(pkcs11Options(config, publicKey)), {
    signal: keystoreEnd.signal,
    retryMs: RETRY_MS,
    onChange: (fault) => {
      metrics.keystoreOpen.set(fault === undefined ? 1 : 0);
      if (fault === undefined) log.info('the key is usable');
      else log.error({ fault }, 'the key is not usable');
    },
  });

  const server = createSignerServer({
    account: { account: config.ACCOUNT, networkPassphrase: config.NETWORK_PASSPHRASE },
    signer: createSigner({
      account: config.ACCOUNT,
      publicKey,
      networkPassphrase: config.NETWORK_PASSPHRASE,
      keystore: measured(keystore, 'transaction', metrics),
      policies: () => policies.current().policies,
      journal,
      sequences,
      windows,
      rate: createRateLimit(() => performance.now()),
      now: Date.now,
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
    { address: config.HEALTH_ADDRESS, certFile: config.TLS_CERT_FILE, keyFile: config.TLS_KEY_FILE },
    healthModules({
      account: config.ACCOUNT,
      networkPassphrase: config.NETWORK_PASSPHRASE,
      keystore,
      journal,
      policies: policies.current,
      probe,
      registry,
    }),
    { retryMs: RETRY_MS, renewMs: TLS_INTERVAL_MS, signal, log },
  );

  await listenOnSocket(server, config.SIGNER_SOCKET);
  log.info({ socket: config.SIGNER_SOCKET, account: config.ACCOUNT }, 'listening');
  await Promise.race([policies.watch(POLICY_INTERVAL_MS, signal), keystore.done]);
  log.info({ reason: messageOf(signal.reason) }, 'stopping');
  await close(server, GRACE_MS);
  keystoreEnd.abort();
  await keystore.done;
  await journal.close();
  const healthServer = await health;
  if (healthServer !== undefined) await close(healthServer, 0);
}

function pkcs11Options(config: SignerConfig, publicKey: Buffer): Pkcs11Options {
  const { PKCS11_TOKEN_LABEL: tokenLabel, PKCS11_TOKEN_SERIAL: serial = '' } = config;
  const { PKCS11_KEY_LABEL: keyLabel, PKCS11_KEY_ID: id = '' } = config;
  return {
    module: config.PKCS11_MODULE,
    token: tokenLabel === undefined ? { serial } : { label: tokenLabel },
    key: keyLabel === undefined ? { id: Buffer.from(id, 'hex') } : { label: keyLabel },
    pinFile: config.PKCS11_PIN_FILE,
    publicKey,
  };
}
