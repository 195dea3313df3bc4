import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Api } from './api.ts';
import { builtBin, containerd, kubernetes } from './binaries.ts';
import { baseImage, PAUSE_IMAGE, pauseImage } from './images.ts';
import { type Layout, NETWORK, NODE_NAME, WORLD_PORTS } from './layout.ts';
import { nodeMounts, nodeNetwork } from './network.ts';
import { cgroupHierarchies, writeNodeConfig } from './node-config.ts';
import { nodePrograms, type Program } from './programs.ts';
import { run } from './run.ts';
import { createVolumes } from './volumes.ts';

export interface NodeStart {
  paths: Layout;
  api: Api;
  ipv6: boolean;
  start(program: Program): void;
  until(what: string, attempt: () => Promise<boolean>): Promise<void>;
  report(line: string): void;
  signal: AbortSignal;
}

/** Mounts, links, cgroup and configuration: all that must be there before containerd starts. */
export async function prepareNode(paths: Layout, ipv6: boolean): Promise<void> {
  await nodeMounts(join(paths.dir, 'scratch'));
  await nodeNetwork(ipv6);
  for (const hierarchy of cgroupHierarchies()) mkdirSync(join(hierarchy, paths.name), { recursive: true });
  writeNodeConfig(paths, PAUSE_IMAGE, ipv6);
}

/** Imports OCI archives into a node's containerd, so that pods with `imagePullPolicy: Never` or `IfNotPresent` run. */
export async function importImages(
  paths: Layout,
  archives: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const ctr = join(builtBin(containerd), 'ctr');
  for (const archive of archives) {
    const args = [
      '--address',
      paths.containerdSocket,
      '-n',
      'k8s.io',
      'images',
      'import',
      '--local',
      archive,
    ];
    await run(ctr, args, { signal });
  }
}

interface NodeObject {
  status: { conditions?: { type: string; status: string }[] };
}

/** Starts what makes a node of a running control plane and waits until it takes pods. */
export async function startNode({
  paths,
  api,
  ipv6,
  start,
  until,
  report,
  signal,
}: NodeStart): Promise<void> {
  for (const program of nodePrograms(paths, builtBin(kubernetes), ipv6)) start(program);
  start(script('policy-engine', [join(import.meta.dirname, 'policy-engine/main.ts'), paths.kubeconfig]));
  const { tcp, udp } = WORLD_PORTS;
  const world = script('world', responder(ipv6 ? '::' : '0.0.0.0', tcp, udp));
  start({ ...world, command: 'ip', args: ['netns', 'exec', 'world', world.command, ...world.args] });
  start(script('metadata', responder(NETWORK.metadata, [80], [])));
  const archives = [await pauseImage(report, signal), await baseImage(report, signal)].map(
    ({ archive }) => archive,
  );
  const ready = async (): Promise<boolean> => {
    const node = await api.get<NodeObject>(`/api/v1/nodes/${NODE_NAME}`);
    return node.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  };
  await Promise.all([importImages(paths, archives, signal), createVolumes(paths, api), until('node', ready)]);
  report('node: ready');
}

const responder = (address: string, tcp: readonly number[], udp: readonly number[]): string[] => [
  join(import.meta.dirname, 'world.ts'),
  address,
  tcp.join(),
  udp.join(),
];

const script = (name: string, args: string[]): Program => ({ name, command: process.execPath, args });
