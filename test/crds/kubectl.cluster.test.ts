/** What a user sees through kubectl: the real program against the real API server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { clusterAccess } from '../cluster/access.ts';
import { aConnector, accounts, aPolicy } from '../operator/builders.ts';
import { connect, installCrds, makeNamespace, type RawApi } from './api.ts';

const run = promisify(execFile);

describe('kubectl with our CRDs', () => {
  let api: RawApi;
  let namespace: string;

  before(async () => {
    api = await connect();
    await installCrds(api);
    namespace = await makeNamespace(api, 'kubectl');
    const base = `/apis/stellar-connector.io/v1alpha1/namespaces/${namespace}`;
    const connector = aConnector().inNamespace(namespace).manifest();
    const { status, body } = await api.send('POST', `${base}/stellarconnectors`, connector);
    assert.equal(status, 201, body.message);
    await api.send('POST', `${base}/signingpolicies`, aPolicy().inNamespace(namespace).manifest());
    const condition = {
      message: 'pod is ready',
      lastTransitionTime: '2026-01-01T00:00:00Z',
      observedGeneration: 1,
    };
    await api.send('PUT', `${base}/stellarconnectors/slc/status`, {
      ...body,
      status: {
        observedGeneration: 1,
        replicas: 1,
        selector: 'app.kubernetes.io/instance=slc',
        conditions: [
          { type: 'Ready', status: 'True', reason: 'Available', ...condition },
          { type: 'EgressPinned', status: 'True', reason: 'Pinned', ...condition },
        ],
        account: accounts.trader,
      },
    });
  });
  after(async () => {
    await api.send('DELETE', `/api/v1/namespaces/${namespace}`);
    await api.close();
  });

  async function kubectl(...args: string[]): Promise<string> {
    const { kubeconfig, context } = clusterAccess();
    const where = ['--kubeconfig', kubeconfig, '--context', context, '--namespace', namespace];
    return (await run('kubectl', [...where, ...args])).stdout;
  }
  const words = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s{2,}/));

  it('shows network, readiness, egress and age, and with -o wide the reason', async () => {
    const [head, row] = words(await kubectl('get', 'slc'));
    assert.deepEqual(head, ['NAME', 'NETWORK', 'READY', 'EGRESS', 'AGE']);
    assert.deepEqual(row?.slice(0, 4), ['slc', 'sandbox', 'True', 'True']);
    const [wideHead, wideRow] = words(await kubectl('get', 'slc', '-o', 'wide'));
    assert.equal(wideRow?.[wideHead?.indexOf('REASON') ?? -1], 'Available');
  });

  it('lists both kinds by their category', async () => {
    const names = (await kubectl('get', 'stellar', '-o', 'name')).trim().split('\n').sort();
    assert.deepEqual(names, [
      'signingpolicy.stellar-connector.io/slc-policy',
      'stellarconnector.stellar-connector.io/slc',
    ]);
  });

  it('selects by network', async () => {
    assert.match(
      await kubectl('get', 'slc', '--field-selector', 'spec.network=sandbox', '-o', 'name'),
      /slc/,
    );
    assert.equal(await kubectl('get', 'slc', '--field-selector', 'spec.network=public', '-o', 'name'), '');
  });

  it('waits for Ready', async () => {
    assert.match(await kubectl('wait', '--for=condition=Ready', 'slc/slc', '--timeout=5s'), /condition met/);
  });

  it('pauses by scale --replicas=0 and refuses two', async () => {
    await kubectl('scale', 'slc/slc', '--replicas=0');
    assert.equal(await kubectl('get', 'slc/slc', '-o', 'jsonpath={.spec.replicas}'), '0');
    await assert.rejects(kubectl('scale', 'slc/slc', '--replicas=2'), /replicas must be 0 or 1/);
    await kubectl('scale', 'slc/slc', '--replicas=1');
  });

  it('explains a field in depth', async () => {
    assert.match(
      await kubectl('explain', 'slc.spec.signer.pkcs11.pinSecretRef'),
      /mounted in the signer alone/,
    );
  });
});
