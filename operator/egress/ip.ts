/** IP addresses as the rules see them: by the bits, whatever the notation. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** The eight 16-bit groups of an IPv6 address (RFC 4291 section 2.2). */
function groupsOf(ip: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(ip);
  const hex = (high: string | undefined, low: string | undefined) =>
    (Number(high) * 256 + Number(low)).toString(16);
  const text = dotted === null ? ip : `${dotted[1]}${hex(dotted[2], dotted[3])}:${hex(dotted[4], dotted[5])}`;
  const [head = '', tail] = text.split('::');
  const parse = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [before, after] = [parse(head), parse(tail ?? '')];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

/** Where in an IPv6 address an IPv4 address stands, for the prefixes whose packets a gateway turns into IPv4. */
const embeddings: readonly { prefix: readonly number[]; at: number }[] = [
  { prefix: [0, 0, 0, 0, 0, 0xffff], at: 6 },
  { prefix: [0x64, 0xff9b, 0, 0, 0, 0], at: 6 },
  { prefix: [0x2002], at: 1 },
];

/** The address by which `ip` is to be judged: the IPv4 address that it embeds (mapped, NAT64, 6to4), else itself. */
export function judgedAddress(ip: string): string {
  if (!isIPv6(ip)) return ip;
  const groups = groupsOf(ip);
  const embedding = embeddings.find(({ prefix }) => prefix.every((group, at) => groups[at] === group));
  if (embedding === undefined) return ip;
  const [high = 0, low = 0] = groups.slice(embedding.at);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** Ranges that no endpoint of ours can be in; clouds answer some of them with credentials. */
const forbidden = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '100.100.100.200/32',
  '192.0.0.192/32',
  '::/127',
  'fe80::/10',
  'ff00::/8',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
] as const;

/** Whether `ip` is unspecified, loopback, link-local, multicast, reserved or a cloud's metadata address. */
export function isForbidden(ip: string): boolean {
  return forbidden.some((range) => covers(range, judgedAddress(ip)));
}

/** Whether `range` (a CIDR, or an address alone) holds `ip`; an address of the other family is never held. */
export function covers(range: string, ip: string): boolean {
  const [network = '', length] = range.split('/');
  const family = familyOf(network);
  if (family === undefined || family !== familyOf(ip)) return false;
  const list = new BlockList();
  list.addSubnet(network, length === undefined ? (family === 'ipv4' ? 32 : 128) : Number(length), family);
  return list.check(ip, family);
}

function familyOf(ip: string): 'ipv4' | 'ipv6' | undefined {
  if (isIPv4(ip)) return 'ipv4';
  return isIPv6(ip) ? 'ipv6' : undefined;
}
