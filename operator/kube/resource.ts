/**
 * What this runtime knows of the Kubernetes API: how objects are shaped and which path a kind lives under.
 * Objects stay plain JSON from the wire to the wire: a typed serializer drops every field it does not know.
 */

/** A reference from a child to the object that owns it. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** One entry of `metadata.managedFields`: who wrote which fields, and how. */
export interface ManagedFieldsEntry {
  manager?: string;
  operation?: string;
  subresource?: string;
}

export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: ManagedFieldsEntry[];
}

/** The part that every API object has; generated types satisfy it. */
export interface ApiObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

/** An object whose kind is known only at run time. */
export interface KubeObject extends ApiObject {
  apiVersion: string;
  kind: string;
  [field: string]: unknown;
}

/** Where a kind lives in the API; `T` is the shape of its objects. */
export interface Resource<T extends ApiObject = KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  /** Carries the type only; never set. */
  readonly shape?: T;
}

/** Describes a namespaced kind; `group` is empty for the core API. */
export function resource<T extends ApiObject = KubeObject>(
  group: string,
  version: string,
  plural: string,
  kind: string,
): Resource<T> {
  return { group, version, plural, kind };
}

/** `group/version`, or `version` alone for the core API. */
export function apiVersionOf(of: Resource<ApiObject>): string {
  return of.group === '' ? of.version : `${of.group}/${of.version}`;
}

/** The URL path of a collection (no name), an object, or a subresource of it; no namespace means all namespaces. */
export function pathOf(
  of: Resource<ApiObject>,
  at: { namespace?: string | undefined; name?: string; subresource?: string },
): string {
  const parts = of.group === '' ? ['api', of.version] : ['apis', of.group, of.version];
  if (at.namespace !== undefined) parts.push('namespaces', at.namespace);
  parts.push(of.plural);
  if (at.name !== undefined) parts.push(at.name);
  if (at.subresource !== undefined) parts.push(at.subresource);
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

/** `namespace/name`, the key of an object in stores and queues. */
export function keyOf(object: ApiObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

/** Splits a key made by `keyOf`. */
export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The owner that controls this object, if any. */
export function controllerOf(object: ApiObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}
