import assert from 'node:assert/strict';
import type { ApiObject } from '../../../operator/kube/resource.ts';
import { createStore } from '../../../operator/kube/store.ts';

const object = (name: string, resourceVersion: string, uid = `uid-${name}`, owner?: string): ApiObject => ({
  metadata: {
    name,
    namespace: 'ns',
    uid,
    resourceVersion,
    ...(owner && {
      ownerReferences: [{ apiVersion: 'v1', kind: 'K', name: 'o', uid: owner, controller: true }],
    }),
  },
});

describe('store', () => {
  const make = () => {
    const store = createStore<ApiObject>();
    const seen: string[] = [];
    store.onChange(({ type, object: { metadata } }) => seen.push(`${type} ${metadata.name} ${metadata.uid}`));
    return { store, seen };
  };

  it('tells what is new, changed and gone, and nothing of what is as it was', () => {
    const { store, seen } = make();
    store.replace([object('a', '1'), object('b', '1')]);
    store.set(object('a', '2'));
    store.set(object('a', '2'));
    store.replace([object('a', '2')]);
    assert.deepEqual(seen, ['added a uid-a', 'added b uid-b', 'modified a uid-a', 'deleted b uid-b']);
  });

  it('replaces one namespace without touching the others', () => {
    const { store } = make();
    const elsewhere = { metadata: { ...object('x', '1').metadata, namespace: 'other' } };
    store.replace([object('a', '1'), elsewhere]);
    store.replace([], 'ns');
    assert.deepEqual(store.list(), [elsewhere]);
  });

  it('keeps a newer version, known from our own write, when its older event comes late', () => {
    const { store } = make();
    store.set(object('a', '10'));
    store.set(object('a', '9'));
    assert.equal(store.get('ns/a')?.metadata.resourceVersion, '10');
  });

  it('does not bring back a deleted object by the late answer of our own write', () => {
    const { store } = make();
    store.set(object('a', '1'));
    store.remove(object('a', '3'));
    store.set(object('a', '2'));
    assert.equal(store.get('ns/a'), undefined);
  });

  it('does not lose a new object of the same name by the late events of the former', () => {
    const { store } = make();
    store.set(object('a', '1', 'old'));
    store.set(object('a', '5', 'new'));
    store.set(object('a', '3', 'old'));
    store.remove(object('a', '4', 'old'));
    assert.equal(store.get('ns/a')?.metadata.uid, 'new');
  });

  it('believes a list also where it goes back in time', () => {
    const { store } = make();
    store.set(object('a', '10'));
    store.remove(object('b', '11'));
    store.replace([object('a', '7'), object('b', '7')]);
    assert.deepEqual(
      store.list().map(({ metadata }) => metadata.resourceVersion),
      ['7', '7'],
    );
  });

  it('finds objects by their owner, also when the owner changes', () => {
    const { store } = make();
    store.set(object('a', '1', 'a', 'one'));
    store.set(object('b', '1', 'b', 'one'));
    store.set(object('a', '2', 'a', 'two'));
    store.remove(object('b', '2', 'b', 'one'));
    assert.deepEqual([store.ownedBy('one').length, store.ownedBy('two').length], [0, 1]);
  });
});
