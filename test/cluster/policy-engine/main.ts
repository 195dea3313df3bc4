// The policy engine of the test node: watches pods, namespaces and policies and loads their rules with nft. A test
// part; the product runs beside whatever engine its users have.
import { messageOf } from '../../../common/errors.ts';
import { shutdownSignal, sleep } from '../../../common/shutdown.ts';
import { type Api, createApi } from '../api.ts';
import { run } from '../run.ts';
import type { Facts, Meta, Namespace, NetworkPolicy, Pod } from './model.ts';
import { render } from './render.ts';
import { decide } from './rules.ts';

interface Item {
  metadata: Meta;
}

interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'ERROR';
  object: Item;
}

interface List {
  metadata: { resourceVersion: string };
  items: Item[];
}

const RELIST_MS = 200;

/** Keeps `items` equal to what the API server has, and says so after each change; lists anew when a watch ends. */
async function follow(
  api: Api,
  path: string,
  items: Map<string, Item>,
  changed: () => void,
  signal: AbortSignal,
): Promise<void> {
  const key = ({ metadata }: Item): string => `${metadata.namespace ?? ''}/${metadata.name}`;
  while (!signal.aborted) {
    try {
      const list = await api.get<List>(path);
      items.clear();
      for (const item of list.items) items.set(key(item), item);
      changed();
      const watch = `${path}?watch=1&resourceVersion=${list.metadata.resourceVersion}`;
      for await (const line of api.lines(watch, signal)) {
        const { type, object } = line as WatchEvent;
        if (type === 'ERROR') break;
        if (type === 'DELETED') items.delete(key(object));
        else items.set(key(object), object);
        changed();
      }
    } catch (error) {
      if (!signal.aborted) console.error(`${path}: ${messageOf(error)}; listing again`);
    }
    if (!signal.aborted) await sleep(RELIST_MS, signal).catch(() => {});
  }
}

/** Runs `work` after each call, never twice at once; calls that come while it runs are served by one more run. */
function coalesce(work: () => Promise<void>): () => void {
  let wanted = false;
  let running = false;
  const loop = async (): Promise<void> => {
    running = true;
    while (wanted) {
      wanted = false;
      await work();
    }
    running = false;
  };
  return () => {
    wanted = true;
    if (!running) void loop();
  };
}

async function main(kubeconfig: string, signal: AbortSignal): Promise<void> {
  const api = createApi(kubeconfig);
  const pods = new Map<string, Item>();
  const namespaces = new Map<string, Item>();
  const policies = new Map<string, Item>();
  let loaded = '';
  const load = coalesce(async () => {
    const facts: Facts = {
      pods: [...pods.values()] as Pod[],
      namespaces: [...namespaces.values()] as Namespace[],
      policies: [...policies.values()] as NetworkPolicy[],
    };
    const ruleset = decide(facts);
    const text = render(ruleset);
    if (text === loaded) return;
    // An error ends the engine, and the cluster with it: a test must not go on beside stale rules.
    await run('nft', ['-f', '-'], { input: text });
    loaded = text;
    for (const { policy, reason } of ruleset.refused)
      console.error(`policy ${policy}: ${reason}; its pods are shut`);
    console.log(`loaded: ${ruleset.pods.length} pods, ${policies.size} policies`);
  });
  await Promise.all([
    follow(api, '/api/v1/pods', pods, load, signal),
    follow(api, '/api/v1/namespaces', namespaces, load, signal),
    follow(api, '/apis/networking.k8s.io/v1/networkpolicies', policies, load, signal),
  ]);
}

await main(process.argv[2]!, shutdownSignal(1000));
