import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { V1ClusterRole, V1Deployment, V1NetworkPolicy } from '@kubernetes/client-node';
import { parse, parseAllDocuments } from 'yaml';
import { operatorPodLabels } from '../../operator/desired/names.ts';
import { helm } from '../../scripts/helm.ts';

const CHART = 'charts/stellar-connector-operator';
const values = (...set: string[]) => set.flatMap((one) => ['--set', one]);

interface Rendered {
  kind: string;
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> };
}

function render(...set: string[]): Rendered[] {
  const text = helm(
    'template',
    'op',
    CHART,
    '--namespace',
    'stellar-system',
    '--kube-version',
    '1.36.0',
    ...values(...set),
  );
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
}

function find<T = Rendered>(objects: Rendered[], kind: string, name = 'op'): T {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  assert.ok(found, `no ${kind} ${name}`);
  return found as T;
}

describe('the chart', () => {
  const objects = render();

  it('passes helm lint', () => {
    assert.match(helm('lint', '--strict', CHART), /0 chart\(s\) failed/);
  });

  it('brings the CRDs of the project, kept at uninstall', () => {
    for (const plural of ['stellarconnectors', 'signingpolicies']) {
      const { metadata, ...rest } = find(
        objects,
        'CustomResourceDefinition',
        `${plural}.stellar-connector.io`,
      );
      const { metadata: _, ...source } = parse(readFileSync(`crds/${plural}.yaml`, 'utf8')) as Rendered;
      assert.deepEqual(rest, source);
      assert.deepEqual(metadata.annotations, { 'helm.sh/resource-policy': 'keep' });
    }
  });

  it('leaves the CRDs out or lets them go, if told', () => {
    assert.ok(!render('crds.enabled=false').some(({ kind }) => kind === 'CustomResourceDefinition'));
    const let_go = render('crds.keep=false').filter(({ kind }) => kind === 'CustomResourceDefinition');
    assert.deepEqual(
      let_go.map(({ metadata }) => metadata.annotations),
      [undefined, undefined],
    );
  });

  it('gives the operator no way to read a Secret @security', () => {
    const { rules } = find<V1ClusterRole>(objects, 'ClusterRole');
    const verbs = (rules ?? [])
      .filter(({ resources }) => resources?.includes('secrets'))
      .flatMap((rule) => rule.verbs);
    assert.deepEqual(verbs, ['create', 'update']);
    for (const { apiGroups, resources, verbs: all } of rules ?? []) {
      assert.ok(![...(apiGroups ?? []), ...(resources ?? []), ...all].includes('*'), 'a wildcard');
      assert.ok(!resources?.some((name) => /exec|attach|portforward|token|role|webhook/.test(name)));
    }
  });

  it('gives rights in the watched namespaces alone, if there is a list @security', () => {
    const some = render('watchNamespaces={a,b}');
    assert.ok(!some.some(({ kind }) => kind === 'ClusterRoleBinding'));
    const bound = some.filter(({ kind }) => kind === 'RoleBinding').map(({ metadata }) => metadata.namespace);
    assert.deepEqual(bound, ['a', 'b']);
    const env = find<V1Deployment>(some, 'Deployment').spec?.template.spec?.containers[0]?.env;
    assert.equal(env?.find(({ name }) => name === 'STELLAR_WATCH_NAMESPACES')?.value, 'a,b');
  });

  it('runs the operator within restricted, with the images that it is to use @security', () => {
    const { spec } = find<V1Deployment>(
      render('images.connector=c@sha256:1', 'images.signer=s@sha256:2', 'images.pullPolicy=Never'),
      'Deployment',
    );
    const pod = spec?.template.spec;
    const container = pod?.containers[0];
    assert.equal(pod?.securityContext?.runAsNonRoot, true);
    assert.equal(pod?.securityContext?.seccompProfile?.type, 'RuntimeDefault');
    assert.equal(container?.securityContext?.allowPrivilegeEscalation, false);
    assert.equal(container?.securityContext?.readOnlyRootFilesystem, true);
    assert.deepEqual(container?.securityContext?.capabilities?.drop, ['ALL']);
    const env = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));
    assert.equal(env.STELLAR_CONNECTOR_IMAGE, 'c@sha256:1');
    assert.equal(env.STELLAR_SIGNER_IMAGE, 's@sha256:2');
    assert.equal(env.STELLAR_IMAGE_PULL_POLICY, 'Never');
  });

  it('labels the operator’s pods as the connectors’ NetworkPolicies expect', () => {
    const labels = find<V1Deployment>(objects, 'Deployment').spec?.template.metadata?.labels ?? {};
    for (const [name, value] of Object.entries(operatorPodLabels)) assert.equal(labels[name], value);
  });

  it('shuts the operator in as well: API server and connectors, nothing else, no DNS @security', () => {
    const { spec } = find<V1NetworkPolicy>(objects, 'NetworkPolicy');
    assert.deepEqual(spec?.policyTypes, ['Ingress', 'Egress']);
    assert.deepEqual(spec?.ingress, []);
    assert.deepEqual(
      spec?.egress?.map(({ ports }) => ports?.map(({ port }) => port)),
      [
        [443, 6443],
        [15889, 15890],
      ],
    );
    const narrow = render(
      'networkPolicy.apiServer.cidrs={10.96.0.1/32}',
      'networkPolicy.apiServer.ports={6443}',
    );
    assert.deepEqual(find<V1NetworkPolicy>(narrow, 'NetworkPolicy').spec?.egress?.[0], {
      to: [{ ipBlock: { cidr: '10.96.0.1/32' } }],
      ports: [{ protocol: 'TCP', port: 6443 }],
    });
    const open = render('networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.team=monitoring');
    assert.deepEqual(find<V1NetworkPolicy>(open, 'NetworkPolicy').spec?.ingress?.[0]?.ports, [
      { protocol: 'TCP', port: 15891 },
    ]);
  });

  for (const wrong of [
    'image=x',
    'images.pullPolicy=Sometimes',
    'logLevel=loud',
    'watchNamespaces={All}',
    'crds.enabled=yes',
    'roles=null',
    'networkPolicy=null',
    'networkPolicy.apiServer.cidrs={somewhere}',
    // A rule without ports would let everything out.
    'networkPolicy.apiServer.ports=null',
  ]) {
    it(`refuses the value ${wrong}`, () => {
      assert.throws(() => render(wrong), /values don't meet the specifications of the schema/);
    });
  }
});
