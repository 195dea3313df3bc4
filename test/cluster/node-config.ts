import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Layout, NETWORK } from './layout.ts';

export const CGROUPS = '/sys/fs/cgroup';

/** Where this machine mounts cgroup controllers: one folder per v1 hierarchy, or the one root of v2. */
export function cgroupHierarchies(): string[] {
  if (existsSync(join(CGROUPS, 'cgroup.controllers'))) return [CGROUPS];
  return readdirSync(CGROUPS)
    .map((name) => join(CGROUPS, name))
    .filter((folder) => existsSync(join(folder, 'cgroup.procs')));
}

/** Writes what containerd, CNI and kubelet read; the pause image must be imported under `pauseImage`. */
export function writeNodeConfig(paths: Layout, pauseImage: string, ipv6: boolean): void {
  const under = (...names: string[]): string => join(paths.dir, ...names);
  const json = (file: string, value: unknown): void => writeFileSync(file, JSON.stringify(value, null, 2));
  for (const folder of ['cni', 'plugins', 'kubelet', 'pod-logs'])
    mkdirSync(under(folder), { recursive: true });
  writeFileSync(under('containerd.toml'), containerdToml(paths, pauseImage));
  json(under('cni', '10-bridge.conflist'), cni(paths, ipv6));
  json(under('kubelet.json'), kubelet(paths));
  // A nameserver of the world namespace: a pod's look-up gets an answer (a refusal) at once.
  writeFileSync(under('resolv.conf'), 'nameserver 203.0.113.53\n');
}

const containerdToml = (paths: Layout, pauseImage: string): string => `version = 3
root = '${join(paths.dir, 'containerd')}'
state = '/run/containerd/state'
# It would make folders below /opt.
disabled_plugins = ['io.containerd.internal.v1.opt']
[grpc]
  address = '${paths.containerdSocket}'
[plugins.'io.containerd.cri.v1.images']
  snapshotter = 'overlayfs'
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = '${pauseImage}'
[plugins.'io.containerd.cri.v1.runtime']
  # Without CAP_SYS_RESOURCE a negative score makes runc die.
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ['/usr/lib/cni']
    conf_dir = '${join(paths.dir, 'cni')}'
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      SystemdCgroup = false
`;

const cni = (paths: Layout, ipv6: boolean): unknown => ({
  cniVersion: '1.0.0',
  name: 'pods',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      hairpinMode: true,
      ipam: {
        type: 'host-local',
        dataDir: join(paths.dir, 'cni-addresses'),
        ranges: [[{ subnet: NETWORK.nodePods.v4 }], ...(ipv6 ? [[{ subnet: NETWORK.nodePods.v6 }]] : [])],
        routes: [{ dst: '0.0.0.0/0' }, ...(ipv6 ? [{ dst: '::/0' }] : [])],
      },
    },
  ],
});

const kubelet = (paths: Layout): unknown => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  address: NETWORK.node.v4,
  authentication: { anonymous: { enabled: false }, x509: { clientCAFile: join(paths.certs, 'ca.crt') } },
  tlsCertFile: join(paths.certs, 'kubelet-server.crt'),
  tlsPrivateKeyFile: join(paths.certs, 'kubelet-server.key'),
  containerRuntimeEndpoint: `unix://${paths.containerdSocket}`,
  cgroupDriver: 'cgroupfs',
  // Pods of two clusters on one machine live below different folders.
  cgroupRoot: `/${paths.name}`,
  failCgroupV1: false,
  failSwapOn: false,
  enforceNodeAllocatable: [],
  evictionHard: {},
  imageGCHighThresholdPercent: 100,
  localStorageCapacityIsolation: false,
  podLogsDir: join(paths.dir, 'pod-logs'),
  volumePluginDir: join(paths.dir, 'plugins'),
  resolvConf: join(paths.dir, 'resolv.conf'),
  // Watched ConfigMaps reach a mounted volume at the next sync; a minute is long in a test.
  syncFrequency: '10s',
});
