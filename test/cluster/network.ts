import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

/** Where container programs write whatever they are told. */
const SHADOWED = ['/run', '/var/lib', '/var/log'];

/** Where this machine may have such a thing of its own, which the node must not take for its. */
const FRESH = ['/run/netns', '/run/containerd', '/var/lib/cni', '/var/lib/kubelet'];

/** Throws when a state folder is where the node would not see it. */
export function checkStateFolder(dir: string): void {
  const hidden = SHADOWED.find((folder) => dir === folder || dir.startsWith(`${folder}/`));
  if (hidden) throw new Error(`A node's state cannot be below ${hidden}: name another folder with --state`);
}

/**
 * The node's own mounts: over each shadowed folder lies a layer of this mount namespace, which shows what is below and
 * takes what is written, so that nothing stays behind and two nodes never meet there.
 */
export async function nodeMounts(scratch: string): Promise<void> {
  await run('mount', ['--make-rshared', '/']);
  mkdirSync(scratch, { recursive: true });
  await run('mount', ['-t', 'tmpfs', 'tmpfs', scratch]);
  for (const lower of SHADOWED) {
    const [upper, work] = ['upper', 'work'].map((kind) => join(scratch, lower, kind)) as [string, string];
    mkdirSync(upper, { recursive: true });
    mkdirSync(work);
    const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
    await run('mount', ['-t', 'overlay', 'overlay', '-o', options, lower]);
  }
  for (const folder of FRESH) {
    mkdirSync(folder, { recursive: true });
    await run('mount', ['-t', 'tmpfs', 'tmpfs', folder]);
  }
}

/** The node's links and the `world` namespace behind its default route, which owns every address there is. */
export async function nodeNetwork(ipv6: boolean): Promise<void> {
  const { node, pods, worldLink, metadata } = NETWORK;
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
    ...[pods.v4, `${node.v4}/32`].map((back) => `ip -n world route add ${back} via ${worldLink.node}`),
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
      ...[pods.v6, `${node.v6}/128`].map((back) => `ip -n world -6 route add ${back} via fd00:ffff::1`),
      // Not the local table: it would swallow the way back.
      'ip -n world -6 route add local default dev lo table 100',
      'ip -n world -6 rule add pref 40000 lookup 100',
      'ip netns exec world ip6tables -t nat -A PREROUTING -i w1 -p udp -j DNAT --to-destination fd00:ffff::2',
    ]);
    sysctl('net/ipv6/conf/all/forwarding', '1');
  }
  // Without it packets between two pods would pass policy by.
  for (const family of ['iptables', 'ip6tables']) sysctl(`net/bridge/bridge-nf-call-${family}`, '1');
}

/** Loads what a kernel may have as modules; one that has it built in, or no modules at all, says no and is fine. */
export async function loadModules(): Promise<void> {
  await run('modprobe', ['-a', 'br_netfilter', 'overlay', 'nf_tables', 'veth']).catch(() => {});
}

function sysctl(name: string, value: string): void {
  writeFileSync(`/proc/sys/${name}`, value);
}
