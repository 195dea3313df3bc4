/** The operator as a process, under the very rights that the chart gives it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { parseAllDocuments } from 'yaml';
import { CONNECTORS } from '../../operator/kinds.ts';
import { type KubeObject, resource } from '../../operator/kube/resource.ts';
import { helm } from '../../scripts/helm.ts';
import { isGone, NAME, type Scene, sceneIn } from './scene.ts';
import { createWorld, until, type World } from './world.ts';

const CHART = 'charts/stellar-connector-operator';
const RBAC = 'rbac.authorization.k8s.io';
const KINDS = [
  resource(RBAC, 'v1', 'clusterroles', 'ClusterRole'),
  resource(RBAC, 'v1', 'rolebindings', 'RoleBinding'),
  resource('', 'v1', 'serviceaccounts', 'ServiceAccount'),
];

describe('operator: the process, as the service account of the chart', function () {
  this.timeout(90_000);
  let world: World;
  let scene: Scene;
  let folder: string;
  let operator: ChildProcess;
  let output: string;
  let release: string;
  let port: number;

  before(async () => {
    world = await createWorld('process');
    scene = sceneIn(world);
    release = world.namespace;
    folder = mkdtempSync(join(tmpdir(), 'operator-'));
    const rendered = helm(
      'template',
      release,
      CHART,
      '--namespace',
      world.namespace,
      '--set',
      `watchNamespaces={${world.namespace}}`,
    );
    for (const document of parseAllDocuments(rendered)) {
      const object = document.toJS() as KubeObject | null;
      const of = KINDS.find(({ kind }) => kind === object?.kind);
      if (of !== undefined) await world.client.create(of, object!, world.signal);
    }
    writeFileSync(join(folder, 'kubeconfig'), JSON.stringify(await kubeconfig()));
    port = await freePort();
    start();
  });
  after(async () => {
    operator?.kill('SIGKILL');
    for (const suffix of ['', '-trader', '-security'])
      await world.client.delete(KINDS[0]!, { name: `${release}${suffix}` }, world.signal);
    await world.close();
    rmSync(folder, { recursive: true });
  });

  /** A kubeconfig with a token of the operator's service account. */
  async function kubeconfig(): Promise<object> {
    const path = `/api/v1/namespaces/${world.namespace}/serviceaccounts/${release}/token`;
    const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} });
    const answer = await world.transport.request({ method: 'POST', path, body, signal: world.signal });
    const { token } = (JSON.parse(answer) as { status: { token: string } }).status;
    const { server, tls } = world.access;
    const ca = Buffer.from(tls.ca ?? '').toString('base64');
    return {
      clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': ca } }],
      users: [{ name: 'u', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'test',
    };
  }

  function start(): void {
    output = '';
    operator = spawn(process.execPath, ['operator/main.ts'], {
      env: {
        PATH: process.env.PATH,
        STELLAR_KUBECONFIG: join(folder, 'kubeconfig'),
        STELLAR_KUBE_CONTEXT: 'test',
        STELLAR_WATCH_NAMESPACES: world.namespace,
        STELLAR_CONNECTOR_IMAGE: 'connector:test',
        STELLAR_SIGNER_IMAGE: 'signer:test',
        STELLAR_HEALTH_ADDRESS: `127.0.0.1:${port}`,
      },
    });
    for (const stream of [operator.stdout, operator.stderr]) stream?.on('data', (chunk) => (output += chunk));
  }

  async function ask(path: string): Promise<{ status: number; text: string }> {
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
    try {
      const { statusCode, body } = await request(`https://127.0.0.1:${port}${path}`, { dispatcher });
      return { status: statusCode, text: await body.text() };
    } finally {
      await dispatcher.destroy();
    }
  }

  it('is ready once it has synced, and answers over TLS alone', async () => {
    await until('it is ready', async () => (await ask('/readyz')).status === 200, 30_000);
    const plain = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () =>
        socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'),
      );
      socket.on('data', (chunk) => (text += chunk.toString('latin1'))).on('error', () => {});
      socket.on('close', () => resolve(text));
    });
    assert.doesNotMatch(plain, /200 OK|ok\n/);
  });

  it('carries a connector from its creation to its end with the rights of the chart', async () => {
    await scene.createPolicy();
    await scene.createConnector();
    await until('the StatefulSet is there', () => scene.child('StatefulSet', NAME));
    await until('egress is pinned', async () => (await scene.condition('EgressPinned'))?.status === 'True');
    assert.equal(await scene.condition('Stalled'), undefined);
    await world.client.delete(CONNECTORS, { namespace: world.namespace, name: NAME }, world.signal);
    await until('the connector is gone', () => isGone(scene.connector()));
    assert.doesNotMatch(output, /Forbidden|"level":"error"/);
  });

  it('shows its work under the names of controller-runtime', async () => {
    const { text } = await ask('/metrics');
    assert.match(
      text,
      /controller_runtime_reconcile_total\{controller="stellarconnector",result="success"\} [1-9]/,
    );
    assert.match(text, /rest_client_requests_total\{code="200",method="GET"\} [1-9]/);
    assert.match(text, /workqueue_depth\{name="stellarconnector"\} 0/);
  });

  it('stops at once on SIGTERM, with code 0', async () => {
    const startedAt = Date.now();
    const code = await new Promise((resolve) => {
      operator.once('exit', resolve);
      operator.kill('SIGTERM');
    });
    assert.equal(code, 0, output);
    assert.ok(Date.now() - startedAt < 5_000);
  });

  it('says what is wrong with its configuration, and ends', async () => {
    const child = spawn(process.execPath, ['operator/main.ts'], {
      env: { PATH: process.env.PATH, STELLAR_SINGER_IMAGE: 'x' },
    });
    let text = '';
    child.stderr.on('data', (chunk) => (text += chunk));
    const code = await new Promise((resolve) => child.once('exit', resolve));
    assert.equal(code, 1);
    assert.match(text, /STELLAR_SINGER_IMAGE: unknown variable/);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
