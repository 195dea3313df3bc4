import assert from 'node:assert/strict';
import type { StellarConnector } from '../../operator/api/v1alpha1.gen.ts';
import { CHILD_KINDS, CONFIGMAPS, CONNECTORS, NETWORKPOLICIES, POLICIES, STATEFULSETS } from '../../operator/kinds.ts';
import { isStatus } from '../../operator/kube/errors.ts';
import type { KubeObject } from '../../operator/kube/resource.ts';
import { aConnector, aPolicy } from './builders.ts';
import { createWorld, type RunningOperator, until, type World } from './world.ts';

const NAME = 'slc';

/** Name and kind of each child, as the user guide lists them. */
const CHILDREN: Record<string, string[]> = {
  NetworkPolicy: ['slc'],
  ServiceAccount: ['slc'],
  ConfigMap: ['slc-addresses', 'slc-config', 'slc-policy', 'slc-trust'],
  Service: ['slc'],
  StatefulSet: ['slc'],
};

describe('operator: a StellarConnector on a real API server', function () {
  this.timeout(60_000);
  let world: World;
  let operator: RunningOperator;

  beforeEach(async () => {
    world = await createWorld('reconcile');
    operator = await world.start();
  });
  afterEach(() => world.close());

  const connector = (): Promise<StellarConnector> =>
    world.client.get(CONNECTORS, { namespace: world.namespace, name: NAME }, world.signal);
  const condition = async (type: string) => (await connector()).status?.conditions?.find((one) => one.type === type);
  const child = (kind: string, name: string): Promise<KubeObject> =>
    world.client.get(CHILD_KINDS.find((of) => of.kind === kind)!, { namespace: world.namespace, name }, world.signal);
  const isGone = async (request: Promise<unknown>): Promise<boolean> =>
    request.then(
      () => false,
      (error) => isStatus(error, 404),
    );
  const createConnector = (change = aConnector()) =>
    world.client.create(CONNECTORS, change.inNamespace(world.namespace).manifest(), world.signal);
  const createPolicy = () => world.client.create(POLICIES, aPolicy().inNamespace(world.namespace).manifest(), world.signal);

  /** Waits until the operator has nothing more to do: no request but its watches' for a while. */
  async function calm(): Promise<number> {
    let seen = -1;
    await until('the operator is calm', async () => {
      seen = operator.calls.length;
      await new Promise((resolve) => setTimeout(resolve, 700));
      return operator.calls.length === seen;
    });
    return seen;
  }

  async function settled(): Promise<void> {
    await createPolicy();
    await createConnector();
    await until('the StatefulSet is there', () => child('StatefulSet', NAME));
    await until('the status is there', async () => (await condition('EgressPinned'))?.status === 'True');
    await calm();
  }

  it('makes every child, owned by the connector, with the NetworkPolicy before the StatefulSet', async () => {
    await settled();
    const { metadata } = await connector();
    for (const [kind, names] of Object.entries(CHILDREN)) {
      for (const name of names) {
        const { metadata: of } = await child(kind, name);
        assert.deepEqual(
          of.ownerReferences?.map(({ uid, controller, blockOwnerDeletion }) => ({ uid, controller, blockOwnerDeletion })),
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
    await settled();
    const counts = new Map<string, number>();
    for (const call of operator.writes()) counts.set(call, (counts.get(call) ?? 0) + 1);
    const status = `PATCH /apis/stellar-connector.io/v1alpha1/namespaces/${world.namespace}/stellarconnectors/${NAME}/status`;
    const statuses = counts.get(status) ?? 0;
    counts.delete(status);
    counts.delete(`POST /api/v1/namespaces/${world.namespace}/secrets`);
    assert.deepEqual([...counts].filter(([, count]) => count > 1), []);
    assert.ok(statuses <= 4, `${statuses} writes of the status`);
  });

  it('writes nothing, and asks nothing, when nothing has changed', async () => {
    await settled();
    const from = await calm();
    operator.enqueue(`${world.namespace}/${NAME}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.deepEqual(operator.calls.slice(from), []);
  });

  it('brings back a child that was deleted', async () => {
    await settled();
    for (const [of, name] of [
      [NETWORKPOLICIES, NAME],
      [CONFIGMAPS, 'slc-trust'],
      [STATEFULSETS, NAME],
    ] as const) {
      const { uid } = (await world.client.get(of, { namespace: world.namespace, name }, world.signal)).metadata;
      await world.client.delete(of, { namespace: world.namespace, name }, world.signal);
      await until(`${of.kind} ${name} is back`, async () => (await child(of.kind, name)).metadata.uid !== uid);
    }
  });

  it('takes back what somebody edited, also in fields whose other entries stay', async () => {
    await settled();
    const ref = { namespace: world.namespace, name: NAME };
    const before = await child('NetworkPolicy', NAME);
    const { egress } = before.spec as { egress: unknown[] };
    await world.client.patch(NETWORKPOLICIES, ref, { spec: { egress: [...egress, {}] } }, world.signal);
    await until('the rule is gone', async () => {
      const { spec } = await child('NetworkPolicy', NAME);
      return JSON.stringify(spec) === JSON.stringify(before.spec);
    });
    await world.client.patch(NETWORKPOLICIES, ref, { spec: { podSelector: { matchLabels: { odd: 'one' } } } }, world.signal);
    await until('the selector is whole', async () => {
      const { spec } = await child('NetworkPolicy', NAME);
      return JSON.stringify(spec) === JSON.stringify(before.spec);
    });
  });

  it('follows a change of the spec', async () => {
    await settled();
    await world.client.patch(CONNECTORS, { namespace: world.namespace, name: NAME }, { spec: { replicas: 0 } }, world.signal);
    await until('it is paused', async () => (await condition('Ready'))?.reason === 'Paused');
    const { spec } = await child('StatefulSet', NAME);
    assert.equal((spec as { replicas: number }).replicas, 0);
    assert.equal(await condition('Reconciling'), undefined);
  });

  it('is Stalled without a matching policy, says what to create, and goes on when it is there', async () => {
    await createConnector();
    const stalled = await until('Stalled', () => condition('Stalled'));
    assert.equal(stalled.reason, 'NoMatchingPolicy');
    assert.match(stalled.message, /no SigningPolicy in namespace .* names account G\w+: create one/);
    assert.ok(await isGone(child('StatefulSet', NAME)), 'a pod without a policy');
    assert.equal(await condition('Reconciling'), undefined);
    await createPolicy();
    await until('the StatefulSet is there', () => child('StatefulSet', NAME));
    await until('no longer Stalled', async () => (await condition('Stalled')) === undefined);
  });

  it('takes the policy out of a running signer when it is deleted, and closes a NetworkPolicy that goes too @security', async () => {
    await settled();
    await world.client.delete(POLICIES, { namespace: world.namespace, name: 'slc-policy' }, world.signal);
    await until('Stalled', () => condition('Stalled'));
    await until('no policy is mounted', async () => {
      const { data = {} } = (await child('ConfigMap', 'slc-policy')) as { data?: Record<string, string> };
      return Object.keys(data).length === 0;
    });
    await world.client.delete(NETWORKPOLICIES, { namespace: world.namespace, name: NAME }, world.signal);
    const back = await until('the NetworkPolicy is back', () => child('NetworkPolicy', NAME));
    assert.deepEqual((back.spec as { egress?: unknown[] }).egress ?? [], []);
    await createPolicy();
    await until('egress is open again', async () => {
      const { spec } = await child('NetworkPolicy', NAME);
      return (spec as { egress?: unknown[] }).egress?.length === 1;
    });
  });

  it('never takes over an object of the same name @security', async () => {
    await createPolicy();
    const metadata = { name: 'slc-policy', namespace: world.namespace };
    const foreign = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { theirs: 'yes' } };
    await world.client.create(CONFIGMAPS, foreign, world.signal);
    await createConnector();
    const stalled = await until('Stalled', () => condition('Stalled'));
    assert.equal(stalled.reason, 'NameTaken');
    assert.match(stalled.message, /ConfigMap .*\/slc-policy exists and does not belong to this StellarConnector/);
    const { metadata: after, data } = (await child('ConfigMap', 'slc-policy')) as typeof foreign & KubeObject;
    assert.deepEqual([after.ownerReferences, data], [undefined, { theirs: 'yes' }]);
    assert.ok(await isGone(child('StatefulSet', NAME)), 'started without its policy');
  });

  it('says so when the API server refuses a child', async () => {
    await createPolicy();
    const tooLong = aConnector().edit((spec) => {
      spec.podTemplate = { nodeSelector: { 'not a label': 'x' } };
    });
    await createConnector(tooLong);
    const stalled = await until('Stalled', () => condition('Stalled'));
    assert.equal(stalled.reason, 'Refused');
    assert.match(stalled.message, /the API server refuses StatefulSet .*nodeSelector/);
  });
});
