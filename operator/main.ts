import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { isCoded, messageOf } from '../common/errors.ts';
import { startHealth } from '../common/health.ts';
import { close } from '../common/http.ts';
import { createLogger } from '../common/log.ts';
import { shutdownSignal } from '../common/shutdown.ts';
import { createAuthority } from './certs/authority.ts';
import { type Config, readConfig } from './config.ts';
import { loadAccess } from './kube/access.ts';
import { type Operator, startOperator } from './run.ts';

const HELP = `stellar-operator: runs StellarConnectors on Kubernetes.

  stellar-operator                 watch and reconcile, until SIGTERM
  stellar-operator render [...]    print the children of a StellarConnector (render --help)
  stellar-operator --help          this text

Environment:
  STELLAR_CONNECTOR_IMAGE      image of the connector (required)
  STELLAR_SIGNER_IMAGE         image of the signer (required)
  STELLAR_IMAGE_PULL_POLICY    Always, IfNotPresent (default) or Never
  STELLAR_WATCH_NAMESPACES     comma-separated namespaces; all when empty
  STELLAR_OPERATOR_NAMESPACE   namespace of the operator's own pods; read from the pod when unset
  STELLAR_HEALTH_ADDRESS       TLS port of /healthz, /readyz, /metrics, /status (default [::]:15891)
  STELLAR_KUBECONFIG           a kubeconfig, outside a cluster
  STELLAR_KUBE_CONTEXT         context in it; its current one when unset
  STELLAR_LOG_LEVEL            trace, debug, info (default), warn or error
`;

/** Longer than a reconcile may take to end; the chart's grace period is longer still. */
const SHUTDOWN_MS = 20_000;
const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

async function watch(config: Config): Promise<void> {
  const log = createLogger('operator', config.logLevel);
  const stop = shutdownSignal(SHUTDOWN_MS);
  const access = await loadAccess(config, process.env);
  const { images, namespaces } = config;
  const operatorNamespace =
    config.operatorNamespace ?? (config.kubeconfig === undefined ? ownNamespace() : undefined);
  const facts = { images, ...(operatorNamespace === undefined ? {} : { operatorNamespace }) };
  const operator = startOperator({ access, facts, namespaces, log }, stop);
  const health = await serveHealth(config, operator);
  log.info({ server: access.server, namespaces }, 'watching');
  await operator.done;
  await close(health, 1_000);
  log.info('stopped');
}

async function serveHealth(config: Config, { cache, metrics }: Operator) {
  const now = Date.now();
  // Probes do not verify it, Prometheus need not: it keeps the figures off the wire in clear.
  const authority = await createAuthority('stellar-operator', {
    notBefore: new Date(now - 300_000),
    notAfter: new Date(now + 3650 * 86_400_000),
  });
  const tls = await authority.issue({ commonName: 'stellar-operator', names: [hostname()], usage: 'server' });
  return startHealth(
    { address: config.healthAddress, ...tls },
    {
      async ready() {
        if (!cache.synced()) throw new Error('the watches have not synced yet');
      },
      status: () => ({
        synced: cache.synced(),
        silentSeconds: Math.round(cache.silentMs() / 1000),
        connectors: cache.connectors.list().length,
      }),
      registry: metrics.registry,
    },
  );
}

function ownNamespace(): string {
  return readFileSync(NAMESPACE_FILE, 'utf8').trim();
}

async function main(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv;
  switch (command) {
    case undefined:
      await watch(readConfig(process.env));
      return 0;
    case 'render': {
      const { render } = await import('./render.ts');
      return render(rest, process);
    }
    case '--help':
    case '-h':
      process.stdout.write(HELP);
      return 0;
    default:
      process.stderr.write(`unknown command ${command}\n\n${HELP}`);
      return 2;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`stellar-operator: ${messageOf(error)}\n`);
  if (!isCoded(error)) process.stderr.write(`${(error as Error).stack ?? ''}\n`);
  process.exitCode = 1;
}
