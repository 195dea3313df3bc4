/** The children as the API server sees them: valid, within `restricted`, and not changed by being applied again. */
import assert from 'node:assert/strict';
import type { V1PodTemplateSpec } from '@kubernetes/client-node';
import { desiredChildren, type Facts } from '../../../operator/desired/index.ts';
import { apiVersionOf, type KubeObject, pathOf, resource } from '../../../operator/kube/resource.ts';
import { connect, makeNamespace, type RawApi } from '../../crds/api.ts';
import { complete, withVault, withVolume } from '../../crds/good.ts';
import { aConnector, aPolicy } from '../builders.ts';

const facts: Facts = {
  images: { connector: 'connector:1', signer: 'signer:1', pullPolicy: 'Never' },
  publicRoots: 'PEM',
  operatorNamespace: 'stellar-system',
};
const kinds = [
  resource('networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy'),
  resource('', 'v1', 'serviceaccounts', 'ServiceAccount'),
  resource('', 'v1', 'configmaps', 'ConfigMap'),
  resource('', 'v1', 'services', 'Service'),
  resource('apps', 'v1', 'statefulsets', 'StatefulSet'),
];
const connectors = {
  'a connector with little': aConnector(),
  'a connector with every field and an image volume': complete.named('full'),
  'a connector with a volume': withVolume.named('volume'),
  'a connector with a key in Vault': withVault.named('vault'),
};

describe('the API server with the children', () => {
  let api: RawApi;
  let namespace: string;

  before(async () => {
    api = await connect();
    namespace = await makeNamespace(api, 'children');
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await api.send('PATCH', `/api/v1/namespaces/${namespace}?fieldManager=test`, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels },
    });
  });
  after(async () => {
    await api.send('DELETE', `/api/v1/namespaces/${namespace}`);
    await api.close();
  });

  async function apply(object: KubeObject) {
    const of = kinds.find((kind) => kind.kind === object.kind && apiVersionOf(kind) === object.apiVersion);
    assert.ok(of, `${object.apiVersion} ${object.kind}`);
    const path = pathOf(of, { namespace, name: object.metadata.name });
    const { status, body } = await api.send(
      'PATCH',
      `${path}?fieldManager=stellar-operator&force=true`,
      object,
    );
    assert.ok(status === 200 || status === 201, `${object.kind}: ${body.message}`);
    return body as unknown as KubeObject;
  }

  for (const [title, connector] of Object.entries(connectors)) {
    const children = () =>
      desiredChildren(connector.inNamespace(namespace).build(), [aPolicy().build()], facts);

    it(`takes those of ${title}, and a second apply writes nothing`, async () => {
      for (const child of children()) {
        let last = await apply(child);
        // The StatefulSet's controller writes its status in between, but not for ever; an apply that writes would.
        for (let tries = 0; tries < 5; tries += 1) {
          const { resourceVersion } = last.metadata;
          last = await apply(child);
          if (last.metadata.resourceVersion === resourceVersion) break;
          assert.ok(tries < 4, `${child.kind} changes with every apply`);
        }
      }
    });

    it(`admits the pod of ${title} where restricted is enforced @security`, async () => {
      const workload = children().find(({ kind }) => kind === 'StatefulSet');
      assert.ok(workload);
      const { template } = workload.spec as { template: V1PodTemplateSpec };
      const claims = ['journal', 'state'].map((name) => ({
        name,
        persistentVolumeClaim: { claimName: name },
      }));
      const spec = { ...template.spec, volumes: [...(template.spec?.volumes ?? []), ...claims] };
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'probe' }, spec };
      const { status, body } = await api.send('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod);
      assert.equal(status, 201, body.message);
    });
  }
});
