import type { SigningPolicy, StellarConnector } from '../../operator/api/v1alpha1.gen.ts';
import { CHILD_KINDS, CONNECTORS, POLICIES, SECRETS, type Secret } from '../../operator/kinds.ts';
import { isStatus } from '../../operator/kube/errors.ts';
import type { KubeObject } from '../../operator/kube/resource.ts';
import { aConnector, aPolicy } from './builders.ts';
import { type RunningOperator, until, type World } from './world.ts';

type Condition = NonNullable<NonNullable<StellarConnector['status']>['conditions']>[number];

/** One connector, `slc`, in a world: what a user does and sees. */
export interface Scene {
  /** `namespace/slc`. */
  key: string;
  createConnector(change?: ReturnType<typeof aConnector>): Promise<StellarConnector>;
  createPolicy(): Promise<SigningPolicy>;
  connector(): Promise<StellarConnector>;
  condition(type: string): Promise<Condition | undefined>;
  child(kind: string, name: string): Promise<KubeObject>;
  secret(name: string): Promise<Secret>;
  /** Creates policy and connector, and waits until the operator has made everything. */
  settled(operator: RunningOperator): Promise<void>;
}

export const NAME = 'slc';

export function sceneIn(world: World): Scene {
  const { client, namespace, signal } = world;
  const scene: Scene = {
    key: `${namespace}/${NAME}`,
    createConnector: (change = aConnector()) =>
      client.create(CONNECTORS, change.inNamespace(namespace).manifest(), signal),
    createPolicy: () => client.create(POLICIES, aPolicy().inNamespace(namespace).manifest(), signal),
    connector: () => client.get(CONNECTORS, { namespace, name: NAME }, signal),
    condition: async (type) =>
      (await scene.connector()).status?.conditions?.find((one) => one.type === type) as Condition | undefined,
    child: (kind, name) =>
      client.get(CHILD_KINDS.find((of) => of.kind === kind)!, { namespace, name }, signal),
    secret: (name) => client.get(SECRETS, { namespace, name }, signal),
    async settled(operator) {
      await scene.createPolicy();
      await scene.createConnector();
      await until('the StatefulSet is there', () => scene.child('StatefulSet', NAME));
      await until('egress is pinned', async () => (await scene.condition('EgressPinned'))?.status === 'True');
      await calm(operator);
    },
  };
  return scene;
}

/** Says of the connector's pod, as a kubelet would, that its signer runs. */
export async function runSigner({ transport, namespace, signal }: World, name = NAME): Promise<void> {
  const signer = {
    ...{ name: 'signer', image: 'signer:test', imageID: '', restartCount: 0, ready: false, started: true },
    state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
  };
  await transport.request({
    method: 'PATCH',
    path: `/api/v1/namespaces/${namespace}/pods/${name}-0/status`,
    contentType: 'application/merge-patch+json',
    body: JSON.stringify({ status: { initContainerStatuses: [signer] } }),
    signal,
  });
}

/** Waits until the operator has made no request for a while; answers how many it has made. */
export async function calm(operator: RunningOperator): Promise<number> {
  let seen = -1;
  await until('the operator is calm', async () => {
    seen = operator.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 700));
    return operator.calls.length === seen;
  });
  return seen;
}

export async function isGone(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return false;
  } catch (error) {
    if (isStatus(error, 404)) return true;
    throw error;
  }
}
