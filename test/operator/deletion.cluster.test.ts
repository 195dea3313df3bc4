import assert from 'node:assert/strict';
import { FINALIZER } from '../../operator/deletion.ts';
import { CONNECTORS, NETWORKPOLICIES, PODS } from '../../operator/kinds.ts';
import { calm, isGone, NAME, type Scene, sceneIn } from './scene.ts';
import { createWorld, type RunningOperator, until, type World } from './world.ts';

describe('operator: deletion on a real API server', function () {
  this.timeout(60_000);
  let world: World;
  let scene: Scene;
  let operator: RunningOperator;
  let laterMs: number;

  beforeEach(async () => {
    laterMs = 0;
    world = await createWorld('deletion');
    scene = sceneIn(world);
    operator = await world.start({ now: () => new Date(Date.now() + laterMs) });
    await scene.settled(operator);
  });
  afterEach(() => world.close());

  const ref = (name = NAME) => ({ namespace: world.namespace, name });
  const deleteConnector = (): Promise<void> => world.client.delete(CONNECTORS, ref(), world.signal);
  const pod = () => world.client.get(PODS, ref('slc-0'), world.signal);
  const hold = (finalizers: string[] | null) =>
    world.client.patch(PODS, ref('slc-0'), { metadata: { finalizers } }, world.signal);
  const connectorIsGone = (): Promise<boolean> => isGone(scene.connector());

  it('holds the connector before it makes anything', async () => {
    assert.deepEqual((await scene.connector()).metadata.finalizers, [FINALIZER]);
    assert.match(operator.writes()[0]!, /^PATCH .*\/stellarconnectors\/slc$/);
  });

  it('ends the pod first, keeps the NetworkPolicy while it exists, then lets everything go @security', async () => {
    await until('the controller has made the pod', pod);
    await hold(['test.invalid/hold']);
    await deleteConnector();
    await until('the pod is being ended', async () => (await pod()).metadata.deletionTimestamp);
    await until('the status says so', async () => (await scene.condition('Ready'))?.reason === 'Deleting');
    await calm(operator);
    assert.equal(((await scene.child('StatefulSet', NAME)).spec as { replicas: number }).replicas, 0);
    assert.equal((await scene.child('NetworkPolicy', NAME)).metadata.deletionTimestamp, undefined);
    assert.ok(!(await connectorIsGone()));

    await world.client.delete(NETWORKPOLICIES, ref(), world.signal);
    await until('a NetworkPolicy that is taken away comes back', () => scene.child('NetworkPolicy', NAME));

    laterMs = 301_000;
    operator.enqueue(scene.key);
    const stalled = await until('it asks for help', () => scene.condition('Stalled'));
    assert.equal(stalled.reason, 'PodLingers');
    assert.match(stalled.message, /Pod .*\/slc-0 has not ended yet\. .*kubectl delete pod --force/);
    await calm(operator);
    assert.equal((await scene.child('NetworkPolicy', NAME)).metadata.deletionTimestamp, undefined);
    assert.ok(!(await connectorIsGone()), 'released by time');

    await hold(null);
    await until('the connector is gone', connectorIsGone);
    for (const kind of ['NetworkPolicy', 'StatefulSet', 'Service', 'ServiceAccount'])
      await until(`${kind} is collected`, () => isGone(scene.child(kind, NAME)));
    await until('the Secrets are collected', () => isGone(scene.secret('slc-client-tls')));
  });

  it('waits for a pod that only the API server knows of @security', async () => {
    await until('the controller has made the pod', pod);
    const { metadata, spec } = (await scene.child('StatefulSet', NAME)) as unknown as {
      metadata: object;
      spec: { template: { metadata: { labels: Record<string, string> } } };
    };
    assert.ok(metadata);
    const container = { name: 'c', image: 'none:test' };
    await world.client.create(
      PODS,
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...ref('stray'), labels: spec.template.metadata.labels },
        spec: { containers: [container], nodeName: 'lost-node' },
      } as never,
      world.signal,
    );
    await deleteConnector();
    await until('its own pod is gone', () => isGone(pod()));
    await calm(operator);
    assert.ok(!(await connectorIsGone()));
    await scene.child('NetworkPolicy', NAME);
    const path = `/api/v1/namespaces/${world.namespace}/pods/stray?gracePeriodSeconds=0`;
    await world.transport.request({ method: 'DELETE', path, signal: world.signal });
    await until('the connector is gone', connectorIsGone);
  });

  it('can be made again under its name at once', async () => {
    const { uid } = (await scene.connector()).metadata;
    await deleteConnector();
    await until('the connector is gone', connectorIsGone);
    await scene.createConnector();
    await until(
      'the StatefulSet belongs to the new one',
      async () => {
        const [{ metadata }, owner] = [
          await scene.connector(),
          (await scene.child('StatefulSet', NAME)).metadata,
        ];
        return metadata.uid !== uid && owner.ownerReferences?.[0]?.uid === metadata.uid;
      },
      40_000,
    );
  });
});
