import type { AddressInfo } from 'node:net';
import { messageOf } from '../common/errors.ts';
import { renewHealth, startHealth } from '../common/health.ts';
import { close } from '../common/http.ts';
import type { Logger } from '../common/log.ts';
import type { sleep } from '../common/shutdown.ts';
import { startTlsFiles } from '../common/tls-files.ts';
import { watchText } from '../common/watch-file.ts';
import { createApi } from './api/api.ts';
import { createWebSocketApi } from './api/websocket/server.ts';
import {
  type ConnectorFile,
  type Environment,
  gatewayNetwork,
  parseConnectorFile,
  readConnectorFile,
  requireAddresses,
} from './config.ts';
import { connectorError } from './errors.ts';
import { createGateway } from './gateway/app.ts';
import { CHAIN, type Context } from './gateway/context.ts';
import { createGate } from './gateway/gate.ts';
import { createLimits } from './gateway/limits.ts';
import { createPoolList } from './gateway/lists/pools.ts';
import { createPreferences } from './gateway/lists/preferences.ts';
import { createTokenList } from './gateway/lists/tokens.ts';
import { renewTls, startServer, upgrade } from './gateway/server.ts';
import { createMetrics } from './metrics.ts';
import { checkSigner } from './readiness.ts';
import { openRooms } from './rooms.ts';

const TLS_FILES_EVERY_MS = 30_000;
const CONFIG_EVERY_MS = 5_000;
/** How long the offers may take to be cancelled at shutdown, then how long what is under way is waited for; milliseconds. */
const CANCEL_MS = 60_000;
const FINISH_MS = 20_000;

export interface Runtime {
  log: Logger;
  /** Milliseconds since 1970. */
  now(): number;
  sleep: typeof sleep;
  /** Nothing is signed or sent. */
  dryRun?: boolean | undefined;
}

export interface Connector {
  gateway: AddressInfo;
  health: AddressInfo;
  /**
   * Takes no new work, cancels the offers, lets what is under way finish for a while, then closes everything. What could
   * not finish is on disk, and the next process takes it up.
   */
  stop(): Promise<void>;
}

/** Wires the connector from its environment and starts it; it serves when this resolves, ready or not. */
export async function startConnector(environment: Environment, runtime: Runtime): Promise<Connector> {
  const { log, now, sleep: wait } = runtime;
  const stopping = new AbortController();
  const cut = new AbortController();
  const metrics = createMetrics();
  const file = readConnectorFile(environment.CONFIG_FILE);
  requireAddresses(environment, file);
  const { account } = file;
  const rooms = openRooms(file, environment, { ...runtime, metrics }, cut.signal);
  const { limits, state, ledger, signer, market, engine, orders, swaps, pools, guard } = rooms;

  const network = gatewayNetwork(file.network);
  const tokenList = createTokenList(state, file.markets);
  const poolList = createPoolList({
    ...{ state, network, markets: file.markets, tokens: tokenList, ledger, market },
  });
  const refused = (reason: string, who?: string): void => {
    metrics.handshakes.inc({ reason });
    log.warn({ reason, who, event: 'client-refused' }, 'a client connection was refused');
  };
  const gate = createGate(file.gateway.clients, { refused }, now);
  const context: Context = {
    ...{ file, limits, network, ledger, market, engine, orders, swaps, pools, now },
    ...{ tokens: tokenList.all, tokenList, poolList, preferences: createPreferences(state, CHAIN, network) },
    reload: async () => reload(readConnectorFile(environment.CONFIG_FILE)),
  };
  /** The two things of the file that a running process takes over; all else of it needs a new one. */
  const reload = (changed: ConnectorFile): void => {
    gate.allow(changed.gateway.clients);
    rooms.repin(changed);
  };
  watchText(
    environment.CONFIG_FILE,
    CONFIG_EVERY_MS,
    {
      changed: (text) => reload(parseConnectorFile(text, environment.CONFIG_FILE)),
      failed: (error) => log.error({ event: 'config-refused' }, messageOf(error)),
    },
    cut.signal,
  );
  const app = createGateway({
    ...{ context, metrics, log, gate, stopping: stopping.signal, heard: guard.heard },
    limits: createLimits(() => performance.now()),
    api: createApi({ state, now }),
    audit: (entry) => log.info({ event: 'order', ...entry }, 'order'),
  });
  const sockets = createWebSocketApi({
    ...{ context, log, heard: guard.heard, every: rooms.every, now: () => performance.now() },
  });
  const server = await startServer(environment.GATEWAY_ADDRESS, app, gate, refused);
  upgrade(server, gate, sockets.authorize);

  let certificates: string | undefined = 'not read yet';
  const health = await startHealth(
    { address: environment.HEALTH_ADDRESS },
    {
      async ready(signal) {
        stopping.signal.throwIfAborted();
        if (certificates !== undefined) {
          throw connectorError('config-invalid', `certificate files: ${certificates}`);
        }
        await Promise.all([ledger.head(signal), checkSigner(signer, file, signal)]);
      },
      status: () => ({
        ...{ account, network: file.network, dryRun: runtime.dryRun === true, endpoints: ledger.endpoints() },
        ...{ transactions: engine.load(), offersHeldBackFor: guard.causes() },
        books: market.markets.map((of) => ({ ...of, fresh: market.book(of)?.fresh ?? false })),
        certificates: certificates ?? 'in force',
      }),
      registry: metrics.registry,
    },
  );
  // Both ports are open at once and refuse every handshake until their files are there: the process stays up for them.
  const healthPaths = { cert: environment.TLS_CERT_FILE, key: environment.TLS_KEY_FILE };
  const watched = { intervalMs: TLS_FILES_EVERY_MS, signal: cut.signal, sleep: wait };
  const renewed = await Promise.all([
    startTlsFiles(healthPaths, watched, {
      renew: (next) => renewHealth(health, next),
      // Said by the gateway's files, among which these are.
      failed: () => undefined,
    }),
    startTlsFiles({ ...healthPaths, clientCa: environment.TLS_CLIENT_CA_FILE }, watched, {
      renew(next) {
        renewTls(server, next, gate);
        certificates = undefined;
        log.info({ event: 'certificates-renewed' }, 'certificate files in force');
      },
      failed(reason) {
        certificates = reason;
        log.error({ event: 'certificates-refused', reason }, 'certificate files refused');
      },
    }),
  ]);
  const [gatewayAt, healthAt] = [server.address() as AddressInfo, health.address() as AddressInfo];
  log.info({ gateway: gatewayAt, health: healthAt, account }, 'serving');
  // Said once at the start, so that a wrong network or signer stands in the log before anyone asks.
  Promise.all([ledger.head(stopping.signal), checkSigner(signer, file, stopping.signal)]).catch(
    (error: unknown) => log.warn({ event: 'not-ready' }, messageOf(error)),
  );
  rooms.start();

  return {
    gateway: gatewayAt,
    health: healthAt,
    async stop() {
      const over = connectorError('shutting-down', 'the connector is shutting down');
      stopping.abort(over);
      log.info(engine.load(), 'shutting down');
      await rooms.stop({ cancelMs: CANCEL_MS, finishMs: FINISH_MS });
      cut.abort(over);
      sockets.close();
      await Promise.all([
        ...renewed.map(({ ended }) => ended),
        ...[close(server, 2_000), close(health, 500), ledger.close(), signer.close()],
      ]);
      state.close();
    },
  };
}
