import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The clone's root folder. */
export const ROOT = resolve(import.meta.dirname, '../..');

/** Where big built parts are kept, shared by all clones of a user. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env.STELLAR_CACHE) return resolve(env.STELLAR_CACHE);
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'stellar-hummingbot-connector');
}

/** Addresses and ranges inside the namespaces; every node has its own, so they never collide. */
export const NETWORK = {
  node: { v4: '10.250.0.1', v6: 'fd00:250::1' },
  services: { v4: '10.96.0.0/16', v6: 'fd00:10:96::/112' },
  apiService: '10.96.0.1',
  pods: { v4: '10.244.0.0/16', v6: 'fd00:10:244::/48' },
  nodePods: { v4: '10.244.0.0/24', v6: 'fd00:10:244::/64' },
  worldLink: { node: '198.51.100.1', world: '198.51.100.2' },
  metadata: '169.254.169.254',
} as const;

/** Where every address of the world answers. A test's own servers there take other ports, 8443 for example. */
export const WORLD_PORTS = { tcp: [53, 80, 443, 8080], udp: [53, 123, 443] } as const;

export const NODE_NAME = 'node1';
export const API_SERVER = 'https://127.0.0.1:6443';

export interface Layout {
  /** The state folder; everything of one cluster is in it. */
  dir: string;
  /** Differs per state folder: names the context, and the cgroup folder below which all pods live. */
  name: string;
  kubeconfig: string;
  certs: string;
  logs: string;
  volumes: string;
  containerdSocket: string;
}

/** The paths of one cluster. */
export function layout(stateDir: string = join(ROOT, '.state/cluster')): Layout {
  const dir = resolve(stateDir);
  return {
    dir,
    name: `stellar-test-${createHash('sha256').update(dir).digest('hex').slice(0, 8)}`,
    kubeconfig: join(dir, 'kubeconfig'),
    certs: join(dir, 'certs'),
    logs: join(dir, 'logs'),
    volumes: join(dir, 'volumes'),
    // Short whatever the folder is called: a socket path holds 107 bytes. The folder is a tmpfs of the node's own.
    containerdSocket: '/run/containerd/containerd.sock',
  };
}
