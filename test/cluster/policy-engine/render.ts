import {
  type Allow,
  contains,
  type Direction,
  type Family,
  familyOf,
  type PodRules,
  type Ruleset,
} from './rules.ts';

export const TABLE = 'npe';
const BRIDGE = 'cni0';

/** A packet that opens a connection; answers of one that was let through pass anyhow. */
export interface Packet {
  source: string;
  destination: string;
  protocol: 'tcp' | 'udp' | 'sctp';
  port: number;
}

/** What the rendered rules do with a packet between two addresses, by the same table that is rendered. */
export function verdict({ pods }: Ruleset, packet: Packet): 'allow' | 'refuse' {
  const passes = (direction: Direction, own: string, peer: string): boolean => {
    const allows = pods.find(({ addresses }) => addresses.includes(own))?.[direction];
    return allows === undefined || allows.some((allow) => matches(allow, peer, packet));
  };
  const { source, destination } = packet;
  return passes('egress', source, destination) && passes('ingress', destination, source) ? 'allow' : 'refuse';
}

function matches({ peer, port }: Allow, address: string, packet: Packet): boolean {
  if (peer) {
    if (!peer.within.some((cidr) => contains(cidr, address))) return false;
    if (peer.except.some((cidr) => contains(cidr, address))) return false;
  }
  return !port || (port.protocol === packet.protocol && port.from <= packet.port && packet.port <= port.to);
}

/**
 * The whole table as input of one `nft -f -`, which replaces the old one at once or not at all. Pods are shut until
 * they are known here. Not covered, as in other engines: node to pod (probes), pods on the host's network.
 */
export function render({ pods }: Ruleset): string {
  const chains = pods.flatMap((pod, index) => [
    ...podChain(`e${index}`, pod, pod.egress, 'daddr'),
    ...podChain(`i${index}`, pod, pod.ingress, 'saddr'),
  ]);
  const jumps = (direction: Direction, prefix: string, field: string): string[] =>
    (['ip', 'ip6'] as const).flatMap((family) => {
      const elements = pods.flatMap((pod, index) =>
        pod[direction]
          ? of(family, pod.addresses).map((address) => `${address} : jump ${prefix}${index}`)
          : [],
      );
      return elements.length ? [`${family} ${field} vmap { ${elements.join(', ')} }`] : [];
    });
  const unknown = (['ip', 'ip6'] as const).map((family) => {
    const known = pods.flatMap(({ addresses }) => of(family, addresses));
    return `iifname "${BRIDGE}" ${known.length ? `${family} saddr != { ${known.join(', ')} }` : `meta nfproto ${FAMILIES[family]}`} drop`;
  });
  const common = [
    'ct state established,related accept',
    'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } accept',
    // Link-local addresses are nobody's in particular: no policy can name them, so none may pass.
    `iifname "${BRIDGE}" ip6 saddr fe80::/10 drop`,
    ...unknown,
    ...jumps('egress', 'e', 'saddr'),
  ];
  const base = (hook: string, rules: string[]): string[] => [
    `  chain ${hook} {`,
    `    type filter hook ${hook} priority -5; policy accept;`,
    ...rules.map((rule) => `    ${rule}`),
    '  }',
  ];
  return [
    `table inet ${TABLE} {}`,
    `delete table inet ${TABLE}`,
    `table inet ${TABLE} {`,
    ...chains,
    ...base('forward', [...common, ...jumps('ingress', 'i', 'daddr')]),
    ...base('input', common),
    '}',
    '',
  ].join('\n');
}

const FAMILIES = { ip: 'ipv4', ip6: 'ipv6' } as const;

const of = (family: Family, addresses: readonly string[]): string[] =>
  addresses.filter((address) => familyOf(address) === family);

function podChain(
  name: string,
  pod: PodRules,
  allows: Allow[] | undefined,
  field: 'saddr' | 'daddr',
): string[] {
  if (!allows) return [];
  return [
    `  chain ${name} {`,
    `    comment "${pod.pod}"`,
    ...allows.map((allow) => `    ${allowRule(allow, field)}`),
    '    meta l4proto tcp reject with tcp reset',
    '    reject with icmpx port-unreachable',
    '  }',
  ];
}

function allowRule({ peer, port }: Allow, field: 'saddr' | 'daddr'): string {
  const parts: string[] = [];
  if (peer) {
    parts.push(`${peer.family} ${field} { ${peer.within.join(', ')} }`);
    // One by one: the members of a set must not overlap, those of a policy may.
    parts.push(...peer.except.map((cidr) => `${peer.family} ${field} != ${cidr}`));
  }
  if (port)
    parts.push(`${port.protocol} dport ${port.from === port.to ? port.from : `${port.from}-${port.to}`}`);
  return [...parts, 'return'].join(' ');
}
