import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { clusterAccess } from './access.ts';
import { createApi } from './api.ts';
import { apply, createKubectl, type Kubectl } from './kubectl.ts';
import type { Facts, NetworkPolicy, Pod } from './policy-engine/model.ts';
import { verdict } from './policy-engine/render.ts';
import { decide } from './policy-engine/rules.ts';
import { opened, reach, type Target } from './reach.ts';
import { run } from './run.ts';
import { restrictedNamespace, SERVER_PORT, serverPod } from './workload.ts';

const PINNED: Target = 'tcp://203.0.113.7:443';
/** Second port and second address of the world, both families, and the metadata addresses of clouds. */
const WORLD: Target[] = [
  'tcp://203.0.113.7:80',
  'tcp://203.0.113.8:443',
  'tcp://[2001:db8::7]:443',
  'udp://8.8.8.8:53',
  'udp://[2001:4860:4860::8888]:53',
  'tcp://169.254.169.254:80',
  'tcp://169.254.170.2:80',
  'tcp://[fd00:ec2::254]:80',
];
const API: Target[] = ['tcp://10.96.0.1:443', 'tcp://10.250.0.1:6443', 'tcp://[fd00:250::1]:6443'];

const denyAll = (namespace: string, app: string, egress: object[] = []): object => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: `only-${app}`, namespace },
  spec: { podSelector: { matchLabels: { app } }, policyTypes: ['Ingress', 'Egress'], egress },
});

describe('reaching out from a pod', function () {
  this.timeout(60_000);
  const namespace = `reach-${randomBytes(3).toString('hex')}`;
  const names = ['open', 'shut', 'peer'];
  let kubectl: Kubectl;
  let everything: Target[];

  const podTargets = async (name: string): Promise<Target[]> => {
    const pod = JSON.parse(await kubectl(['get', 'pod', '-n', namespace, name, '-o', 'json'])) as Pod;
    return pod.status!.podIPs!.map(
      ({ ip }): Target => `tcp://${ip.includes(':') ? `[${ip}]` : ip}:${SERVER_PORT}`,
    );
  };

  /** Policy comes into force a moment after it is applied, as with every engine: tries again until it is seen. */
  const settled = async (app: string, targets: Target[], expected: Target[]): Promise<void> => {
    for (let tries = 0; ; tries++) {
      const seen = opened(await reach(kubectl, { namespace, pod: app }, targets));
      if (tries < 20 && seen.join() !== expected.join()) await pause(100);
      else return assert.deepEqual(seen, expected);
    }
  };

  before(async () => {
    kubectl = createKubectl();
    await apply(
      kubectl,
      restrictedNamespace(namespace),
      ...names.map((name) => serverPod({ namespace, name })),
    );
    await kubectl(['wait', '-n', namespace, '--for=condition=Ready', 'pod', '--all', '--timeout=50s']);
    everything = [PINNED, ...WORLD, ...API, ...(await podTargets('peer'))];
  });
  after(() => kubectl(['delete', 'namespace', namespace, '--wait=false']));

  it('a pod without policy reaches every address there is', async () => {
    await settled('open', everything, everything);
  });

  it('@security a pod with default deny and one address reaches that address and nothing else', async () => {
    const pin = { to: [{ ipBlock: { cidr: '203.0.113.7/32' } }], ports: [{ port: 443, protocol: 'TCP' }] };
    await apply(kubectl, denyAll(namespace, 'shut', [pin]));
    await settled('shut', everything, [PINNED]);
    await settled('open', await podTargets('shut'), []);
  });

  it('@security a shut pod does not get round it by link-local addresses', async () => {
    const link = JSON.parse(
      await run('ip', ['-j', '-6', 'addr', 'show', 'dev', 'cni0', 'scope', 'link']),
    ) as {
      addr_info?: { local?: string }[];
    }[];
    const gateway = link.flatMap(({ addr_info = [] }) => addr_info).find(({ local }) => local)?.local;
    assert.ok(gateway, 'the bridge has a link-local address');
    await settled('shut', [`tcp://[${gateway}%eth0]:6443`, PINNED], [PINNED]);
  });

  it('takes a policy away as soon as it is deleted', async () => {
    await apply(kubectl, denyAll(namespace, 'peer'));
    await settled('peer', [PINNED], []);
    await kubectl(['delete', 'networkpolicy', '-n', namespace, 'only-peer']);
    await settled('peer', [PINNED], [PINNED]);
  });

  it('carries out on real packets what the verdict function says', async () => {
    const block = { ipBlock: { cidr: '0.0.0.0/0', except: ['203.0.113.0/24', '10.0.0.0/8'] } };
    const policies: NetworkPolicy['spec'][] = [
      { podSelector: {}, policyTypes: ['Egress'], egress: [{ to: [block] }] },
      {
        podSelector: {},
        policyTypes: ['Ingress'],
        ingress: [{ ports: [{ port: 'hello', protocol: 'TCP' }] }],
      },
      {
        podSelector: {},
        policyTypes: ['Egress'],
        egress: [{ to: [{ podSelector: { matchLabels: { app: 'peer' } } }] }],
      },
      {
        podSelector: {},
        policyTypes: ['Egress'],
        egress: [{ ports: [{ port: 80, endPort: 443, protocol: 'TCP' }] }],
      },
    ];
    const api = createApi(clusterAccess().kubeconfig);
    const targets: Target[] = [
      PINNED,
      'tcp://192.0.2.9:80',
      'tcp://192.0.2.9:8080',
      'tcp://10.11.12.13:443',
      'udp://8.8.8.8:53',
    ];
    targets.push(...(await podTargets('peer')).slice(0, 1), ...(await podTargets('open')).slice(0, 1));
    for (const spec of policies) {
      await apply(kubectl, {
        ...denyAll(namespace, 'open'),
        spec: { ...spec, podSelector: { matchLabels: { app: 'open' } } },
      });
      const list = async <T>(path: string): Promise<T[]> => (await api.get<{ items: T[] }>(path)).items;
      const facts: Facts = {
        pods: await list('/api/v1/pods'),
        namespaces: await list('/api/v1/namespaces'),
        policies: await list('/apis/networking.k8s.io/v1/networkpolicies'),
      };
      const source = (await podTargets('open'))[0]!.replace(/^tcp:\/\/|:\d+$/g, '');
      const expected = targets.filter((target) => {
        const [, protocol, destination, port] = /^(tcp|udp):\/\/(.*):(\d+)$/.exec(target)!;
        const packet = { source, destination: destination!, protocol: protocol as 'tcp', port: Number(port) };
        // A pod always reaches itself: such a packet never leaves it.
        return destination === source || verdict(decide(facts), packet) === 'allow';
      });
      assert.ok(expected.length < targets.length || spec.ingress, 'the policy refuses something');
      await settled('open', targets, expected);
    }
    await api.close();
  });

  it('@security has no link out of the machine', async () => {
    const links = async (...where: string[]): Promise<string[]> =>
      (JSON.parse(await run('ip', [...where, '-j', 'link'])) as { ifname: string }[]).map(
        ({ ifname }) => ifname,
      );
    const own = (await links()).filter((name) => !name.startsWith('veth')).sort();
    assert.deepEqual(own, ['cni0', 'lo', 'meta0', 'node0', 'w0']);
    assert.deepEqual((await links('-n', 'world')).sort(), ['lo', 'w1']);
  });
});
