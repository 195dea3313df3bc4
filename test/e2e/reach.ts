/** Where a pod may go: the pinned address and nothing else. Each target is first shown to answer a pod without a policy. */
import { BASE_IMAGE } from '../cluster/images.ts';
import { NETWORK } from '../cluster/layout.ts';
import { dialFrom, type Reach, type Target } from './dial.ts';
import { HORIZON, NAME, NAMESPACE } from './install.ts';
import { apply, get, kubectl } from './kubectl.ts';

/** A namespace without any policy, with a pod to dial from and one to be dialled. */
const OUTSIDE = 'outside';
const PEER_PORT = 9000;

const pod = (name: string, command: string[]): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: OUTSIDE },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: BASE_IMAGE, imagePullPolicy: 'Never', command }],
  },
});

const ANSWER = `require('node:net').createServer((s) => s.on('error', () => {}).end('peer\\n')).listen(${PEER_PORT}, '::')`;

/** Makes the two pods without a policy and waits for them; gives the address of the one that listens. */
async function outsidePods(): Promise<string> {
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: OUTSIDE } },
    pod('dialler', ['/bin/busybox', 'sleep', '3600']),
    pod('peer', ['/usr/local/bin/node', '-e', ANSWER]),
  ];
  await apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await kubectl(['wait', '-n', OUTSIDE, 'pod', '--all', '--for=condition=Ready', '--timeout=60s']);
  return (await get('-n', OUTSIDE, 'pod', 'peer')).status.podIP;
}

const targets = (peer: string): Target[] => [
  { what: 'the pinned Horizon', protocol: 'tcp', address: HORIZON.address, port: HORIZON.port },
  { what: 'another pod', protocol: 'tcp', address: peer, port: PEER_PORT },
  { what: 'the API server', protocol: 'tcp', address: NETWORK.apiService, port: 443 },
  { what: 'the API server on the node', protocol: 'tcp', address: NETWORK.node.v4, port: 6443 },
  { what: 'DNS', protocol: 'udp', address: '8.8.8.8', port: 53 },
  { what: 'DNS over TCP', protocol: 'tcp', address: '8.8.8.8', port: 53 },
  { what: 'the metadata address', protocol: 'tcp', address: NETWORK.metadata, port: 80 },
  { what: 'a public-looking address', protocol: 'tcp', address: '203.0.113.7', port: 443 },
  { what: 'another port of the pinned address', protocol: 'tcp', address: HORIZON.address, port: 443 },
];

export interface Row extends Target {
  withoutPolicy: Reach;
  connector: Reach;
  signer: Reach;
}

/** Dials every target from a pod without a policy and from both containers of the connector's pod. */
export async function reachTable(): Promise<Row[]> {
  const all = targets(await outsidePods());
  const inside = { namespace: NAMESPACE, pod: `${NAME}-0` };
  const [free, connector, signer] = await Promise.all([
    dialFrom({ namespace: OUTSIDE, pod: 'dialler', container: 'main' }, all),
    dialFrom({ ...inside, container: 'connector' }, all),
    dialFrom({ ...inside, container: 'signer' }, all),
  ]);
  return all.map((target, at) => ({
    ...target,
    withoutPolicy: free[at]!,
    connector: connector[at]!,
    signer: signer[at]!,
  }));
}

/** What contradicts the promise, in words; empty when it holds. */
export function breaches(rows: readonly Row[]): string[] {
  return rows.flatMap(({ what, withoutPolicy, connector, signer }, at) => {
    const expected: Reach = at === 0 ? 'open' : 'refused';
    return [
      ...(withoutPolicy === 'open'
        ? []
        : [`${what} does not answer a pod without a policy, so its refusal shows nothing`]),
      ...(connector === expected ? [] : [`${what} is ${connector} from the connector`]),
      ...(signer === expected ? [] : [`${what} is ${signer} from the signer`]),
    ];
  });
}
