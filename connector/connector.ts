import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { messageOf } from '../common/errors.ts';
import { renewHealth, startHealth } from '../common/health.ts';
import { close } from '../common/http.ts';
import type { Logger } from '../common/log.ts';
import { uniform } from '../common/random.ts';
import type { sleep } from '../common/shutdown.ts';
import { startTlsFiles } from '../common/tls-files.ts';
import { type Environment, gatewayNetwork, readConnectorFile, requireAddresses } from './config.ts';
import { connectorError } from './errors.ts';
import { createGateway } from './gateway/app.ts';
import { bridge } from './gateway/bridge.ts';
import { CHAIN, type Context } from './gateway/context.ts';
import { createGate } from './gateway/gate.ts';
import { createLimits } from './gateway/limits.ts';
import { createPoolList } from './gateway/lists/pools.ts';
import { createPreferences } from './gateway/lists/preferences.ts';
import { gatewaySchema } from './gateway/lists/schema.ts';
import { createTokenList } from './gateway/lists/tokens.ts';
import { createQuoter } from './gateway/quoting.ts';
import { renewTls, startServer } from './gateway/server.ts';
import { watchAddresses } from './ledger/addresses.ts';
import { createHorizon } from './ledger/horizon.ts';
import { createTransport } from './ledger/transport.ts';
import { createMetrics } from './metrics.ts';
import { checkSigner, createLedgerCheck } from './readiness.ts';
import { createSigner } from './signing/client.ts';
import { openState } from './state.ts';
import { createQueue } from './transactions/queue.ts';
import { openStore } from './transactions/store.ts';
import { createSwapper } from './transactions/swap.ts';

const FILES_EVERY_MS = 1_000;
const TLS_FILES_EVERY_MS = 30_000;
/** How long (milliseconds) a transaction under way is waited for at shutdown; after that the next process takes it up. */
const FINISH_MS = 20_000;

export interface Runtime {
  log: Logger;
  /** Milliseconds since 1970. */
  now(): number;
  sleep: typeof sleep;
}

export interface Connector {
  gateway: AddressInfo;
  health: AddressInfo;
  /**
   * Takes no new work, lets what is under way finish for a while, then closes everything. What could not finish is on
   * disk, and the next process takes it up.
   */
  stop(): Promise<void>;
}

/** Wires the connector from its environment and starts it; it serves when this resolves, ready or not. */
export async function startConnector(
  environment: Environment,
  { log, now, sleep }: Runtime,
): Promise<Connector> {
  const stopping = new AbortController();
  const cut = new AbortController();
  const metrics = createMetrics();

  const file = readConnectorFile(environment.CONFIG_FILE);
  const { account, networkPassphrase } = file;
  const endpoint = file.horizon.endpoints[0]!;
  const transport = createTransport(
    {
      url: endpoint.url,
      spkiPins: endpoint.spkiPins,
      caFile: endpoint.caFile,
      auth: endpoint.auth,
      addresses: endpoint.addresses,
    },
    {
      pinMismatch(host) {
        metrics.pinMismatches.inc({ host });
        log.error({ host, event: 'pin-mismatch' }, 'the certificates of the server match no pin');
      },
      unknownHost(host) {
        metrics.unknownHosts.inc({ host });
        log.warn({ host, event: 'unknown-host' }, 'no address is given for the host; it is not dialled');
      },
    },
    { now, sleep, random: uniform },
  );
  requireAddresses(environment, file);
  if (environment.ADDRESSES_FILE !== undefined) {
    watchAddresses(
      environment.ADDRESSES_FILE,
      FILES_EVERY_MS,
      {
        changed(addresses) {
          transport.setAddresses(addresses);
          log.info({ addresses }, 'addresses in force');
        },
        failed: (error) => log.error({ event: 'addresses-refused' }, messageOf(error)),
      },
      cut.signal,
    );
  }

  const horizon = createHorizon(endpoint.url, transport, {
    answered: (route, outcome) => metrics.horizon.inc({ route, outcome }),
  });
  const signer = createSigner(
    environment.SIGNER_SOCKET,
    { answered: (outcome) => metrics.signer.inc({ outcome }) },
    // Not the network's clock: what both ends of the socket have is the machine's.
    Date.now,
  );
  const store = await openStore(join(environment.STATE_DIR, 'transactions'), () => now() / 1_000);
  const queue = createQueue();
  const state = openState(environment.STATE_DIR, [gatewaySchema]);
  const tokenList = createTokenList(state, file.markets);
  const quoter = createQuoter(horizon, file.markets);
  const checkLedger = createLedgerCheck(
    horizon,
    networkPassphrase,
    { untrusted: (what) => metrics.untrusted.inc({ what }) },
    now,
  );
  const swapper = createSwapper({
    ...{ account, networkPassphrase, horizon, signer, store, queue, checkLedger, now, sleep },
    quote: quoter.quote,
    stopping: stopping.signal,
    stop: cut.signal,
    observed(hash, { event, fact }, step) {
      if (event === 'submitted') metrics.submissions.inc({ answer: fact.kind });
      if (fact.kind === 'untrusted') metrics.untrusted.inc({ what: 'transaction' });
      log.info({ hash, event, fact: fact.kind, next: step.action }, 'transaction');
    },
    settled(hash, { kind }) {
      metrics.outcomes.inc({ outcome: kind });
      log.info({ hash, event: 'settled', outcome: kind }, 'transaction settled');
    },
    unsaved: (hash, error) => log.error({ hash, event: 'state-unwritable' }, messageOf(error)),
  });
  swapper.resume();

  // The new rooms (ledger, market, engine, orders) are put in here once they stand.
  const network = gatewayNetwork(file.network);
  const rooms = bridge({ file, horizon, checkLedger, quoter, swapper, store });
  const poolList = createPoolList({
    ...{
      state,
      network,
      markets: file.markets,
      tokens: tokenList,
      ledger: rooms.ledger,
      market: rooms.market,
    },
  });
  const context = {
    ...{ file, tokens: tokenList.all, horizon, checkLedger, quoter, swapper, store, now, ...rooms },
    ...{ tokenList, poolList, network, preferences: createPreferences(state, CHAIN, network) },
    async reload() {
      gate.allow(readConnectorFile(environment.CONFIG_FILE).gateway.clients);
    },
  } as unknown as Context;
  const gate = createGate(
    file.gateway.clients,
    {
      refused(reason, who) {
        metrics.handshakes.inc({ reason });
        log.warn({ reason, who, event: 'client-refused' }, 'a client connection was cut');
      },
    },
    now,
  );
  const limits = createLimits(() => performance.now());
  const app = createGateway({
    ...{ context, metrics, log, gate, limits, stopping: stopping.signal },
    audit: (entry) => log.info({ event: 'order', ...entry }, 'order'),
  });
  const tlsPaths = {
    cert: environment.TLS_CERT_FILE,
    key: environment.TLS_KEY_FILE,
    clientCa: environment.TLS_CLIENT_CA_FILE,
  };
  const server = await startServer(environment.GATEWAY_ADDRESS, app, gate, (reason) => {
    metrics.handshakes.inc({ reason });
    log.warn({ reason, event: 'handshake-refused' }, 'a client connection was refused');
  });
  let served = false;
  let missing: string | undefined;
  const health = await startHealth(
    { address: environment.HEALTH_ADDRESS },
    {
      async ready(signal) {
        stopping.signal.throwIfAborted();
        if (!served) throw connectorError('config-invalid', `certificate files: ${missing}`);
        await Promise.all([checkLedger(signal), checkSigner(signer, file, signal)]);
      },
      status: () => ({
        account,
        network: file.network,
        horizon: endpoint.url,
        pending: store.pending().length,
        certificates: missing ?? 'in force',
      }),
      registry: metrics.registry,
    },
  );
  // Both ports are open at once and refuse every handshake until their files are there: the process stays up for them.
  const { clientCa: _ca, ...healthPaths } = tlsPaths;
  const watched = { intervalMs: TLS_FILES_EVERY_MS, signal: cut.signal, sleep };
  const renewed = await Promise.all([
    startTlsFiles(healthPaths, watched, {
      renew: (next) => renewHealth(health, next),
      // Said by the gateway's files, among which these are.
      failed: () => undefined,
    }),
    startTlsFiles(tlsPaths, watched, {
      renew(next) {
        renewTls(server, next, gate);
        served = true;
        missing = undefined;
        log.info({ event: 'certificates-renewed' }, 'certificate files in force');
      },
      failed(reason) {
        missing = reason;
        log.error({ event: 'certificates-refused', reason }, 'certificate files refused');
      },
    }),
  ]);
  const [gatewayAt, healthAt] = [server.address() as AddressInfo, health.address() as AddressInfo];
  log.info({ gateway: gatewayAt, health: healthAt, account }, 'serving');
  // Said once at the start, so that a wrong network or signer stands in the log before anyone asks.
  Promise.all([checkLedger(stopping.signal), checkSigner(signer, file, stopping.signal)]).catch(
    (error: unknown) => log.warn({ event: 'not-ready' }, messageOf(error)),
  );

  return {
    gateway: gatewayAt,
    health: healthAt,
    async stop() {
      stopping.abort(connectorError('shutting-down', 'the connector is shutting down'));
      log.info({ pending: store.pending().length }, 'shutting down');
      const finished = queue.idle();
      const patience = new AbortController();
      await Promise.race([finished, sleep(FINISH_MS, patience.signal).catch(() => undefined)]);
      patience.abort();
      cut.abort(connectorError('shutting-down', 'the connector is shutting down'));
      await Promise.all([
        finished,
        ...renewed.map(({ ended }) => ended),
        close(server, 2_000),
        close(health, 500),
      ]);
      await Promise.all([transport.close(), signer.close()]);
      state.close();
    },
  };
}
