import assert from 'node:assert/strict';
import type { Facts, NetworkPolicy, Pod } from './model.ts';
import { render, verdict } from './render.ts';
import { contains, decide } from './rules.ts';

const pod = (name: string, ip: string, extra: Partial<Pod['spec']> = {}, phase = 'Running'): Pod => ({
  metadata: { name, namespace: 'shop', labels: { app: name } },
  spec: extra,
  status: { phase, podIPs: [{ ip }] },
});
const policy = (spec: NetworkPolicy['spec'], name = 'p', namespace = 'shop'): NetworkPolicy => ({
  metadata: { name, namespace },
  spec,
});
const facts = (policies: NetworkPolicy[], pods = [pod('a', '10.0.0.2'), pod('b', '10.0.0.3')]): Facts => ({
  pods,
  namespaces: [{ metadata: { name: 'shop', labels: { team: 'x' } } }],
  policies,
});
const tcp = (source: string, destination: string, port = 443) =>
  ({ source, destination, port, protocol: 'tcp' }) as const;

const SHUT = policy({ podSelector: { matchLabels: { app: 'a' } }, policyTypes: ['Ingress', 'Egress'] });

describe('policy engine', () => {
  it('leaves a pod without a policy open', () => {
    const rules = decide(facts([]));
    assert.equal(verdict(rules, tcp('10.0.0.2', '8.8.8.8')), 'allow');
    assert.deepEqual(rules.pods[0], { pod: 'shop/a', addresses: ['10.0.0.2'] });
  });

  it('@security shuts both directions of a selected pod and of no other', () => {
    const rules = decide(facts([SHUT]));
    assert.equal(verdict(rules, tcp('10.0.0.2', '10.0.0.3')), 'refuse');
    assert.equal(verdict(rules, tcp('10.0.0.3', '10.0.0.2')), 'refuse');
    assert.equal(verdict(rules, tcp('10.0.0.3', '8.8.8.8')), 'allow');
  });

  it('@security opens a pinned address on its port alone', () => {
    const pinned = { to: [{ ipBlock: { cidr: '203.0.113.7/32' } }], ports: [{ port: 443 }] };
    const rules = decide(facts([SHUT, policy({ ...SHUT.spec, egress: [pinned] }, 'pin')]));
    assert.equal(verdict(rules, tcp('10.0.0.2', '203.0.113.7')), 'allow');
    assert.equal(verdict(rules, tcp('10.0.0.2', '203.0.113.7', 80)), 'refuse');
    assert.equal(verdict(rules, tcp('10.0.0.2', '203.0.113.8')), 'refuse');
    assert.equal(verdict(rules, { ...tcp('10.0.0.2', '203.0.113.7'), protocol: 'udp' }), 'refuse');
  });

  it('takes Ingress as the type that is always there, and Egress where egress rules are', () => {
    const ingressOnly = decide(facts([policy({ podSelector: {} })])).pods[0]!;
    assert.deepEqual([ingressOnly.ingress, ingressOnly.egress], [[], undefined]);
    const both = decide(facts([policy({ podSelector: {}, egress: [{}] })])).pods[0]!;
    assert.deepEqual(both.ingress, []);
    assert.equal(both.egress?.length, 2);
  });

  it('takes NotIn to hold where the label is absent, as the selectors of Kubernetes do', () => {
    const spec = {
      podSelector: { matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['front'] }] },
    };
    assert.equal(verdict(decide(facts([policy(spec)])), tcp('10.0.0.2', '10.0.0.3')), 'refuse');
  });

  it('follows a named port to the number it has in each destination', () => {
    const serving = (name: string, ip: string, containerPort: number): Pod =>
      pod(name, ip, {
        initContainers: [{ restartPolicy: 'Always', ports: [{ name: 'web', containerPort }] }],
      });
    const pods = [pod('a', '10.0.0.2'), serving('b', '10.0.0.3', 80), serving('c', '10.0.0.4', 81)];
    const named = { to: [{ podSelector: {} }], ports: [{ port: 'web' }] };
    const rules = decide(facts([policy({ ...SHUT.spec, egress: [named] })], pods));
    assert.equal(verdict(rules, tcp('10.0.0.2', '10.0.0.3', 80)), 'allow');
    assert.equal(verdict(rules, tcp('10.0.0.2', '10.0.0.3', 81)), 'refuse');
    assert.equal(verdict(rules, tcp('10.0.0.2', '10.0.0.4', 81)), 'allow');
  });

  const refusals: [string, NetworkPolicy['spec']][] = [
    ['not supported: policy field shadow', { podSelector: {}, shadow: 1 } as never],
    ['not supported: policy type Sideways', { podSelector: {}, policyTypes: ['Sideways'] }],
    ['not supported: protocol ICMP', { podSelector: {}, ingress: [{ ports: [{ protocol: 'ICMP' }] }] }],
    [
      'not supported: selector operator Near',
      { podSelector: { matchExpressions: [{ key: 'a', operator: 'Near' }] } },
    ],
    ['not supported: peer field dns', { podSelector: {}, egress: [{ to: [{ dns: 'x' } as never] }] }],
    ['not supported: peer without any selector', { podSelector: {}, ingress: [{ from: [{}] }] }],
  ];
  for (const [reason, spec] of refusals) {
    it(`@security shuts what it does not understand, by name: ${reason}`, () => {
      const rules = decide(
        facts([policy({ podSelector: {}, egress: [{}], ingress: [{}] }, 'open'), policy(spec, 'odd')]),
      );
      assert.deepEqual(rules.refused, [{ policy: 'shop/odd', reason }]);
      assert.equal(verdict(decide(facts([policy(spec)])), tcp('10.0.0.2', '10.0.0.3')), 'refuse');
    });
  }

  it('renders no rule for pods on the host network, for ended ones, and for one whose address a younger pod has', () => {
    const old = pod('old', '10.0.0.9');
    const young = pod('young', '10.0.0.9');
    old.metadata.creationTimestamp = '2026-01-01T00:00:00Z';
    young.metadata.creationTimestamp = '2026-01-01T00:00:09Z';
    const pods = [
      young,
      old,
      pod('host', '10.250.0.1', { hostNetwork: true }),
      pod('done', '10.0.0.5', {}, 'Succeeded'),
    ];
    const names = decide(facts([], pods)).pods.map((entry) => entry.pod);
    assert.deepEqual(names, ['shop/young']);
  });

  it('renders one table that replaces the one before', () => {
    const block = { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '10.1.2.0/24'] } };
    const spec = { ...SHUT.spec, egress: [{ to: [block], ports: [{ port: 8000, endPort: 8010 }] }] };
    const text = render(decide(facts([policy(spec)])));
    assert.match(text, /^table inet npe \{\}\ndelete table inet npe\ntable inet npe \{\n/);
    assert.match(
      text,
      / {4}ip daddr \{ 10\.0\.0\.0\/8 \} ip daddr != 10\.1\.0\.0\/16 ip daddr != 10\.1\.2\.0\/24 tcp dport 8000-8010 return\n {4}meta l4proto tcp reject with tcp reset\n/,
    );
    assert.match(text, /ip saddr vmap \{ 10\.0\.0\.2 : jump e0 \}/);
    assert.match(text, /iifname "cni0" ip saddr != \{ 10\.0\.0\.2, 10\.0\.0\.3 \} drop/);
    assert.match(text, /iifname "cni0" meta nfproto ipv6 drop/);
  });

  const blocks: [string, string, boolean][] = [
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['0.0.0.0/0', '::1', false],
    ['fd00:10::/32', 'fd00:10:244::5', true],
    ['fd00:10::/32', 'fd00:11::5', false],
    ['::ffff:0:0/96', '::ffff:10.0.0.1', true],
    ['203.0.113.7/32', '203.0.113.7', true],
  ];
  for (const [cidr, address, expected] of blocks) {
    it(`${cidr} ${expected ? 'contains' : 'does not contain'} ${address}`, () => {
      assert.equal(contains(cidr, address), expected);
    });
  }
});
