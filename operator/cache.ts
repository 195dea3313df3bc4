import type { Logger } from '../common/log.ts';
import type { SigningPolicy, StellarConnector } from './api/v1alpha1.gen.ts';
import { areRivals } from './desired/rivals.ts';
import { CHILD_KINDS, CONNECTORS, INSTANCE, MANAGED_SELECTOR, PODS, POLICIES, type Pod } from './kinds.ts';
import type { KubeClient } from './kube/client.ts';
import type { Clock, Random } from './kube/clock.ts';
import { type Reflector, startReflector } from './kube/reflector.ts';
import { type ApiObject, controllerOf, type KubeObject, keyOf, type Resource } from './kube/resource.ts';
import { type Change, createStore, type Store } from './kube/store.ts';

/** What the operator knows of the cluster, and keeps knowing. */
export interface Cache {
  connectors: Store<StellarConnector>;
  policies: Store<SigningPolicy>;
  pods: Store<Pod>;
  /** Children by kind, only those with our label. */
  children(kind: string): Store<KubeObject>;
  /** True once every store has held its whole collection. */
  synced(): boolean;
  /** Milliseconds since the quietest watch heard anything. */
  silentMs(): number;
  /** Settles after the signal of `startCache` is aborted. */
  done: Promise<unknown>;
}

export interface CacheModules {
  client: KubeClient;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Called with the key of a connector whose reconcile may have a new outcome. */
  enqueue(key: string): void;
}

/** Watches connectors, policies and what we made for them, in the given namespaces or (none given) in all. */
export function startCache(namespaces: readonly string[], modules: CacheModules, signal: AbortSignal): Cache {
  const { enqueue } = modules;
  const scopes = namespaces.length === 0 ? [undefined] : namespaces;
  const reflectors: Reflector[] = [];

  function watch<T extends ApiObject>(
    of: Resource<T>,
    labelSelector?: string,
    strip?: (object: T) => T,
  ): Store<T> {
    const store = createStore<T>();
    for (const namespace of scopes) {
      const all = { ...modules, store, ...(strip === undefined ? {} : { strip }) };
      reflectors.push(startReflector(of, { namespace, labelSelector }, all, signal));
    }
    return store;
  }

  const connectors = watch(CONNECTORS);
  const policies = watch(POLICIES);
  const pods = watch(PODS, MANAGED_SELECTOR, withoutManagedFields);
  const children = new Map(CHILD_KINDS.map((of) => [of.kind, watch(of, MANAGED_SELECTOR)]));

  connectors.onChange((change) => {
    if (isNews(change)) enqueue(keyOf(change.object));
    // Who is on the account already decides whether the others may.
    if (change.type === 'modified') return;
    for (const other of connectors.list()) if (areRivals(other, change.object)) enqueue(keyOf(other));
  });
  policies.onChange(({ object }) => {
    for (const connector of connectors.inNamespace(object.metadata.namespace ?? ''))
      enqueue(keyOf(connector));
  });
  pods.onChange(({ object }) => {
    const instance = object.metadata.labels?.[INSTANCE];
    if (instance !== undefined) enqueue(`${object.metadata.namespace}/${instance}`);
  });
  for (const store of children.values()) {
    store.onChange(({ object }) => {
      const owner = controllerOf(object);
      if (owner?.kind === CONNECTORS.kind) enqueue(`${object.metadata.namespace}/${owner.name}`);
    });
  }

  return {
    connectors,
    policies,
    pods,
    children: (kind) => children.get(kind)!,
    synced: () => reflectors.every((reflector) => reflector.synced()),
    silentMs: () => Math.max(...reflectors.map((reflector) => reflector.silentMs())),
    done: Promise.all(reflectors.map((reflector) => reflector.done)),
  };
}

/** A change of the status alone is our own echo; to work on it would make a failing reconcile hot. */
function isNews(change: Change<StellarConnector>): boolean {
  if (change.type !== 'modified') return true;
  const [is, was] = [change.object.metadata, change.before.metadata];
  return (
    is.generation !== was.generation ||
    is.deletionTimestamp !== was.deletionTimestamp ||
    JSON.stringify(is.finalizers) !== JSON.stringify(was.finalizers)
  );
}

function withoutManagedFields(pod: Pod): Pod {
  const { managedFields: _, ...metadata } = pod.metadata;
  return { ...pod, metadata };
}
