import { isIPv6 } from 'node:net';
import {
  type ContainerPort,
  type Facts,
  type NetworkPolicy,
  type Peer,
  type Pod,
  type PolicyPort,
  refuseUnknown,
  selects,
  UnsupportedPolicy,
} from './model.ts';

export type Family = 'ip' | 'ip6';
export type Direction = 'ingress' | 'egress';

/** One `return` of a pod's chain: what the peer's address and the port must be. Absent means any. */
export interface Allow {
  peer?: { family: Family; within: string[]; except: string[] };
  port?: { protocol: 'tcp' | 'udp' | 'sctp'; from: number; to: number };
}

/** What holds for one pod. A direction without policy is undefined: not isolated. */
export interface PodRules {
  pod: string;
  addresses: string[];
  ingress?: Allow[];
  egress?: Allow[];
}

export interface Ruleset {
  pods: PodRules[];
  /** Policies that were not understood; each shuts what it selects. */
  refused: { policy: string; reason: string }[];
}

const fullName = (object: { metadata: { namespace?: string; name: string } }): string =>
  `${object.metadata.namespace}/${object.metadata.name}`;

export const familyOf = (address: string): Family => (isIPv6(address.split('/')[0]!) ? 'ip6' : 'ip');

const hasOwnAddress = (pod: Pod): boolean =>
  !pod.spec.hostNetwork &&
  pod.status?.phase !== 'Succeeded' &&
  pod.status?.phase !== 'Failed' &&
  (pod.status?.podIPs ?? []).length > 0;

/** An address is handed on while the pod that had it is still being deleted: the younger pod has it. */
function newestPerAddress(pods: Pod[]): Pod[] {
  const born = (pod: Pod): string => pod.metadata.creationTimestamp ?? '';
  const oldestFirst = [...pods].sort((a, b) => (born(a) < born(b) ? -1 : born(a) > born(b) ? 1 : 0));
  const owners = new Map(
    oldestFirst.flatMap((pod) => addressesOf(pod).map((address) => [address, pod] as const)),
  );
  return pods.filter((pod) => addressesOf(pod).every((address) => owners.get(address) === pod));
}

const addressesOf = (pod: Pod): string[] => (pod.status?.podIPs ?? []).map(({ ip }) => ip);

/** Decides, for every pod with an address of its own, what may reach it and what it may reach. Pure. */
export function decide(facts: Facts): Ruleset {
  const pods = newestPerAddress(facts.pods.filter(hasOwnAddress));
  const namespaces = new Map(facts.namespaces.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
  const refused: Ruleset['refused'] = [];
  const peersOf = (peer: Peer, policy: NetworkPolicy): Pod[] =>
    pods.filter((pod) => {
      const namespace = pod.metadata.namespace!;
      const inNamespace = peer.namespaceSelector
        ? selects(peer.namespaceSelector, namespaces.get(namespace))
        : namespace === policy.metadata.namespace;
      return inNamespace && selects(peer.podSelector ?? {}, pod.metadata.labels);
    });
  const rules = pods.map((pod): PodRules => {
    const own: PodRules = { pod: fullName(pod), addresses: addressesOf(pod) };
    for (const policy of facts.policies) {
      if (policy.metadata.namespace !== pod.metadata.namespace) continue;
      try {
        if (!selects(policy.spec.podSelector ?? {}, pod.metadata.labels)) continue;
        // Both directions before either is added: a policy is carried out whole or shuts.
        const ingress = policyTypes(policy).includes('Ingress') ? ingressOf(policy, pod, peersOf) : undefined;
        const egress = policyTypes(policy).includes('Egress') ? egressOf(policy, peersOf) : undefined;
        if (ingress) own.ingress = [...(own.ingress ?? []), ...ingress];
        if (egress) own.egress = [...(own.egress ?? []), ...egress];
      } catch (error) {
        if (!(error instanceof UnsupportedPolicy)) throw error;
        refused.push({ policy: fullName(policy), reason: error.message });
        own.ingress ??= [];
        own.egress ??= [];
      }
    }
    return own;
  });
  return { pods: rules, refused: [...new Map(refused.map((entry) => [entry.policy, entry])).values()] };
}

/** Ingress unless the policy names its types without it; egress when named, or implied by egress rules. */
function policyTypes({ spec }: NetworkPolicy): string[] {
  refuseUnknown('policy', spec, ['podSelector', 'policyTypes', 'ingress', 'egress']);
  const types = spec.policyTypes?.length
    ? spec.policyTypes
    : ['Ingress', ...(spec.egress?.length ? ['Egress'] : [])];
  const unknown = types.find((type) => type !== 'Ingress' && type !== 'Egress');
  if (unknown) throw new UnsupportedPolicy(`policy type ${unknown}`);
  return types;
}

type FindPeers = (peer: Peer, policy: NetworkPolicy) => Pod[];

function ingressOf(policy: NetworkPolicy, pod: Pod, find: FindPeers): Allow[] {
  return (policy.spec.ingress ?? []).flatMap((rule) => {
    refuseUnknown('ingress rule', rule, ['from', 'ports']);
    const peers = rule.from?.length
      ? rule.from.flatMap((peer) => addressPeers(peer, policy, find))
      : [undefined];
    return combine(peers, [...numberedPorts(rule.ports), ...namedPorts(rule.ports, pod)]);
  });
}

function egressOf(policy: NetworkPolicy, find: FindPeers): Allow[] {
  return (policy.spec.egress ?? []).flatMap((rule) => {
    refuseUnknown('egress rule', rule, ['to', 'ports']);
    return (rule.to?.length ? rule.to : ANYWHERE).flatMap((peer) => {
      // A named port is the destination's: it is a number only pod by pod, and none beyond the cluster's pods.
      const pods = peer.ipBlock
        ? find({ namespaceSelector: {} }, policy).filter((pod) => inBlock(pod, peer.ipBlock!))
        : find(peer, policy);
      return [
        ...combine(addressPeers(peer, policy, find), numberedPorts(rule.ports)),
        ...pods.flatMap((pod) => combine(podPeers([pod]), namedPorts(rule.ports, pod))),
      ];
    });
  });
}

const ANYWHERE: Peer[] = [{ ipBlock: { cidr: '0.0.0.0/0' } }, { ipBlock: { cidr: '::/0' } }];

const inBlock = (pod: Pod, block: { cidr: string; except?: string[] }): boolean =>
  addressesOf(pod).some(
    (address) =>
      contains(block.cidr, address) && !(block.except ?? []).some((cidr) => contains(cidr, address)),
  );

const combine = (peers: (Allow['peer'] | undefined)[], ports: (Allow['port'] | undefined)[]): Allow[] =>
  peers.flatMap((peer) => ports.map((port) => ({ ...(peer ? { peer } : {}), ...(port ? { port } : {}) })));

function addressPeers(peer: Peer, policy: NetworkPolicy, find: FindPeers): NonNullable<Allow['peer']>[] {
  refuseUnknown('peer', peer, ['podSelector', 'namespaceSelector', 'ipBlock']);
  if (!peer.ipBlock) {
    if (!peer.podSelector && !peer.namespaceSelector)
      throw new UnsupportedPolicy('peer without any selector');
    return podPeers(find(peer, policy));
  }
  if (peer.podSelector || peer.namespaceSelector) throw new UnsupportedPolicy('ipBlock beside a selector');
  refuseUnknown('ipBlock', peer.ipBlock, ['cidr', 'except']);
  const { cidr, except = [] } = peer.ipBlock;
  return [{ family: familyOf(cidr), within: [cidr], except: [...except] }];
}

const podPeers = (pods: Pod[]): NonNullable<Allow['peer']>[] =>
  (['ip', 'ip6'] as const)
    .map((family) => ({
      family,
      within: pods.flatMap(addressesOf).filter((address) => familyOf(address) === family),
      except: [],
    }))
    .filter(({ within }) => within.length > 0);

type Port = NonNullable<Allow['port']>;

/** The ports that a rule gives as numbers; undefined stands for any port of any protocol. */
function numberedPorts(ports: PolicyPort[] | undefined): (Port | undefined)[] {
  if (!ports?.length) return [undefined];
  return ports.flatMap((entry) => {
    const protocol = protocolOf(entry);
    if (entry.port === undefined) return [{ protocol, from: 0, to: 65535 }];
    if (typeof entry.port === 'string') return [];
    return [{ protocol, from: entry.port, to: entry.endPort ?? entry.port }];
  });
}

/** The ports that a rule gives by name, as the destination pod numbers them; an unknown name allows nothing. */
function namedPorts(ports: PolicyPort[] | undefined, destination: Pod): Port[] {
  return (ports ?? []).flatMap((entry) => {
    if (typeof entry.port !== 'string') return [];
    if (entry.endPort !== undefined) throw new UnsupportedPolicy('endPort beside a named port');
    const protocol = protocolOf(entry);
    return containerPorts(destination)
      .filter((port) => port.name === entry.port && (port.protocol ?? 'TCP').toLowerCase() === protocol)
      .map(({ containerPort }) => ({ protocol, from: containerPort, to: containerPort }));
  });
}

function protocolOf(entry: PolicyPort): Port['protocol'] {
  refuseUnknown('port', entry, ['protocol', 'port', 'endPort']);
  const protocol = (entry.protocol ?? 'TCP').toLowerCase();
  if (protocol === 'tcp' || protocol === 'udp' || protocol === 'sctp') return protocol;
  throw new UnsupportedPolicy(`protocol ${entry.protocol}`);
}

/** Ports of the containers that serve: sidecars among the init containers as well. */
const containerPorts = ({ spec }: Pod): ContainerPort[] =>
  [
    ...(spec.containers ?? []),
    ...(spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always'),
  ].flatMap(({ ports = [] }) => ports);

/** True when an address is in a CIDR; a bare address is a block of one. */
export function contains(cidr: string, address: string): boolean {
  if (familyOf(cidr) !== familyOf(address)) return false;
  const [base, length] = cidr.split('/');
  const bits = isIPv6(address) ? 128n : 32n;
  const shift = bits - BigInt(length ?? bits);
  return toNumber(base!) >> shift === toNumber(address) >> shift;
}

function toNumber(address: string): bigint {
  if (!isIPv6(address)) return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  // A URL's host is the one canonical, fully checked form that the platform offers.
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const left = head ? head.split(':') : [];
  const right = tail ? tail.split(':') : [];
  const middle = Array(8 - left.length - right.length).fill('0') as string[];
  return [...left, ...middle, ...right].reduce((sum, part) => (sum << 16n) | BigInt(`0x${part}`), 0n);
}
