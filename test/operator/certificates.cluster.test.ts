import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { createAuthority } from '../../operator/certs/authority.ts';
import { LIFE_MS } from '../../operator/certs/mint.ts';
import { CONFIGMAPS, type ConfigMap, SECRETS, type Secret } from '../../operator/kinds.ts';
import type { KubeObject } from '../../operator/kube/resource.ts';
import { calm, isGone, NAME, type Scene, sceneIn } from './scene.ts';
import { createWorld, type RunningOperator, until, type World } from './world.ts';

const NAMES = ['slc-server-tls', 'slc-client-tls', 'slc-signer-tls'];

describe('operator: TLS Secrets on a real API server', function () {
  this.timeout(60_000);
  let world: World;
  let scene: Scene;

  beforeEach(async () => {
    world = await createWorld('certs');
    scene = sceneIn(world);
  });
  afterEach(() => world.close());

  const text = (secret: Secret, key: string): string =>
    Buffer.from(secret.data?.[key] ?? '', 'base64').toString();
  const trust = async (): Promise<string> =>
    ((await scene.child('ConfigMap', 'slc-trust')) as ConfigMap).data?.['ca_cert.pem'] ?? '';
  const secrets = (): Promise<Secret[]> => Promise.all(NAMES.map(scene.secret));
  const foreign = (name: string): Secret => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: world.namespace },
    data: { theirs: 'eWVz' },
  });
  const remove = (name: string): Promise<void> =>
    world.client.delete(SECRETS, { namespace: world.namespace, name }, world.signal);
  const secretCalls = (operator: RunningOperator, from = 0): string[] =>
    operator.calls
      .slice(from)
      .filter(({ path }) => path.includes('/secrets'))
      .map(({ method }) => method);

  it('makes server, client and signer certificates under one public root, and keeps their uids in the status', async () => {
    const operator = await world.start();
    await scene.settled(operator);
    const root = new X509Certificate(await trust());
    const [server, client, signer] = (await secrets()) as [Secret, Secret, Secret];
    const leaves = [text(server, 'tls.crt'), text(client, 'client_cert.pem'), text(signer, 'tls.crt')];
    for (const leaf of leaves) assert.ok(new X509Certificate(leaf).verify(root.publicKey));
    assert.equal(text(client, 'ca_cert.pem'), root.toString());
    const { status, metadata } = await scene.connector();
    const held = (status?.certificates ?? []).map(({ secretName, uid }) => [secretName, uid]);
    assert.deepEqual(
      held.sort(),
      [server, client, signer].map((one) => [one.metadata.name, one.metadata.uid]).sort(),
    );
    for (const { metadata: of } of [server, client, signer])
      assert.equal(of.ownerReferences?.[0]?.uid, metadata.uid, 'goes with its connector');
  });

  it('never reads, lists, watches or patches a Secret @security', async () => {
    const operator = await world.start();
    await scene.settled(operator);
    assert.deepEqual(secretCalls(operator), ['POST', 'POST', 'POST']);
  });

  it('makes nothing and writes nothing after a restart', async () => {
    const first = await world.start();
    await scene.settled(first);
    await first.stop();
    const before = [await trust(), await secrets(), await scene.connector()];
    const second = await world.start();
    await calm(second);
    assert.deepEqual(second.writes(), []);
    assert.deepEqual([await trust(), await secrets(), await scene.connector()], before);
  });

  it('replaces the whole set when a third of its life is left', async () => {
    const first = await world.start();
    await scene.settled(first);
    await first.stop();
    const [root, before] = [await trust(), await secrets()];
    const later = await world.start({ now: () => new Date(Date.now() + (LIFE_MS * 2) / 3 + 60_000) });
    await until('a new root', async () => (await trust()) !== root);
    await calm(later);
    const after = await secrets();
    assert.deepEqual(
      after.map(({ metadata }) => metadata.uid),
      before.map(({ metadata }) => metadata.uid),
    );
    assert.deepEqual(secretCalls(later), ['PUT', 'PUT', 'PUT']);
    const leaf = new X509Certificate(text(after[0]!, 'tls.crt'));
    assert.ok(leaf.verify(new X509Certificate(await trust()).publicKey));
  });

  it('does not believe a root that somebody wrote into the ConfigMap while it was away @security', async () => {
    const first = await world.start();
    await scene.settled(first);
    await first.stop();
    const root = await trust();
    const ref = { namespace: world.namespace, name: 'slc-trust' };
    const { validFromDate: notBefore, validToDate: notAfter } = new X509Certificate(root);
    const { root: forged } = await createAuthority('slc', { notBefore, notAfter });
    await world.client.patch(CONFIGMAPS, ref, { data: { 'ca_cert.pem': forged } }, world.signal);
    await world.start();
    await until('another root', async () => ![root, forged].includes(await trust()));
    const [server] = await secrets();
    assert.ok(
      new X509Certificate(text(server!, 'tls.crt')).verify(new X509Certificate(await trust()).publicKey),
    );
  });

  it('is Stalled by a Secret that it did not make, leaves it alone, and goes on when it is gone @security', async () => {
    await world.client.create(SECRETS, foreign('slc-client-tls'), world.signal);
    const operator = await world.start();
    await scene.createPolicy();
    await scene.createConnector();
    const stalled = await until('Stalled', () => scene.condition('Stalled'));
    assert.equal(stalled.reason, 'SecretNameTaken');
    assert.match(
      stalled.message,
      /Secret .*\/slc-client-tls exists .*kubectl -n .* delete secret slc-client-tls/,
    );
    assert.deepEqual((await scene.secret('slc-client-tls')).data, { theirs: 'eWVz' });
    assert.ok(await isGone(scene.child('StatefulSet', NAME)));
    await remove('slc-client-tls');
    operator.enqueue(scene.key);
    await until('the StatefulSet is there', () => scene.child('StatefulSet', NAME));
    await until('not Stalled', async () => (await scene.condition('Stalled')) === undefined);
    const root = new X509Certificate(await trust());
    for (const [at, key] of ['tls.crt', 'client_cert.pem', 'tls.crt'].entries())
      assert.ok(new X509Certificate(text((await secrets())[at]!, key)).verify(root.publicKey), NAMES[at]);
  });

  it('never overwrites a Secret that was put in the place of its own @security', async () => {
    const first = await world.start();
    await scene.settled(first);
    await first.stop();
    await remove('slc-server-tls');
    await world.client.create(SECRETS, foreign('slc-server-tls'), world.signal);
    await world.start({ now: () => new Date(Date.now() + (LIFE_MS * 2) / 3 + 60_000) });
    const stalled = await until('Stalled', () => scene.condition('Stalled'));
    assert.equal(stalled.reason, 'SecretNameTaken');
    assert.deepEqual((await scene.secret('slc-server-tls')).data, { theirs: 'eWVz' });
  });

  it('makes the set anew when one of it was deleted', async () => {
    const first = await world.start();
    await scene.settled(first);
    await first.stop();
    await remove('slc-signer-tls');
    const later = await world.start({ now: () => new Date(Date.now() + (LIFE_MS * 2) / 3 + 60_000) });
    await until('it is back', () => scene.secret('slc-signer-tls'));
    await calm(later);
    const { status } = await scene.connector();
    const uids = new Map(status?.certificates?.map(({ secretName, uid }) => [secretName, uid]));
    for (const one of (await secrets()) as KubeObject[])
      assert.equal(uids.get(one.metadata.name), one.metadata.uid, one.metadata.name);
  });
});
