import { type ApiObject, controllerOf, keyOf } from './resource.ts';

export type Change<T> = { type: 'added' | 'deleted'; object: T } | { type: 'modified'; object: T; before: T };

/** What the reflectors of one kind have seen, by `namespace/name`, with an index by controlling owner. */
export interface Store<T extends ApiObject> {
  get(key: string): T | undefined;
  list(): T[];
  /** Objects of one namespace. */
  inNamespace(namespace: string): T[];
  /** Objects whose controller reference has this uid. */
  ownedBy(uid: string): T[];
  /** Replaces everything within the scope (a namespace, or all); what is missing from `objects` counts as deleted. */
  replace(objects: readonly T[], namespace?: string): void;
  /** An event of a watch, or the answer to a write of ours ahead of its event. */
  set(object: T): void;
  remove(object: T): void;
  /** Calls `listen` after each change. */
  onChange(listen: (change: Change<T>) => void): void;
}

/** Uids of deleted objects kept against late answers of our own writes. */
const TOMBSTONES = 1000;

export function createStore<T extends ApiObject>(): Store<T> {
  const objects = new Map<string, T>();
  const owned = new Map<string, Set<string>>();
  const tombstones = new Set<string>();
  const listeners: ((change: Change<T>) => void)[] = [];

  const emit = (change: Change<T>): void => {
    for (const listen of listeners) listen(change);
  };

  function index(object: T, key: string, add: boolean): void {
    const uid = controllerOf(object)?.uid;
    if (uid === undefined) return;
    const keys = owned.get(uid) ?? new Set<string>();
    if (add) owned.set(uid, keys.add(key));
    else if (keys.delete(key) && keys.size === 0) owned.delete(uid);
  }

  function bury(object: T): void {
    if (object.metadata.uid !== undefined) tombstones.add(object.metadata.uid);
    for (const oldest of tombstones) {
      if (tombstones.size <= TOMBSTONES) break;
      tombstones.delete(oldest);
    }
  }

  function put(object: T): void {
    const key = keyOf(object);
    const before = objects.get(key);
    if (before !== undefined) {
      index(before, key, false);
      // Deleted and made again between two events that we saw: two changes, not one.
      if (before.metadata.uid !== object.metadata.uid) {
        bury(before);
        objects.delete(key);
        emit({ type: 'deleted', object: before });
      }
    }
    objects.set(key, object);
    index(object, key, true);
    if (before === undefined || before.metadata.uid !== object.metadata.uid) emit({ type: 'added', object });
    else if (before.metadata.resourceVersion !== object.metadata.resourceVersion)
      emit({ type: 'modified', object, before });
  }

  /** Events and answers of our own writes race; what is known to be gone or newer stays. */
  function set(object: T): void {
    const before = objects.get(keyOf(object));
    if (tombstones.has(object.metadata.uid ?? '')) return;
    if (before !== undefined && isOlder(object, before)) return;
    put(object);
  }

  function remove(object: T): void {
    const key = keyOf(object);
    const before = objects.get(key);
    bury(object);
    // The end of a former object of this name, heard after we made the new one.
    if (before === undefined || before.metadata.uid !== object.metadata.uid) return;
    objects.delete(key);
    index(before, key, false);
    emit({ type: 'deleted', object });
  }

  return {
    get: (key) => objects.get(key),
    list: () => [...objects.values()],
    inNamespace: (namespace) => [...objects.values()].filter((one) => one.metadata.namespace === namespace),
    ownedBy: (uid) =>
      [...(owned.get(uid) ?? [])].map((key) => objects.get(key)).filter((one) => one !== undefined),
    replace(next, namespace) {
      const keys = new Set(next.map(keyOf));
      for (const [key, object] of [...objects]) {
        const inScope = namespace === undefined || object.metadata.namespace === namespace;
        if (inScope && !keys.has(key)) remove(object);
      }
      // A list has the last word, also when etcd was restored to an older state.
      for (const object of next) {
        tombstones.delete(object.metadata.uid ?? '');
        put(object);
      }
    },
    set,
    remove,
    onChange: (listen) => {
      listeners.push(listen);
    },
  };
}

/** True when both are versions of one object and `object` is the older. Resource versions of a kind are comparable. */
function isOlder(object: ApiObject, than: ApiObject): boolean {
  const [a, b] = [object.metadata, than.metadata];
  if (a.uid !== b.uid || a.resourceVersion === undefined || b.resourceVersion === undefined) return false;
  if (!/^\d+$/.test(a.resourceVersion) || !/^\d+$/.test(b.resourceVersion)) return false;
  return BigInt(a.resourceVersion) < BigInt(b.resourceVersion);
}
