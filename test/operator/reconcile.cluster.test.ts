import assert from 'node:assert/strict';
import { CONFIGMAPS, CONNECTORS, NETWORKPOLICIES, POLICIES, STATEFULSETS } from '../../operator/kinds.ts';
import type { KubeObject } from '../../operator/kube/resource.ts';
import { aConnector } from './builders.ts';
import { calm, isGone, NAME, type Scene, sceneIn } from './scene.ts';
import { createWorld, type RunningOperator, until, type World } from './world.ts';

/** Name and kind of each child, as the user guide lists them. */
const CHILDREN: Record<string, string[]> = {
  NetworkPolicy: ['slc'],
  ServiceAccount: ['slc'],
  ConfigMap: ['slc-addresses', 'slc-config', 'slc-journal', 'slc-policy', 'slc-trust'],
  Service: ['slc'],
  StatefulSet: ['slc'],
};

describe('operator: a StellarConnector on a real API server', function () {
  this.timeout(60_000);
  let world: World;
  let scene: Scene;
  let operator: RunningOperator;

  beforeEach(async () => {
    world = await createWorld('reconcile');
    scene = sceneIn(world);
    operator = await world.start();
  });
  afterEach(() => world.close());

  it('makes every child, owned by the connector, with the NetworkPolicy before the StatefulSet', async () => {
    await scene.settled(operator);
    const { metadata } = await scene.connector();
    for (const [kind, names] of Object.entries(CHILDREN)) {
      for (const name of names) {
        const { metadata: of } = await scene.child(kind, name);
        assert.deepEqual(
          of.ownerReferences?.map(({ uid, controller, blockOwnerDeletion }) => ({
            uid,
            controller,
            blockOwnerDeletion,
          })),
          [{ uid: metadata.uid, controller: true, blockOwnerDeletion: true }],
          `${kind} ${name}`,
        );
      }
    }
    const applies = operator.writes().filter((call) => !call.includes('/stellarconnectors/'));
    const at = (part: string): number => applies.findIndex((call) => call.includes(part));
    assert.ok(at('/networkpolicies/') < at('/statefulsets/'), applies.join('\n'));
    assert.ok(at('/secrets') < at('/statefulsets/'), applies.join('\n'));
  });

  it('writes each child once and the status only when it changes', async () => {
    await scene.settled(operator);
    const counts = new Map<string, number>();
    for (const call of operator.writes()) counts.set(call, (counts.get(call) ?? 0) + 1);
    const status = `PATCH /apis/stellar-connector.io/v1alpha1/namespaces/${world.namespace}/stellarconnectors/${NAME}/status`;
    const statuses = counts.get(status) ?? 0;
    counts.delete(status);
    counts.delete(`POST /api/v1/namespaces/${world.namespace}/secrets`);
    assert.deepEqual(
      [...counts].filter(([, count]) => count > 1),
      [],
    );
    assert.ok(statuses <= 4, `${statuses} writes of the status`);
  });

  it('writes nothing, and asks nothing, when nothing has changed', async () => {
    await scene.settled(operator);
    const from = await calm(operator);
    operator.enqueue(`${world.namespace}/${NAME}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.deepEqual(operator.calls.slice(from), []);
  });

  it('brings back a child that was deleted', async () => {
    await scene.settled(operator);
    for (const [of, name] of [
      [NETWORKPOLICIES, NAME],
      [CONFIGMAPS, 'slc-trust'],
      [STATEFULSETS, NAME],
    ] as const) {
      const { uid } = (await world.client.get(of, { namespace: world.namespace, name }, world.signal))
        .metadata;
      await world.client.delete(of, { namespace: world.namespace, name }, world.signal);
      await until(
        `${of.kind} ${name} is back`,
        async () => (await scene.child(of.kind, name)).metadata.uid !== uid,
      );
    }
  });

  it('takes back what somebody edited, also in fields whose other entries stay', async () => {
    await scene.settled(operator);
    const ref = { namespace: world.namespace, name: NAME };
    const before = await scene.child('NetworkPolicy', NAME);
    const { egress } = before.spec as { egress: unknown[] };
    await world.client.patch(NETWORKPOLICIES, ref, { spec: { egress: [...egress, {}] } }, world.signal);
    await until('the rule is gone', async () => {
      const { spec } = await scene.child('NetworkPolicy', NAME);
      return JSON.stringify(spec) === JSON.stringify(before.spec);
    });
    await world.client.patch(
      NETWORKPOLICIES,
      ref,
      { spec: { podSelector: { matchLabels: { odd: 'one' } } } },
      world.signal,
    );
    await until('the selector is whole', async () => {
      const { spec } = await scene.child('NetworkPolicy', NAME);
      return JSON.stringify(spec) === JSON.stringify(before.spec);
    });
  });

  it('follows a change of the spec', async () => {
    await scene.settled(operator);
    await world.client.patch(
      CONNECTORS,
      { namespace: world.namespace, name: NAME },
      { spec: { replicas: 0 } },
      world.signal,
    );
    await until('it is paused', async () => (await scene.condition('Ready'))?.reason === 'Paused');
    const { spec } = await scene.child('StatefulSet', NAME);
    assert.equal((spec as { replicas: number }).replicas, 0);
    assert.equal(await scene.condition('Reconciling'), undefined);
  });

  it('is Stalled without a matching policy, says what to create, and goes on when it is there', async () => {
    await scene.createConnector();
    const stalled = await until('Stalled', () => scene.condition('Stalled'));
    assert.equal(stalled.reason, 'NoMatchingPolicy');
    assert.match(stalled.message, /no SigningPolicy in namespace .* names account G\w+: create one/);
    assert.ok(await isGone(scene.child('StatefulSet', NAME)), 'a pod without a policy');
    assert.equal(await scene.condition('Reconciling'), undefined);
    await scene.createPolicy();
    await until('the StatefulSet is there', () => scene.child('StatefulSet', NAME));
    await until('no longer Stalled', async () => (await scene.condition('Stalled')) === undefined);
  });

  it('takes the policy out of a running signer when it is deleted, and closes a NetworkPolicy that goes too @security', async () => {
    await scene.settled(operator);
    await world.client.delete(POLICIES, { namespace: world.namespace, name: 'slc-policy' }, world.signal);
    await until('Stalled', () => scene.condition('Stalled'));
    await until('no policy is mounted', async () => {
      const { data = {} } = (await scene.child('ConfigMap', 'slc-policy')) as {
        data?: Record<string, string>;
      };
      return Object.keys(data).length === 0;
    });
    await world.client.delete(NETWORKPOLICIES, { namespace: world.namespace, name: NAME }, world.signal);
    const back = await until('the NetworkPolicy is back', () => scene.child('NetworkPolicy', NAME));
    assert.deepEqual((back.spec as { egress?: unknown[] }).egress ?? [], []);
    await scene.createPolicy();
    await until('egress is open again', async () => {
      const { spec } = await scene.child('NetworkPolicy', NAME);
      return (spec as { egress?: unknown[] }).egress?.length === 1;
    });
  });

  it('pauses also while it is Stalled, and goes on from there when the policy is back', async () => {
    await scene.settled(operator);
    const ref = { namespace: world.namespace, name: NAME };
    const replicas = async () =>
      ((await scene.child('StatefulSet', NAME)).spec as { replicas: number }).replicas;
    await world.client.delete(POLICIES, { ...ref, name: 'slc-policy' }, world.signal);
    await until('Stalled', () => scene.condition('Stalled'));
    await world.client.patch(CONNECTORS, ref, { spec: { replicas: 0 } }, world.signal);
    await until('the pod is ended', async () => (await replicas()) === 0);
    await scene.createPolicy();
    await until('Paused', async () => (await scene.condition('Ready'))?.reason === 'Paused');
    const from = await calm(operator);
    operator.enqueue(scene.key);
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.deepEqual(operator.calls.slice(from), []);
    await world.client.patch(CONNECTORS, ref, { spec: { replicas: 1 } }, world.signal);
    await until('the pod is wanted', async () => (await replicas()) === 1);
  });

  it('never takes over an object of the same name @security', async () => {
    await scene.createPolicy();
    const metadata = { name: 'slc-policy', namespace: world.namespace };
    const foreign = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { theirs: 'yes' } };
    await world.client.create(CONFIGMAPS, foreign, world.signal);
    await scene.createConnector();
    const stalled = await until('Stalled', () => scene.condition('Stalled'));
    assert.equal(stalled.reason, 'NameTaken');
    assert.match(
      stalled.message,
      /ConfigMap .*\/slc-policy exists and does not belong to this StellarConnector/,
    );
    const { metadata: after, data } = (await scene.child('ConfigMap', 'slc-policy')) as typeof foreign &
      KubeObject;
    assert.deepEqual([after.ownerReferences, data], [undefined, { theirs: 'yes' }]);
    assert.ok(await isGone(scene.child('StatefulSet', NAME)), 'started without its policy');
  });

  it('says so when the API server refuses a child', async () => {
    await scene.createPolicy();
    const tooLong = aConnector().edit((spec) => {
      spec.podTemplate = { nodeSelector: { 'not a label': 'x' } };
    });
    await scene.createConnector(tooLong);
    const stalled = await until('Stalled', () => scene.condition('Stalled'));
    assert.equal(stalled.reason, 'Refused');
    assert.match(stalled.message, /the API server refuses StatefulSet .*nodeSelector/);
  });
});
