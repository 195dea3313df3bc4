import assert from 'node:assert/strict';
import { PODS, POLICIES } from '../../operator/kinds.ts';
import { POLICY_HASH } from '../../operator/pods.ts';
import { calm, NAME, runSigner, type Scene, sceneIn } from './scene.ts';
import { createWorld, type RunningOperator, until, type World } from './world.ts';

describe('operator: a policy that changes while the signer runs', function () {
  this.timeout(60_000);
  let world: World;
  let scene: Scene;
  let operator: RunningOperator;

  const ref = () => ({ namespace: world.namespace, name: `${NAME}-0` });
  const annotation = async (): Promise<string | undefined> =>
    (await world.client.get(PODS, ref(), world.signal)).metadata.annotations?.[POLICY_HASH];

  beforeEach(async () => {
    world = await createWorld('refresh');
    scene = sceneIn(world);
    operator = await world.start();
    await scene.settled(operator);
    await until('the controller has made the pod', () => world.client.get(PODS, ref(), world.signal));
    await calm(operator);
    assert.equal(await annotation(), undefined, 'a pod without a signer has nothing to refresh');
    await runSigner(world);
    await until('the pod is marked', annotation);
  });
  afterEach(() => world.close());

  it('touches the pod once for each change, so that the kubelet brings it at once @security', async () => {
    const before = await annotation();
    const { uid } = (await world.client.get(PODS, ref(), world.signal)).metadata;
    await calm(operator);
    const from = operator.calls.length;
    const policy = { namespace: world.namespace, name: 'slc-policy' };
    await world.client.patch(POLICIES, policy, { spec: { killSwitch: true } }, world.signal);
    await until('the pod is touched', async () => (await annotation()) !== before);
    await calm(operator);
    const touches = operator.writes(from).filter((call) => call.includes('/pods/'));
    assert.deepEqual(touches, [`PATCH /api/v1/namespaces/${world.namespace}/pods/${NAME}-0`]);
    assert.equal((await world.client.get(PODS, ref(), world.signal)).metadata.uid, uid);
  });

  it('also when the last policy goes and the connector is Stalled @security', async () => {
    const before = await annotation();
    await world.client.delete(POLICIES, { namespace: world.namespace, name: 'slc-policy' }, world.signal);
    await until('Stalled', () => scene.condition('Stalled'));
    await until('the pod is touched', async () => (await annotation()) !== before);
  });
});
