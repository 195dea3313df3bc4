import type { StellarConnector } from './api/v1alpha1.gen.ts';
import { absent, type ChildModules, isOurs, scaleToZero } from './children.ts';
import { CONNECTORS, INSTANCE, MANAGED_SELECTOR, PODS, STATEFULSETS, type StatefulSet } from './kinds.ts';
import { FIELD_MANAGER } from './kube/client.ts';
import { type ApiObject, keyOf } from './kube/resource.ts';

/** Holds a connector until its pod is gone: owner references alone would drop the NetworkPolicy while it runs. */
export const FINALIZER = 'stellar-connector.io/egress';

/** How long a pod may take to end before a person is asked to look. */
const LINGER_MS = 300_000;
/** A watch tells of the pod's end; this is for the case that it does not. */
const LOOK_AGAIN_MS = 15_000;

/** Adds the finalizer; no object of ours may exist before. */
export async function hold(
  connector: StellarConnector,
  modules: ChildModules,
  signal: AbortSignal,
): Promise<void> {
  if (connector.metadata.finalizers?.includes(FINALIZER) === true) return;
  await applyFinalizers(connector, [FINALIZER], modules, signal);
}

export interface Waits {
  message: string;
  tooLong: boolean;
  requeueAfterMs: number;
}

/**
 * One step of a deletion: scale to 0, wait until the pod object is gone, then remove the finalizer, upon which the
 * garbage collector takes the children. Answers what it waits for, or undefined when nothing is left to do.
 */
export async function release(
  connector: StellarConnector,
  modules: ChildModules,
  now: Date,
  signal: AbortSignal,
): Promise<Waits | undefined> {
  const { client, cache } = modules;
  if (connector.metadata.finalizers?.includes(FINALIZER) !== true) return undefined;
  const namespace = connector.metadata.namespace!;
  const { name } = connector.metadata;
  const deletedAt = Date.parse(connector.metadata.deletionTimestamp!);
  const overdue = deletedAt + LINGER_MS - now.getTime();
  const wait = (message: string): Waits => ({
    message: overdue > 0 ? message : `${message} ${ADVICE}`,
    tooLong: overdue <= 0,
    requeueAfterMs: overdue > 0 ? Math.min(overdue, LOOK_AGAIN_MS) : LOOK_AGAIN_MS,
  });

  const pod = cache.pods.inNamespace(namespace).find(({ metadata }) => metadata.labels?.[INSTANCE] === name);
  const ending = pod === undefined ? `The pod of ${namespace}/${name} is being ended.` : lingering(pod);
  const found = cache.children(STATEFULSETS.kind).get(keyOf(connector));
  const statefulSet = found !== undefined && isOurs(connector, found) ? (found as StatefulSet) : undefined;
  if (statefulSet !== undefined) {
    if (statefulSet.spec.replicas !== 0) {
      await scaleToZero(statefulSet, modules, signal);
      return wait(ending);
    }
    // Until its controller has seen the zero it may still make a pod that we have not seen.
    const { status, metadata } = statefulSet;
    if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0) || (status?.replicas ?? 0) > 0)
      return wait(ending);
  }
  // Asked of the API server itself: a store may lag, and this decides that nothing runs any more.
  const labelSelector = `${MANAGED_SELECTOR},${INSTANCE}=${name}`;
  const { items } = await client.list(PODS, { namespace, labelSelector }, signal);
  if (items.length > 0) return wait(lingering(items[0]!));
  await applyFinalizers(connector, [], modules, signal);
  return undefined;
}

function lingering({ metadata }: ApiObject): string {
  return `Pod ${metadata.namespace}/${metadata.name} has not ended yet.`;
}

const ADVICE =
  'The NetworkPolicy stays until it has. If its node is lost for good, delete the pod by force (kubectl delete pod ' +
  '--force --grace-period=0); only do so when the machine is certainly off, since the key may still be in use there.';

/** Server-side apply: we own our entry of the list and touch no other. The uid keeps it from making a new object. */
async function applyFinalizers(
  { metadata: { name, namespace, uid } }: StellarConnector,
  finalizers: string[],
  { client, cache }: ChildModules,
  signal: AbortSignal,
): Promise<void> {
  const object = { metadata: { name, ...(namespace && { namespace }), ...(uid && { uid }), finalizers } };
  const after = await absent(
    client.apply(CONNECTORS, object, { fieldManager: FIELD_MANAGER, force: true }, signal),
  );
  if (after !== undefined && finalizers.length > 0) cache.connectors.set(after);
}
