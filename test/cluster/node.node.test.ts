import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterAccess } from './access.ts';
import { createApi } from './api.ts';
import { baseImage, buildImage } from './images.ts';
import { apply, createKubectl, type Kubectl } from './kubectl.ts';
import { layout } from './layout.ts';
import { importImages } from './node.ts';
import { createVolume } from './volumes.ts';
import { claim, restrictedNamespace, serverPod } from './workload.ts';

describe('a node', function () {
  this.timeout(90_000);
  const namespace = `node-${randomBytes(3).toString('hex')}`;
  const signal = new AbortController().signal;
  let kubectl: Kubectl;
  let folder: string;

  before(async () => {
    kubectl = createKubectl();
    folder = mkdtempSync(join(tmpdir(), 'cluster-node-'));
    await apply(kubectl, restrictedNamespace(namespace));
  });
  after(async () => {
    await kubectl(['delete', 'namespace', namespace, '--wait=false']);
    await kubectl(['delete', 'persistentvolume', namespace, '--ignore-not-found', '--wait=false']);
    rmSync(folder, { recursive: true, force: true });
  });

  const ready = (pod: string): Promise<string> =>
    kubectl(['wait', '-n', namespace, '--for=condition=Ready', `pod/${pod}`, '--timeout=40s']);

  it('is Ready', async () => {
    await kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=5s']);
    assert.equal(await kubectl(['get', 'node', '-o', 'jsonpath={.items[*].metadata.name}']), 'node1');
  });

  it('gives a claim an empty volume that the pod may write', async () => {
    await apply(kubectl, claim(namespace, 'fresh'), serverPod({ namespace, name: 'fresh', claim: 'fresh' }));
    await ready('fresh');
    await kubectl(['exec', '-n', namespace, 'fresh', '--', 'sh', '-c', 'echo kept > /data/file']);
    assert.equal(await kubectl(['exec', '-n', namespace, 'fresh', '--', 'cat', '/data/file']), 'kept\n');
  });

  it("shows a pod a folder of this machine and makes it the pod's group's", async () => {
    const token = join(folder, 'token');
    mkdirSync(token);
    writeFileSync(join(token, 'object'), 'from outside', { mode: 0o600 });
    const { kubeconfig } = clusterAccess();
    const api = createApi(kubeconfig);
    await createVolume(api, namespace, token);
    await api.close();
    await apply(
      kubectl,
      claim(namespace, 'token', namespace),
      serverPod({ namespace, name: 'token', claim: 'token' }),
    );
    await ready('token');
    const script = 'cat /data/object && echo changed > /data/object';
    assert.equal(await kubectl(['exec', '-n', namespace, 'token', '--', 'sh', '-c', script]), 'from outside');
    assert.equal(readFileSync(join(token, 'object'), 'utf8'), 'changed\n');
  });

  it('runs an image that was built here on the base image', async () => {
    const context = join(folder, 'context');
    mkdirSync(context);
    writeFileSync(join(context, 'greeting'), 'built here');
    const containerfile = join(folder, 'Containerfile');
    writeFileSync(containerfile, 'ARG BASE\nFROM $BASE\nCOPY greeting /greeting\nUSER 10001\n');
    const { archive: base } = await baseImage(console.log, signal);
    const name = 'localhost/stellar-greeting:test';
    const { archive } = await buildImage({ name, containerfile, context, base }, console.log, signal);
    await importImages(layout(), [archive], signal);
    await apply(kubectl, serverPod({ namespace, name: 'image', image: name }));
    await ready('image');
    assert.equal(await kubectl(['exec', '-n', namespace, 'image', '--', 'cat', '/greeting']), 'built here');
  });

  it('@security refuses a pod that the restricted standard forbids', async () => {
    const pod = serverPod({ namespace, name: 'root' }) as { spec: { hostNetwork?: boolean } };
    pod.spec.hostNetwork = true;
    await assert.rejects(apply(kubectl, pod), /violates PodSecurity "restricted:latest": host namespaces/);
  });
});
