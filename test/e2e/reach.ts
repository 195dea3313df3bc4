/** Where a pod may go: the pinned address and nothing else. Each target is first shown to answer a pod without a policy. */
import { NETWORK } from '../cluster/layout.ts';
import { reach, type Target } from '../cluster/reach.ts';
import { restrictedNamespace, SERVER_PORT, serverPod } from '../cluster/workload.ts';
import { HORIZON, NAME, NAMESPACE } from './install.ts';
import { apply, get, kubectl } from './kubectl.ts';

/** A namespace without any policy, with a pod to dial from and one to be dialled. */
const OUTSIDE = 'outside';

/** Makes the two pods without a policy and waits for them; gives the address of the one to be dialled. */
async function outsidePods(): Promise<string> {
  const pods = ['dialler', 'peer'].map((name) => serverPod({ namespace: OUTSIDE, name }));
  await apply(kubectl, restrictedNamespace(OUTSIDE), ...pods);
  await kubectl(['wait', '-n', OUTSIDE, 'pod', '--all', '--for=condition=Ready', '--timeout=60s']);
  return (await get('-n', OUTSIDE, 'pod', 'peer')).status.podIP;
}

const targetsWith = (peer: string): [what: string, target: Target][] => [
  ['the pinned Horizon', `tcp://${HORIZON.address}:${HORIZON.port}`],
  ['another pod', `tcp://${peer}:${SERVER_PORT}`],
  ['the API server', `tcp://${NETWORK.apiService}:443`],
  ['the API server on the node', `tcp://${NETWORK.node.v4}:6443`],
  ['DNS', 'udp://8.8.8.8:53'],
  ['DNS over TCP', 'tcp://8.8.8.8:53'],
  ['the metadata address', `tcp://${NETWORK.metadata}:80`],
  ['a public-looking address', 'tcp://203.0.113.7:443'],
  ['another port of the pinned address', `tcp://${HORIZON.address}:443`],
];

export interface Row {
  what: string;
  target: Target;
  /** `open`, or how it was refused. */
  withoutPolicy: string;
  connector: string;
  signer: string;
}

/** Dials every target from a pod without a policy and from both containers of the connector's pod. */
export async function reachTable(): Promise<Row[]> {
  const named = targetsWith(await outsidePods());
  const targets = named.map(([, target]) => target);
  const inside = { namespace: NAMESPACE, pod: `${NAME}-0` };
  const [free, connector, signer] = await Promise.all([
    reach(kubectl, { namespace: OUTSIDE, pod: 'dialler' }, targets),
    reach(kubectl, { ...inside, container: 'connector' }, targets),
    reach(kubectl, { ...inside, container: 'signer' }, targets),
  ]);
  return named.map(([what, target]) => ({
    what,
    target,
    withoutPolicy: free.get(target)!,
    connector: connector.get(target)!,
    signer: signer.get(target)!,
  }));
}

/** What contradicts the promise, in words; empty when it holds. */
export function breaches(rows: readonly Row[]): string[] {
  return rows.flatMap(({ what, withoutPolicy, connector, signer }, at) => {
    const pinned = at === 0;
    const wrong = (outcome: string): boolean => (outcome === 'open') !== pinned;
    return [
      ...(withoutPolicy === 'open'
        ? []
        : [`${what} does not answer a pod without a policy: ${withoutPolicy}`]),
      ...(wrong(connector) ? [`${what} from the connector: ${connector}`] : []),
      ...(wrong(signer) ? [`${what} from the signer: ${signer}`] : []),
    ];
  });
}
