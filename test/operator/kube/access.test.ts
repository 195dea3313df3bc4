import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inCluster, loadAccess } from '../../../operator/kube/access.ts';

describe('access to a cluster', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'access-'));
    writeFileSync(join(folder, 'token'), 'first\n');
    writeFileSync(join(folder, 'ca.crt'), 'CA');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('in a pod is what the service account files say, with the token read anew when asked', async () => {
    const access = inCluster({ KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' }, folder);
    assert.equal(access.server, 'https://[fd00::1]:6443');
    assert.equal(access.tls.ca, 'CA');
    assert.equal(await access.authorization(false), 'Bearer first');
    writeFileSync(join(folder, 'token'), 'second\n');
    assert.equal(await access.authorization(false), 'Bearer first', 'not a read for each request');
    assert.equal(await access.authorization(true), 'Bearer second');
  });

  it('elsewhere needs a kubeconfig, and says so', async () => {
    await assert.rejects(loadAccess({}, {}), /not in a pod .*set STELLAR_KUBECONFIG/);
  });

  it('is what the named context of a kubeconfig says', async () => {
    const file = join(folder, 'config');
    const config = {
      clusters: [{ name: 'c', cluster: { server: 'https://api.invalid:1/base/' } }],
      users: [{ name: 'u', user: { token: 'T' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': '',
    };
    writeFileSync(file, JSON.stringify(config));
    const access = await loadAccess({ kubeconfig: file, context: 'x' }, {});
    assert.equal(access.server, 'https://api.invalid:1/base');
    assert.equal(await access.authorization(false), 'Bearer T');
    await assert.rejects(loadAccess({ kubeconfig: file, context: 'y' }, {}), /has no context named y/);
  });
});
