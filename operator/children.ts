import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { CodedError } from '../common/errors.ts';
import type { StellarConnector } from './api/v1alpha1.gen.ts';
import type { Cache } from './cache.ts';
import { Stall } from './errors.ts';
import { CHILD_KINDS, CONNECTORS, STATEFULSETS } from './kinds.ts';
import { FIELD_MANAGER, type KubeClient } from './kube/client.ts';
import { isStatus } from './kube/errors.ts';
import { controllerOf, type KubeObject, keyOf, type Resource } from './kube/resource.ts';

/** Carries the hash of what we last applied to a child. */
export const DESIRED_HASH = 'stellar-connector.io/desired-hash';

const SCALE_MANAGER = `${FIELD_MANAGER}-scale`;

export interface ChildModules {
  client: KubeClient;
  cache: Cache;
}

/** Applies children in the order of `CHILD_KINDS`; what is as it should be costs no request. */
export async function applyChildren(
  connector: StellarConnector,
  desired: readonly KubeObject[],
  modules: ChildModules,
  signal: AbortSignal,
): Promise<void> {
  const rank = (object: KubeObject): number => CHILD_KINDS.findIndex(({ kind }) => kind === object.kind);
  for (const child of [...desired].sort((a, b) => rank(a) - rank(b))) {
    await applyChild(connector, child, modules, signal);
  }
}

/**
 * Makes one child what it should be.
 * @throws Stall `NameTaken` when an object of this name is not ours, `Refused` when the API server will not have it
 */
export async function applyChild(
  connector: StellarConnector,
  desired: KubeObject,
  { client, cache }: ChildModules,
  signal: AbortSignal,
): Promise<void> {
  const of = kindOf(desired);
  const store = cache.children(desired.kind);
  const key = keyOf(desired);
  const child = withHash(desired);
  let live = store.get(key);
  if (live !== undefined && isOurs(connector, live) && isAsApplied(live, child)) return;
  // What lacks our label is not in the store, and an apply would take it over.
  live ??= await absent(
    client.get(of, { namespace: connector.metadata.namespace!, name: child.metadata.name }, signal),
  );
  if (live !== undefined && !isOurs(connector, live)) throw taken(connector, live);
  try {
    store.set(await client.apply(of, child, { fieldManager: FIELD_MANAGER, force: true }, signal));
  } catch (error) {
    if (!isStatus(error, 400, 403, 422)) throw error;
    throw new Stall('Refused', `the API server refuses ${child.kind} ${key}: ${error.message}`, error);
  }
}

/**
 * Ends the pod without touching anything else of the StatefulSet: an apply of this one field under a manager of its
 * own, which the next whole apply overrides. The uid keeps it from making a new object.
 */
export async function scaleToZero(
  { metadata: { name, namespace, uid } }: KubeObject,
  { client, cache }: ChildModules,
  signal: AbortSignal,
): Promise<void> {
  const object = {
    metadata: { name, ...(namespace && { namespace }), ...(uid && { uid }) },
    spec: { replicas: 0 },
  };
  const options = { fieldManager: SCALE_MANAGER, force: true };
  const scaled = await absent(client.apply(STATEFULSETS, object, options, signal));
  if (scaled !== undefined) cache.children(STATEFULSETS.kind).set(scaled);
}

/** A child as the store has it, if it is there and ours. */
export function liveChild(
  connector: StellarConnector,
  cache: Cache,
  kind: string,
  name: string,
): KubeObject | undefined {
  const live = cache.children(kind).get(`${connector.metadata.namespace}/${name}`);
  return live !== undefined && isOurs(connector, live) ? live : undefined;
}

/** True when this connector, and not a former one of its name, controls the object. */
export function isOurs(connector: StellarConnector, object: KubeObject): boolean {
  return controllerOf(object)?.uid === connector.metadata.uid;
}

/**
 * True when the object carries our last apply and nobody else has written a field of it since. Whoever edits a field
 * of ours becomes its manager, so that this finds every drift without comparing defaulted fields.
 */
export function isAsApplied(live: KubeObject, child: KubeObject): boolean {
  return (
    live.metadata.deletionTimestamp === undefined &&
    live.metadata.annotations?.[DESIRED_HASH] === child.metadata.annotations?.[DESIRED_HASH] &&
    isUntouched(live)
  );
}

/** True when every field outside the status was written by our applies alone. */
export function isUntouched(live: KubeObject): boolean {
  return (live.metadata.managedFields ?? []).every(
    ({ manager, operation, subresource }) =>
      subresource === 'status' ||
      (operation === 'Apply' && (manager === FIELD_MANAGER || manager === SCALE_MANAGER)),
  );
}

/** The child with the hash of its content among its annotations. */
export function withHash(child: KubeObject): KubeObject {
  const hash = createHash('sha256')
    .update(canonicalize(child) ?? '')
    .digest('hex');
  const annotations = { ...child.metadata.annotations, [DESIRED_HASH]: hash };
  return { ...child, metadata: { ...child.metadata, annotations } };
}

function kindOf(object: KubeObject): Resource<KubeObject> {
  const of = CHILD_KINDS.find(({ kind }) => kind === object.kind);
  if (of === undefined) throw new TypeError(`${object.kind} is not a kind of child`);
  return of;
}

function taken(connector: StellarConnector, live: KubeObject): Error {
  const { namespace, name } = live.metadata;
  const owner = controllerOf(live);
  // Left by a connector of the same name, deleted a moment ago: the garbage collector is on its way.
  if (owner?.kind === CONNECTORS.kind && owner.name === connector.metadata.name)
    return new CodedError(
      'name-pending',
      `${live.kind} ${namespace}/${name} of the former StellarConnector is still there`,
    );
  return new Stall(
    'NameTaken',
    `${live.kind} ${namespace}/${name} exists and does not belong to this StellarConnector. Rename or delete it, or use ` +
      'another name for the StellarConnector; it goes on within a minute.',
  );
}

/** The answer, or undefined where there is no such object. */
export async function absent<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}
