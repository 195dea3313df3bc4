import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { NETWORK } from './layout.ts';
import { run } from './run.ts';

const words = (line: string): [string, string[]] => {
  const [command, ...args] = line.split(' ');
  return [command!, args];
};

/** Runs commands one after the other; each is words with one blank between them. */
async function all(lines: readonly string[]): Promise<void> {
  for (const line of lines) await run(...words(line));
}

export const hasIpv6 = (): boolean => {
  try {
    return readFileSync('/proc/sys/net/ipv6/conf/all/disable_ipv6', 'utf8').trim() === '0';
  } catch {
    return false;
  }
};

/** The address of the API server, in namespaces that have no node: loopback is enough. */
export async function controlPlaneNetwork(): Promise<void> {
  await all(['ip link set lo up', `ip addr add ${NETWORK.node.v4}/32 dev lo`]);
}

/**
 * The node's own mounts. Everything that a program insists on writing outside the state folder goes to a tmpfs of this
 * mount namespace, so that it is gone with it and two nodes never meet there.
 */
export async function nodeMounts(): Promise<void> {
  await run('mount', ['--make-rshared', '/']);
  for (const folder of ['/run/netns', '/run/containerd', '/var/lib/cni', '/var/log/containers']) {
    mkdirSync(folder, { recursive: true });
    await run('mount', ['-t', 'tmpfs', 'tmpfs', folder]);
  }
}

/** The node's links and the `world` namespace behind its default route, which owns every address there is. */
export async function nodeNetwork(ipv6: boolean): Promise<void> {
  const { node, worldLink, metadata } = NETWORK;
  await all([
    'ip link set lo up',
    // Bridges, since not every kernel has dummy devices.
    'ip link add node0 type bridge',
    `ip addr add ${node.v4}/32 dev node0`,
    'ip link set node0 up',
    // A metadata address on the node itself takes the INPUT path, one in the world FORWARD: policy must stop both.
    'ip link add meta0 type bridge',
    `ip addr add ${metadata}/32 dev meta0`,
    'ip link set meta0 up',
    'ip netns add world',
    'ip link add w0 type veth peer name w1 netns world',
    `ip addr add ${worldLink.node}/30 dev w0`,
    'ip link set w0 up',
    'ip -n world link set lo up',
    `ip -n world addr add ${worldLink.world}/30 dev w1`,
    'ip -n world link set w1 up',
    `ip route add default via ${worldLink.world}`,
    `ip -n world route add 10.0.0.0/8 via ${worldLink.node}`,
    // In the local table, or TCP answers have no valid source address.
    'ip -n world route add local default dev lo',
    // UDP answers carry the address that was asked.
    `ip netns exec world iptables -t nat -A PREROUTING -i w1 -p udp -j DNAT --to-destination ${worldLink.world}`,
  ]);
  sysctl('net/ipv4/ip_forward', '1');
  if (ipv6) {
    await all([
      `ip addr add ${node.v6}/128 dev node0 nodad`,
      'ip addr add fd00:ffff::1/64 dev w0 nodad',
      'ip -n world addr add fd00:ffff::2/64 dev w1 nodad',
      'ip -6 route add default via fd00:ffff::2',
      'ip -n world -6 route add fd00:10::/32 via fd00:ffff::1',
      'ip -n world -6 route add fd00:250::/32 via fd00:ffff::1',
      // Not the local table: it would swallow the way back.
      'ip -n world -6 route add local default dev lo table 100',
      'ip -n world -6 rule add pref 40000 lookup 100',
    ]);
    sysctl('net/ipv6/conf/all/forwarding', '1');
  }
  for (const family of ['iptables', 'ip6tables']) sysctl(`net/bridge/bridge-nf-call-${family}`, '1');
}

function sysctl(name: string, value: string): void {
  writeFileSync(`/proc/sys/${name}`, value);
}
