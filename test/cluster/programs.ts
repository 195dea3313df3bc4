import { join } from 'node:path';
import { clientKubeconfig } from './credentials.ts';
import { type Layout, NETWORK, NODE_NAME } from './layout.ts';

/** One daemon of the cluster: what is run, and under which name it is logged. */
export interface Program {
  name: string;
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
}

const { node, services, pods } = NETWORK;

/** A dual-stack pair as Kubernetes writes it, or its IPv4 half on a machine without IPv6. */
const families = (pair: { v4: string; v6: string }, ipv6: boolean): string =>
  ipv6 ? `${pair.v4},${pair.v6}` : pair.v4;

/** etcd and the API server: what must stand before anything else can. */
export function controlPlane(paths: Layout, bin: string, ipv6: boolean): Program[] {
  const cert = (name: string): string => join(paths.certs, name);
  return [
    {
      name: 'etcd',
      command: join(bin, 'etcd'),
      args: [
        `--data-dir=${join(paths.dir, 'etcd')}`,
        '--listen-client-urls=http://127.0.0.1:2379',
        '--advertise-client-urls=http://127.0.0.1:2379',
        '--listen-peer-urls=http://127.0.0.1:2380',
        '--log-level=warn',
        // Its data goes with the cluster: nobody restores it after a power cut.
        '--unsafe-no-fsync',
      ],
    },
    {
      name: 'kube-apiserver',
      command: join(bin, 'kube-apiserver'),
      args: [
        '--etcd-servers=http://127.0.0.1:2379',
        `--bind-address=${ipv6 ? '::' : '0.0.0.0'}`,
        `--advertise-address=${node.v4}`,
        `--service-cluster-ip-range=${families(services, ipv6)}`,
        '--authorization-mode=Node,RBAC',
        '--enable-admission-plugins=NodeRestriction',
        // The node's name resolves nowhere: logs and exec must go by its address.
        '--kubelet-preferred-address-types=InternalIP',
        `--client-ca-file=${cert('ca.crt')}`,
        `--tls-cert-file=${cert('apiserver.crt')}`,
        `--tls-private-key-file=${cert('apiserver.key')}`,
        `--kubelet-certificate-authority=${cert('ca.crt')}`,
        `--kubelet-client-certificate=${cert('kube-apiserver.crt')}`,
        `--kubelet-client-key=${cert('kube-apiserver.key')}`,
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${cert('service-account.key')}`,
        `--service-account-signing-key-file=${cert('service-account.key')}`,
        '--profiling=false',
      ],
    },
  ];
}

/** The controllers; they also make the `default` service account that every pod needs. */
export function controllerManager(paths: Layout, bin: string, ipv6: boolean): Program {
  return {
    name: 'kube-controller-manager',
    command: join(bin, 'kube-controller-manager'),
    args: [
      `--kubeconfig=${clientKubeconfig(paths, 'kube-controller-manager')}`,
      '--secure-port=0',
      '--leader-elect=false',
      '--use-service-account-credentials',
      '--allocate-node-cidrs',
      `--cluster-cidr=${families(pods, ipv6)}`,
      `--service-cluster-ip-range=${families(services, ipv6)}`,
      `--root-ca-file=${join(paths.certs, 'ca.crt')}`,
      `--service-account-private-key-file=${join(paths.certs, 'service-account.key')}`,
      `--flex-volume-plugin-dir=${join(paths.dir, 'plugins')}`,
      // At the default rate the first service account comes seconds later.
      '--kube-api-qps=500',
      '--kube-api-burst=1000',
      '--profiling=false',
    ],
  };
}

/** What makes a node of it, started when the API server answers; containerd starts before, with etcd. */
export function nodePrograms(paths: Layout, bin: string, ipv6: boolean): Program[] {
  return [
    {
      name: 'kube-scheduler',
      command: join(bin, 'kube-scheduler'),
      args: [
        `--kubeconfig=${clientKubeconfig(paths, 'kube-scheduler')}`,
        '--secure-port=0',
        '--leader-elect=false',
      ],
    },
    {
      name: 'kubelet',
      command: join(bin, 'kubelet'),
      args: [
        `--config=${join(paths.dir, 'kubelet.json')}`,
        `--kubeconfig=${clientKubeconfig(paths, 'kubelet')}`,
        `--root-dir=${join(paths.dir, 'kubelet')}`,
        `--node-ip=${families(node, ipv6)}`,
        `--hostname-override=${NODE_NAME}`,
      ],
    },
    {
      name: 'kube-proxy',
      command: join(bin, 'kube-proxy'),
      args: [
        `--kubeconfig=${clientKubeconfig(paths, 'kube-proxy')}`,
        `--hostname-override=${NODE_NAME}`,
        '--proxy-mode=nftables',
        `--cluster-cidr=${families(pods, ipv6)}`,
        // The connection table's size belongs to the machine, not to this namespace.
        '--conntrack-max-per-core=0',
        '--conntrack-tcp-timeout-established=0',
        '--conntrack-tcp-timeout-close-wait=0',
      ],
    },
  ];
}

export function containerdProgram(paths: Layout, bin: string): Program {
  return {
    name: 'containerd',
    command: join(bin, 'containerd'),
    args: ['--config', join(paths.dir, 'containerd.toml')],
    // containerd looks for its shim on the PATH.
    env: { PATH: `${bin}:${process.env.PATH}` },
  };
}
