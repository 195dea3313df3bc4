/** Who may do what, asked of the real API server with the chart's roles bound as its notes say. */
import assert from 'node:assert/strict';
import { parseAllDocuments } from 'yaml';
import { helm } from '../../scripts/helm.ts';
import { connect, installCrds, makeNamespace, type RawApi } from '../crds/api.ts';

interface Manifest {
  kind: string;
  metadata: { name: string };
}

type Who = 'operator' | 'trader' | 'security';
const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
const READ = ['get', 'list', 'watch'];

/** For each resource the verbs that each may use; what is not here nobody may. */
const matrix: Record<string, Partial<Record<Who, string[]>>> = {
  'stellar-connector.io/stellarconnectors': { operator: [...READ, 'patch'], trader: VERBS, security: READ },
  'stellar-connector.io/stellarconnectors/status': { operator: ['patch'], trader: READ, security: READ },
  'stellar-connector.io/stellarconnectors/scale': { trader: ['get', 'update', 'patch'] },
  'stellar-connector.io/stellarconnectors/finalizers': { operator: ['update'] },
  'stellar-connector.io/signingpolicies': { operator: READ, trader: READ, security: VERBS },
  'stellar-connector.io/signingpolicies/status': { operator: ['patch'], trader: READ, security: READ },
  'apps/statefulsets': { operator: [...READ, 'create', 'patch'] },
  'apps/deployments': {},
  'networking.k8s.io/networkpolicies': { operator: [...READ, 'create', 'patch'] },
  '/configmaps': { operator: [...READ, 'create', 'patch'] },
  '/services': { operator: [...READ, 'create', 'patch'] },
  '/serviceaccounts': { operator: [...READ, 'create', 'patch'] },
  '/serviceaccounts/token': {},
  '/pods': { operator: [...READ, 'patch'] },
  '/pods/exec': {},
  '/secrets': { operator: ['create', 'update'] },
  '/persistentvolumeclaims': {},
  'rbac.authorization.k8s.io/rolebindings': {},
};

describe('the chart’s roles @security', () => {
  let api: RawApi;
  let namespace: string;
  const release = `rbac${process.pid}`;
  const installed: string[] = [];

  before(async () => {
    api = await connect();
    await installCrds(api);
    namespace = await makeNamespace(api, 'rbac');
    const text = helm(
      'template',
      release,
      'charts/stellar-connector-operator',
      '--namespace',
      namespace,
      '--set',
      'crds.enabled=false',
    );
    for (const document of parseAllDocuments(text)) {
      const object = document.toJS() as Manifest | null;
      if (object === null || !/Role/.test(object.kind)) continue;
      await put(`${object.kind.toLowerCase()}s/${object.metadata.name}`, object);
    }
    for (const who of ['trader', 'security']) {
      await put(`namespaces/${namespace}/rolebindings/${who}`, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: who, namespace },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `${release}-${who}` },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: who }],
      });
    }
  });
  after(async () => {
    for (const path of [...installed, `/api/v1/namespaces/${namespace}`]) await api.send('DELETE', path);
    await api.close();
  });

  async function put(at: string, object: unknown) {
    const path = `/apis/rbac.authorization.k8s.io/v1/${at}`;
    const { status, body } = await api.send('PATCH', `${path}?fieldManager=test`, object);
    assert.ok(status < 300, body.message);
    installed.push(path);
  }

  async function may(user: string, verb: string, resource: string): Promise<boolean> {
    const [group = '', name = '', subresource] = resource.split('/');
    const { body } = await api.send('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user,
        resourceAttributes: {
          namespace,
          verb,
          group,
          resource: name,
          ...(subresource ? { subresource } : {}),
        },
      },
    });
    return (body.status as unknown as { allowed: boolean }).allowed;
  }

  for (const who of ['operator', 'trader', 'security'] as const) {
    it(`let the ${who} do what the table says and nothing else`, async () => {
      const user = who === 'operator' ? `system:serviceaccount:${namespace}:${release}` : who;
      for (const [resource, allowed] of Object.entries(matrix)) {
        const answers = await Promise.all(VERBS.map((verb) => may(user, verb, resource)));
        const found = VERBS.filter((_, at) => answers[at]);
        assert.deepEqual(
          found,
          VERBS.filter((verb) => allowed[who]?.includes(verb)),
          resource,
        );
      }
    });
  }

  it('let the operator’s pod in where restricted is enforced', async () => {
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await api.send('PATCH', `/api/v1/namespaces/${namespace}?fieldManager=test`, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels },
    });
    const text = helm(
      'template',
      release,
      'charts/stellar-connector-operator',
      '--show-only',
      'templates/deployment.yaml',
    );
    const [document] = parseAllDocuments(text);
    assert.ok(document);
    const { spec } = document.toJS() as { spec: { template: { spec: Record<string, unknown> } } };
    const { serviceAccountName: _, ...pod } = spec.template.spec;
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
    await api.send(
      'PATCH',
      `/api/v1/namespaces/${namespace}/serviceaccounts/default?fieldManager=test`,
      account,
    );
    const { status, body } = await api.send('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'operator' },
      spec: pod,
    });
    assert.equal(status, 201, body.message);
  });
});
