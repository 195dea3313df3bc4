import assert from 'node:assert/strict';
import type { Cache } from '../../operator/cache.ts';
import { FINALIZER, release } from '../../operator/deletion.ts';
import { child } from '../../operator/desired/names.ts';
import type { Pod, StatefulSet } from '../../operator/kinds.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { createStore } from '../../operator/kube/store.ts';
import { aConnector } from './builders.ts';

const now = new Date('2026-01-01T00:00:00Z');
const { signal } = new AbortController();

describe('release of a deleted connector', () => {
  const connector = aConnector().withUid('uid').build();
  connector.metadata.deletionTimestamp = now.toISOString();
  connector.metadata.finalizers = [FINALIZER];

  /** One step; answers what was asked of the API server. No pod is there, as far as it knows. */
  async function step(status: NonNullable<StatefulSet['status']>, replicas = 0): Promise<string[]> {
    const asked: string[] = [];
    const statefulSets = createStore<StatefulSet>();
    const whole = child(connector, { apiVersion: 'apps/v1', kind: 'StatefulSet' }, 'slc', {
      spec: { replicas },
      status,
    });
    whole.metadata.generation = 7;
    statefulSets.set(whole as StatefulSet);
    const client = {
      async apply(_of: unknown, { metadata, spec }: { metadata: { finalizers?: string[] }; spec?: object }) {
        asked.push(JSON.stringify(spec ?? metadata.finalizers));
        return { ...whole, spec };
      },
      async list() {
        asked.push('pods?');
        return { items: [], resourceVersion: '' };
      },
    } as unknown as KubeClient;
    const cache = { children: () => statefulSets, pods: createStore<Pod>() } as unknown as Cache;
    const waits = await release(connector, { client, cache }, now, signal);
    asked.push(waits === undefined ? 'gone' : 'waits');
    return asked;
  }

  it('begins with the scale', async () => {
    assert.deepEqual(await step({ observedGeneration: 7, replicas: 1 }, 1), ['{"replicas":0}', 'waits']);
  });

  it('waits until the StatefulSet controller has seen the zero: it could make a pod after we looked @security', async () => {
    assert.deepEqual(await step({ observedGeneration: 6, replicas: 0 }), ['waits']);
    assert.deepEqual(await step({ observedGeneration: 7, replicas: 1 }), ['waits']);
  });

  it('asks the API server for pods before it lets go', async () => {
    assert.deepEqual(await step({ observedGeneration: 7, replicas: 0 }), ['pods?', '[]', 'gone']);
  });
});
