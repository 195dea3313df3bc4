/**
 * From a node without anything to a trading connector, as a user does it: ledger in the world outside, HSM on a volume,
 * chart, examples/. Runs inside the node's namespaces (`test/cluster/main.ts exec`).
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { helmPath } from '../../scripts/helm.ts';
import { clusterAccess } from '../cluster/access.ts';
import { localVolume, STORAGE_CLASS } from '../cluster/volumes.ts';
import type { SandboxInfo } from '../sandbox/sandbox.ts';
import { createToken, type Token } from '../sidecar/token.ts';
import { example } from './examples.ts';
import { moduleVolume, pinOf } from './hsm.ts';
import { type ImageName, referenceOf } from './images.ts';
import { apply, get, kubectl } from './kubectl.ts';
import { horizonOf, marketOf, startLedger } from './ledger.ts';
import { waitFor } from './processes.ts';
import type { Endpoint, Market } from './trade.ts';

export const NAMESPACE = 'trading';
export const OPERATOR_NAMESPACE = 'stellar-system';
export const NAME = 'market-maker';

/** A public-looking address of the world outside; 443 there is taken by the world's own answer on every address. */
export const HORIZON = { host: 'horizon.sandbox.test', address: '203.0.113.10', port: 8443 } as const;

const CHART = 'charts/stellar-connector-operator';

export interface Installed {
  horizon: Endpoint;
  market: Market;
  /** URL of the ledger's admin interface, to be asked from inside the world. */
  admin: string;
}

const folder = (): string => join(dirname(clusterAccess().kubeconfig), 'e2e');

/** The ledger runs in the world, where a pod meets it through the network only. */
function startWorldLedger(account: string): Promise<SandboxInfo> {
  const { host, address, port } = HORIZON;
  const options = ['--listen', `${address}:${port}`, '--host', host, '--account', account];
  return startLedger(folder(), options, { prefix: ['ip', 'netns', 'exec', 'world'] });
}

/** The chart, as `helm install` does it. */
async function installChart(): Promise<void> {
  const image = (name: ImageName): string[] => ['--set', `images.${name}=${referenceOf(name)}`];
  const images = [...image('operator'), ...image('connector'), ...image('signer')];
  const where = ['--namespace', OPERATOR_NAMESPACE, '--create-namespace'];
  const command = ['upgrade', '--install', 'stellar-operator', CHART, ...where, ...images];
  execFileSync(helmPath(), [...command, '--set', 'images.pullPolicy=Never'], { stdio: 'pipe' });
  await kubectl([
    'rollout',
    'status',
    '-n',
    OPERATOR_NAMESPACE,
    'deployment/stellar-operator',
    '--timeout=90s',
  ]);
}

const named = (apiVersion: string, kind: string, name: string, body: object): object => ({
  apiVersion,
  kind,
  metadata: { name, namespace: NAMESPACE },
  ...body,
});

/** Applies examples/ and the objects that they refer to, in the order of examples/README.md. */
async function applyExamples(token: Token, ledger: SandboxInfo): Promise<void> {
  const volume = join(folder(), 'hsm-volume');
  moduleVolume(token, join(folder(), 'hsm/tokens'), volume);
  const claim = {
    accessModes: ['ReadOnlyMany'],
    storageClassName: STORAGE_CLASS,
    volumeName: 'hsm',
    resources: { requests: { storage: '1Gi' } },
  };
  const objects = [
    example('namespace.yaml'),
    localVolume('hsm', volume),
    named('v1', 'PersistentVolumeClaim', 'hsm', { spec: claim }),
    named('v1', 'Secret', 'hsm-pin', { stringData: { pin: pinOf(token) } }),
    named('v1', 'ConfigMap', 'horizon-ca', { data: { 'ca.crt': readFileSync(ledger.caFile, 'utf8') } }),
    example('signingpolicy.yaml', ({ spec }) => {
      spec.accounts = [token.account];
    }),
    example('stellarconnector.yaml', ({ spec }) => {
      spec.account = token.account;
      spec.horizon.endpoints[0].spkiPins = ledger.spkiPins;
      spec.signer.pkcs11.tokenLabel = token.tokenLabel;
      spec.signer.pkcs11.keyLabel = token.keyLabel;
    }),
  ];
  await apply(kubectl, ...objects);
}

/** Waits for Ready, with a line each 5 s that says what the connector's own condition says. */
export async function waitReady(deadlineMs = 120_000): Promise<void> {
  const reason = async (): Promise<true | undefined> => {
    const { metadata, status } = await get('-n', NAMESPACE, 'slc', NAME);
    const ready = status?.conditions?.find(({ type }: { type: string }) => type === 'Ready');
    if (ready?.status === 'True' && ready.observedGeneration === metadata.generation) return true;
    throw new Error(`${ready?.reason}: ${ready?.message}`);
  };
  await waitFor(`waiting for StellarConnector ${NAME}`, reason, { deadlineMs });
}

/** Installs what is missing; what is there stays. `say` gets a line for each step. */
export async function install(say: (line: string) => void): Promise<Installed> {
  const token = createToken(join(folder(), 'hsm'));
  say('starting the ledger outside the node, installing the chart');
  const [ledger] = await Promise.all([startWorldLedger(token.account), installChart()]);
  say('applying examples/: namespace, PIN, SigningPolicy, StellarConnector');
  await applyExamples(token, ledger);
  await waitReady();
  return { horizon: horizonOf(ledger), market: marketOf(ledger, token.account), admin: ledger.admin };
}

/** The gateway through its Service, with the client certificate that the operator made. */
export async function gatewayEndpoint(): Promise<Endpoint> {
  const [service, secret] = await Promise.all([
    get('-n', NAMESPACE, 'service', NAME),
    get('-n', NAMESPACE, 'secret', `${NAME}-client-tls`),
  ]);
  const pem = (key: string): string => Buffer.from(secret.data[key], 'base64').toString();
  const address = service.spec.clusterIP;
  return {
    host: `${NAME}.${NAMESPACE}.svc`,
    address: address === 'None' ? (await get('-n', NAMESPACE, 'pod', `${NAME}-0`)).status.podIP : address,
    port: 15888,
    ca: pem('ca_cert.pem'),
    cert: pem('client_cert.pem'),
    key: pem('client_key.pem'),
  };
}
