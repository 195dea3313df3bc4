import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { builtBin, cyclonus } from '../binaries.ts';
import { run } from '../run.ts';
import type { Facts, NetworkPolicy, Peer, Pod, PolicyPort, Selector } from './model.ts';
import { type Packet, verdict } from './render.ts';
import { decide } from './rules.ts';

// Three namespaces with three pods each: enough for every kind of selector to select some and leave some.
const NAMESPACES = ['x', 'y', 'z'].map((name) => ({
  metadata: { name, labels: { ns: name, env: name === 'z' ? 'prod' : 'test' } },
}));
const PODS: Pod[] = NAMESPACES.flatMap(({ metadata: { name: namespace } }, row) =>
  ['a', 'b', 'c'].map((name, column) => ({
    metadata: { name, namespace, labels: { pod: name, ...(name === 'c' ? {} : { tier: 'front' }) } },
    spec: {
      containers: [
        {
          ports: [
            // The name is the same everywhere, the number is not.
            { name: 'web', containerPort: name === 'c' ? 8080 : 80, protocol: 'TCP' },
            { name: 'dns', containerPort: 53, protocol: 'UDP' },
          ],
        },
      ],
    },
    status: { phase: 'Running', podIPs: [{ ip: `10.244.${row}.${10 + column}` }] },
  })),
);
const OUTSIDE = ['8.8.8.8', '203.0.113.7', '10.250.0.1', '10.245.1.1'];
const PROBES = [
  ['tcp', 80],
  ['tcp', 8080],
  ['udp', 53],
  ['tcp', 443],
] as const;

const addressOf = (pod: Pod): string => pod.status!.podIPs![0]!.ip;

/** Every ordered pair of different pods, and each pod with each address outside, on every probe. */
const PACKETS: Packet[] = PROBES.flatMap(([protocol, port]) => {
  const inside = PODS.map(addressOf);
  const pairs = inside.flatMap((source) =>
    [...inside.filter((other) => other !== source), ...OUTSIDE].map((destination) => ({
      source,
      destination,
    })),
  );
  const inward = OUTSIDE.flatMap((source) => inside.map((destination) => ({ source, destination })));
  return [...pairs, ...inward].map((pair) => ({ ...pair, protocol, port }));
});

const values = fc.subarray(['a', 'b', 'front'], { minLength: 1 });
// NotIn only on a label that every pod has: cyclonus says that it needs the label, Kubernetes' own selectors that it
// does not, and the engine follows Kubernetes (a unit test).
const expression = fc.oneof(
  fc.record({ key: fc.constantFrom('pod', 'tier'), operator: fc.constant('In'), values }),
  fc.record({ key: fc.constant('pod'), operator: fc.constant('NotIn'), values }),
  fc.record({ key: fc.constantFrom('pod', 'tier'), operator: fc.constantFrom('Exists', 'DoesNotExist') }),
);
const selector: fc.Arbitrary<Selector> = fc.oneof(
  fc.constant({}),
  fc.constantFrom('a', 'b', 'c').map((pod) => ({ matchLabels: { pod } })),
  fc.record({ matchExpressions: fc.array(expression, { minLength: 1, maxLength: 2 }) }),
);
const namespaceSelector: fc.Arbitrary<Selector> = fc.oneof(
  fc.constant({}),
  fc.constantFrom('x', 'y', 'z').map((ns) => ({ matchLabels: { ns: ns as string } })),
  fc.constant<Selector>({ matchExpressions: [{ key: 'env', operator: 'NotIn', values: ['prod'] }] }),
);
const ipBlock: fc.Arbitrary<Peer> = fc
  .constantFrom<NonNullable<Peer['ipBlock']>[]>(
    { cidr: '203.0.113.7/32' },
    { cidr: '0.0.0.0/0' },
    { cidr: '10.244.1.0/24' },
    { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] },
    { cidr: '10.0.0.0/8', except: ['10.244.0.0/24', '10.245.0.0/16'] },
    { cidr: '10.244.0.0/16', except: ['10.244.0.11/32'] },
  )
  .map((block) => ({ ipBlock: block }));
const peer: fc.Arbitrary<Peer> = fc.oneof(
  ipBlock,
  selector.map((podSelector) => ({ podSelector })),
  namespaceSelector.map((chosen) => ({ namespaceSelector: chosen })),
  fc.record({ podSelector: selector, namespaceSelector }),
);
const port: fc.Arbitrary<PolicyPort> = fc.constantFrom<PolicyPort>(
  { port: 80, protocol: 'TCP' },
  { port: 53, protocol: 'UDP' },
  { protocol: 'UDP' },
  { port: 'web', protocol: 'TCP' },
  { port: 'dns', protocol: 'UDP' },
  { port: 'nobody', protocol: 'TCP' },
  { port: 400, endPort: 9000, protocol: 'TCP' },
);
const some = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(item, { maxLength: 2 });
const policy: fc.Arbitrary<NetworkPolicy> = fc
  .record({
    namespace: fc.constantFrom('x', 'y', 'z'),
    podSelector: selector,
    policyTypes: fc.constantFrom<string[][]>(['Ingress'], ['Egress'], ['Ingress', 'Egress']),
    ingress: some(fc.record({ from: some(peer), ports: some(port) })),
    egress: some(fc.record({ to: some(peer), ports: some(port) })),
  })
  .map(({ namespace, ...spec }) => ({ metadata: { name: 'p', namespace }, spec }));
const policies = fc
  .array(policy, { minLength: 1, maxLength: 4 })
  .map((list) =>
    list.map((entry, index) => ({ ...entry, metadata: { ...entry.metadata, name: `p${index}` } })),
  );

/** The pods' shape as the product gives it: default deny both ways, and egress to pinned addresses. */
const OURS: NetworkPolicy[] = [
  {
    metadata: { name: 'ours', namespace: 'x' },
    spec: {
      podSelector: { matchLabels: { pod: 'a' } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 80, protocol: 'TCP' }] }],
      egress: [{ to: [{ ipBlock: { cidr: '203.0.113.7/32' } }], ports: [{ port: 443, protocol: 'TCP' }] }],
    },
  },
];

const trafficPeer = (address: string): object => {
  const pod = PODS.find((candidate) => addressOf(candidate) === address);
  if (!pod) return { IP: address };
  const namespace = NAMESPACES.find(({ metadata }) => metadata.name === pod.metadata.namespace)!;
  const Internal = {
    PodLabels: pod.metadata.labels,
    NamespaceLabels: namespace.metadata.labels,
    Namespace: namespace.metadata.name,
  };
  return { Internal, IP: address };
};

function portName({ destination, protocol, port }: Packet): string {
  const ports = PODS.find((pod) => addressOf(pod) === destination)?.spec.containers?.[0]?.ports ?? [];
  const found = ports.find(
    (entry) => entry.containerPort === port && entry.protocol?.toLowerCase() === protocol,
  );
  return found?.name ?? '';
}

async function cyclonusVerdicts(folder: string, cases: NetworkPolicy[]): Promise<string[]> {
  const file = (name: string): string => join(folder, name);
  const items = cases.map((item) => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', ...item }));
  const list = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicyList', items };
  writeFileSync(file('policies.json'), JSON.stringify(list));
  const traffic = PACKETS.map((packet) => ({
    Source: trafficPeer(packet.source),
    Destination: trafficPeer(packet.destination),
    Protocol: packet.protocol.toUpperCase(),
    ResolvedPort: packet.port,
    ResolvedPortName: portName(packet),
  }));
  writeFileSync(file('traffic.json'), JSON.stringify(traffic));
  const out = await run(join(builtBin(cyclonus), 'cyclonus'), [
    ...['analyze', '--mode', 'query-traffic'],
    ...['--policy-path', file('policies.json'), '--traffic-path', file('traffic.json')],
  ]);
  return [...out.matchAll(/IS ALLOWED\?\s*\|\s*(TRUE|FALSE)/g)].map(([, answer]) =>
    answer === 'TRUE' ? 'allow' : 'refuse',
  );
}

describe("policy engine beside cyclonus's analysis", () => {
  let folder: string;

  before(() => {
    assert.ok(
      existsSync(builtBin(cyclonus)),
      'cyclonus is not built: run `node test/cluster/main.ts build --tests` first',
    );
    folder = mkdtempSync(join(tmpdir(), 'verdicts-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const sets = [OURS, ...fc.sample(policies, { numRuns: 59, seed: 12 })];
  const batches = Array.from({ length: Math.ceil(sets.length / 10) }, (_, index) =>
    sets.slice(index * 10, index * 10 + 10),
  );
  for (const [number, batch] of batches.entries()) {
    it(`agrees on ${batch.length} sets of policies, ${PACKETS.length} packets each (batch ${number + 1})`, async function () {
      this.timeout(60_000);
      const seen = new Set<string>();
      for (const set of batch) {
        const facts: Facts = { pods: PODS, namespaces: NAMESPACES, policies: set };
        const rules = decide(facts);
        assert.deepEqual(rules.refused, []);
        const theirs = await cyclonusVerdicts(folder, set);
        assert.equal(theirs.length, PACKETS.length);
        const differs = PACKETS.findIndex((packet, index) => verdict(rules, packet) !== theirs[index]);
        assert.equal(
          differs,
          -1,
          `${JSON.stringify(PACKETS[differs])}: cyclonus says ${theirs[differs]} under ${JSON.stringify(set)}`,
        );
        for (const answer of theirs) seen.add(answer);
      }
      assert.deepEqual([...seen].sort(), ['allow', 'refuse']);
    });
  }
});
