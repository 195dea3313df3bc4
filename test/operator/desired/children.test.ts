import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { V1Container, V1NetworkPolicySpec, V1PodSpec, V1StatefulSetSpec } from '@kubernetes/client-node';
import { parse } from 'yaml';
import type { SigningPolicy, StellarConnector } from '../../../operator/api/v1alpha1.gen.ts';
import { desiredChildren, type Facts } from '../../../operator/desired/index.ts';
import type { KubeObject } from '../../../operator/kube/resource.ts';
import { aConnector, accounts, aPolicy, usdc } from '../builders.ts';

const facts: Facts = {
  images: { connector: 'connector:1', signer: 'signer:1', pullPolicy: 'IfNotPresent' },
  publicRoots: '-----BEGIN CERTIFICATE-----\n',
  operatorNamespace: 'stellar-system',
};

function children(
  connector: StellarConnector,
  policies: SigningPolicy[] = [aPolicy().build()],
  given = facts,
) {
  const all = desiredChildren(connector, policies, given);
  const find = (kind: string, name: string): KubeObject => {
    const found = all.find((object) => object.kind === kind && object.metadata.name === name);
    assert.ok(found, `no ${kind} ${name}`);
    return found;
  };
  const workload = find('StatefulSet', connector.metadata.name).spec as V1StatefulSetSpec;
  const pod = workload.template.spec as V1PodSpec;
  return {
    all,
    workload,
    pod,
    signer: pod.initContainers?.[0] as V1Container,
    connector: pod.containers[0] as V1Container,
    egress: find('NetworkPolicy', connector.metadata.name).spec as V1NetworkPolicySpec,
    data: (name: string) => find('ConfigMap', name).data as Record<string, string>,
  };
}

const env = (container: V1Container) =>
  Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value]));
const mounts = (container: V1Container) => (container.volumeMounts ?? []).map(({ name }) => name);
const hashOf = (connector: StellarConnector) =>
  children(connector).workload.template.metadata?.annotations?.['stellar-connector.io/config-hash'];

describe('the children of a connector', () => {
  const slc = aConnector().withUid('uid-1').build();

  it('are these, the NetworkPolicy first and the pod last', () => {
    assert.deepEqual(
      children(slc).all.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
      [
        'NetworkPolicy slc',
        'ServiceAccount slc',
        'ConfigMap slc-config',
        'ConfigMap slc-addresses',
        'ConfigMap slc-policy',
        'ConfigMap slc-trust',
        'Service slc',
        'StatefulSet slc',
      ],
    );
  });

  it('belong to the connector, so that they go when it goes', () => {
    for (const { metadata } of children(slc).all) {
      assert.equal(metadata.namespace, 'trading');
      assert.equal(metadata.labels?.['app.kubernetes.io/managed-by'], 'stellar-operator');
      assert.deepEqual(metadata.ownerReferences, [
        {
          apiVersion: 'stellar-connector.io/v1alpha1',
          kind: 'StellarConnector',
          name: 'slc',
          uid: 'uid-1',
          controller: true,
          blockOwnerDeletion: true,
        },
      ]);
    }
  });

  it('are the same for the same input, whatever the order of its fields', () => {
    const reversed = (value: unknown): unknown =>
      typeof value !== 'object' || value === null
        ? value
        : Array.isArray(value)
          ? value.map(reversed)
          : Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([key, of]) => [key, reversed(of)]),
            );
    const policy = aPolicy().build();
    assert.deepEqual(
      children(reversed(slc) as StellarConnector, [reversed(policy) as SigningPolicy]).all,
      children(slc, [policy]).all,
    );
  });

  it('run one pod or none', () => {
    assert.equal(children(slc).workload.replicas, 1);
    assert.equal(children(aConnector().with({ replicas: 0 }).build()).workload.replicas, 0);
    assert.equal(children(slc).workload.podManagementPolicy, 'Parallel');
  });

  it('keep both claims when the connector goes', () => {
    const { workload } = children(
      aConnector()
        .with({ storage: { signer: { size: '3Gi', className: 'fast' } } })
        .build(),
    );
    assert.deepEqual(workload.persistentVolumeClaimRetentionPolicy, {
      whenDeleted: 'Retain',
      whenScaled: 'Retain',
    });
    assert.deepEqual(
      workload.volumeClaimTemplates?.map(({ metadata, spec }) => [
        metadata?.name,
        spec?.resources?.requests?.storage,
        spec?.storageClassName,
      ]),
      [
        ['journal', '3Gi', 'fast'],
        ['state', '1Gi', undefined],
      ],
    );
  });
});

describe('the pod', () => {
  const slc = aConnector().build();
  const { pod, signer, connector, workload } = children(slc);

  it('meets the pod security standard restricted, with a root file system that nobody writes @security', () => {
    assert.equal(pod.securityContext?.runAsNonRoot, true);
    assert.equal(pod.securityContext?.seccompProfile?.type, 'RuntimeDefault');
    for (const { securityContext } of [signer, connector]) {
      assert.equal(securityContext?.allowPrivilegeEscalation, false);
      assert.equal(securityContext?.readOnlyRootFilesystem, true);
      assert.deepEqual(securityContext?.capabilities, { drop: ['ALL'] });
    }
  });

  it('runs signer and connector as different users with one shared group @security', () => {
    assert.equal(signer.securityContext?.runAsUser, 10001);
    assert.equal(connector.securityContext?.runAsUser, 10002);
    assert.equal(pod.securityContext?.fsGroup, 10000);
  });

  it('has no token for the API server and no DNS @security', () => {
    assert.equal(pod.automountServiceAccountToken, false);
    assert.equal(pod.enableServiceLinks, false);
    assert.equal(pod.dnsPolicy, 'None');
    assert.deepEqual(pod.dnsConfig?.nameservers, ['127.0.0.1']);
    assert.ok(!pod.volumes?.some((volume) => volume.projected || volume.hostPath));
  });

  it('shows the PIN, the journal and the policy to the signer alone @security', () => {
    for (const name of ['pin', 'journal', 'policy', 'signer-tls']) {
      assert.ok(mounts(signer).includes(name), name);
      assert.ok(!mounts(connector).includes(name), name);
    }
    assert.deepEqual(pod.volumes?.find(({ name }) => name === 'pin')?.secret, {
      secretName: 'slc-pin',
      optional: true,
      defaultMode: 0o440,
      items: [{ key: 'pin', path: 'pin' }],
    });
  });

  it('shares the socket in memory, which the connector cannot replace @security', () => {
    assert.deepEqual(pod.volumes?.find(({ name }) => name === 'socket')?.emptyDir, {
      medium: 'Memory',
      sizeLimit: '1Mi',
    });
    const mount = (of: V1Container) => of.volumeMounts?.find(({ name }) => name === 'socket');
    assert.equal(mount(signer)?.readOnly, undefined);
    assert.equal(mount(connector)?.readOnly, true);
    assert.equal(env(signer).STELLAR_SIGNER_SOCKET, env(connector).STELLAR_SIGNER_SOCKET);
  });

  it('starts the connector only after the signer has signed', () => {
    assert.equal(signer.restartPolicy, 'Always');
    assert.deepEqual(signer.startupProbe?.httpGet, { scheme: 'HTTPS', path: '/readyz', port: 'signer' });
    assert.equal(signer.ports?.find(({ name }) => name === 'signer')?.containerPort, 15889);
    assert.equal(connector.ports?.find(({ name }) => name === 'health')?.containerPort, 15890);
  });

  it('tells the signer its account, network and token', () => {
    const { STELLAR_ACCOUNT, STELLAR_NETWORK_PASSPHRASE, STELLAR_PKCS11_TOKEN_LABEL, STELLAR_PKCS11_MODULE } =
      env(signer);
    assert.equal(STELLAR_ACCOUNT, accounts.trader);
    assert.equal(STELLAR_NETWORK_PASSPHRASE, 'Sandbox Network ; 2026');
    assert.equal(STELLAR_PKCS11_TOKEN_LABEL, 'trading');
    assert.equal(STELLAR_PKCS11_MODULE, '/usr/lib/softhsm/libsofthsm2.so');
    assert.ok(!('SOFTHSM2_CONF' in env(signer)), 'the library of the image has its configuration there');
  });

  it('knows the passphrases of the public networks', () => {
    const on = (network: string) =>
      env(children(aConnector().with({ network, networkPassphrase: undefined }).build()).signer)
        .STELLAR_NETWORK_PASSPHRASE;
    assert.equal(on('public'), 'Public Global Stellar Network ; September 2015');
    assert.equal(on('testnet'), 'Test SDF Network ; September 2015');
  });

  it('has the annotations of the connector, and meshes told to stay out @security', () => {
    const own = aConnector().with({
      podTemplate: { annotations: { 'karpenter.sh/do-not-disrupt': 'true', 'linkerd.io/inject': 'enabled' } },
    });
    const { annotations, labels } = children(own.build()).workload.template.metadata ?? {};
    assert.equal(annotations?.['karpenter.sh/do-not-disrupt'], 'true');
    assert.equal(annotations?.['linkerd.io/inject'], 'disabled');
    assert.equal(labels?.['sidecar.istio.io/inject'], 'false');
  });

  it('runs where the connector says, with the resources that it gives', () => {
    const own = aConnector().with({
      podTemplate: {
        nodeSelector: { pool: 'hsm' },
        tolerations: [{ key: 'hsm', operator: 'Exists' }],
        affinity: { nodeAffinity: {} },
        resources: { signer: { limits: { 'nitrokey.com/hsm': 1 } } },
      },
    });
    const found = children(own.build());
    assert.deepEqual(found.pod.nodeSelector, { pool: 'hsm' });
    assert.deepEqual(found.pod.tolerations, [{ key: 'hsm', operator: 'Exists' }]);
    assert.deepEqual(found.signer.resources, { limits: { 'nitrokey.com/hsm': '1' } });
    assert.equal(found.connector.resources?.requests?.cpu, '100m');
  });

  it('restarts for a change of the configuration, not of addresses', () => {
    const url = 'https://horizon.sandbox.test';
    const moved = aConnector().with({ horizon: { endpoints: [{ url, addresses: ['203.0.113.9'] }] } });
    const renamed = aConnector().with({
      horizon: { endpoints: [{ url: `${url}/v2`, addresses: ['203.0.113.7'] }] },
    });
    assert.equal(hashOf(moved.build()), hashOf(slc));
    assert.notEqual(hashOf(renamed.build()), hashOf(slc));
    const config = children(slc).data('slc-config')['connector.yaml'] ?? '';
    assert.equal(hashOf(slc), createHash('sha256').update(config).digest('hex'));
    assert.equal(workload.template.metadata?.labels?.['app.kubernetes.io/instance'], 'slc');
  });
});

describe('the PKCS#11 library', () => {
  const withModule = (module: object) =>
    children(
      aConnector()
        .edit(({ signer }) => {
          if (signer?.pkcs11) signer.pkcs11.module = module;
        })
        .build(),
    );

  it('comes from an image, read-only', () => {
    const { pod, signer } = withModule({ image: { reference: 'hsm:1', path: 'lib/p11.so' } });
    const volume = pod.volumes?.find(({ name }) => name === 'module');
    assert.deepEqual(volume?.image, { reference: 'hsm:1', pullPolicy: 'IfNotPresent' });
    assert.deepEqual(
      signer.volumeMounts?.find(({ name }) => name === 'module'),
      { name: 'module', mountPath: '/opt/pkcs11', readOnly: true },
    );
    assert.equal(env(signer).STELLAR_PKCS11_MODULE, '/opt/pkcs11/lib/p11.so');
  });

  it('comes from a claim, which SoftHSM may write to', () => {
    const { pod, signer, connector } = withModule({
      pvc: { claimName: 'driver', path: 'p11.so', readOnly: false },
    });
    const volume = pod.volumes?.find(({ name }) => name === 'module');
    assert.deepEqual(volume?.persistentVolumeClaim, { claimName: 'driver', readOnly: false });
    assert.equal(signer.volumeMounts?.find(({ name }) => name === 'module')?.readOnly, false);
    assert.equal(env(signer).SOFTHSM2_CONF, '/opt/pkcs11/softhsm2.conf');
    assert.ok(!mounts(connector).includes('module'));
  });
});

describe('the NetworkPolicy @security', () => {
  it('denies both ways what it does not name, DNS included', () => {
    const { egress } = children(aConnector().build());
    assert.deepEqual(egress.policyTypes, ['Ingress', 'Egress']);
    assert.deepEqual(egress.podSelector?.matchLabels, {
      'app.kubernetes.io/name': 'stellar-connector',
      'app.kubernetes.io/instance': 'slc',
    });
    assert.deepEqual(egress.egress, [
      { to: [{ ipBlock: { cidr: '203.0.113.7/32' } }], ports: [{ protocol: 'TCP', port: 443 }] },
    ]);
  });

  it('lets each address out at the port of its URL, and the HSM at its own', () => {
    const connector = aConnector()
      .with({
        horizon: {
          endpoints: [
            { url: 'https://a.example.org', addresses: ['203.0.113.7', '2001:db8::7'] },
            { url: 'https://b.example.org:8443', addresses: ['203.0.113.8'] },
            { url: 'https://a.example.org/second', addresses: ['203.0.113.7'] },
          ],
        },
      })
      .edit(({ signer }) =>
        Object.assign(signer?.pkcs11 ?? {}, { endpoints: ['10.0.0.5:1792', '[fd00::5]:443'] }),
      );
    const { egress, data } = children(connector.build());
    assert.deepEqual(
      egress.egress?.map(({ to, ports }) => [ports?.[0]?.port, to?.map(({ ipBlock }) => ipBlock?.cidr)]),
      [
        [443, ['203.0.113.7/32', '2001:db8::7/128', 'fd00::5/128']],
        [8443, ['203.0.113.8/32']],
        [1792, ['10.0.0.5/32']],
      ],
    );
    assert.deepEqual(JSON.parse(data('slc-addresses')['addresses.json'] ?? ''), {
      hosts: { 'a.example.org': ['203.0.113.7', '2001:db8::7'], 'b.example.org': ['203.0.113.8'] },
    });
  });

  it('lets nothing out when there is no address', () => {
    const connector = aConnector().with({ horizon: { endpoints: [{ url: 'https://a.example.org' }] } });
    assert.deepEqual(children(connector.build()).egress.egress, []);
  });

  it('lets the pods of the namespace to the gateway, and operator and Prometheus to health and metrics', () => {
    const prometheus = { matchLabels: { team: 'monitoring' } };
    const connector = aConnector().with({ monitoring: { from: prometheus } });
    assert.deepEqual(children(connector.build()).egress.ingress, [
      { from: [{ podSelector: {} }], ports: [{ protocol: 'TCP', port: 15888 }] },
      {
        from: [
          {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'stellar-system' } },
            podSelector: { matchLabels: { 'app.kubernetes.io/name': 'stellar-connector-operator' } },
          },
          { namespaceSelector: prometheus },
        ],
        ports: [
          { protocol: 'TCP', port: 15889 },
          { protocol: 'TCP', port: 15890 },
        ],
      },
    ]);
  });

  it('lets nobody in where nobody is named: an empty list would mean everybody', () => {
    const connector = aConnector().with({ gateway: { from: [] } });
    const { operatorNamespace: _, ...outside } = facts;
    assert.deepEqual(children(connector.build(), [aPolicy().build()], outside).egress.ingress, []);
  });

  it('lets in whom gateway.from names instead of the namespace', () => {
    const from = [{ podSelector: { matchLabels: { app: 'hummingbot' } }, namespaceSelector: {} }];
    const { ingress } = children(aConnector().with({ gateway: { from } }).build()).egress;
    assert.deepEqual(ingress?.[0], { from, ports: [{ protocol: 'TCP', port: 15888 }] });
  });
});

describe('the files', () => {
  it('tell the connector its network, servers and markets', () => {
    const connector = aConnector().with({
      horizon: {
        endpoints: [
          { url: 'https://a.example.org', addresses: ['203.0.113.7'] },
          {
            url: 'https://b.example.org',
            addresses: ['203.0.113.8'],
            caBundleRef: { name: 'own-ca', key: 'root' },
          },
        ],
        quorum: 2,
      },
    });
    const { data, pod, connector: container } = children(connector.build());
    assert.deepEqual(parse(data('slc-config')['connector.yaml'] ?? ''), {
      network: 'sandbox',
      networkPassphrase: 'Sandbox Network ; 2026',
      account: accounts.trader,
      horizon: {
        endpoints: [
          { url: 'https://a.example.org' },
          { url: 'https://b.example.org', caFile: '/etc/stellar-connector/ca/1/ca.pem' },
        ],
        quorum: 2,
      },
      markets: [{ base: 'XLM', quote: usdc }],
    });
    assert.deepEqual(pod.volumes?.find(({ name }) => name === 'ca-1')?.configMap, {
      name: 'own-ca',
      optional: true,
      items: [{ key: 'root', path: 'ca.pem' }],
    });
    assert.equal(
      container.volumeMounts?.find(({ name }) => name === 'ca-1')?.mountPath,
      '/etc/stellar-connector/ca/1',
    );
  });

  it('hold every policy as a whole object without what the API server adds to it', () => {
    const policies = [aPolicy().named('a').withUid('u'), aPolicy().named('b').with({ killSwitch: true })];
    const data = children(
      aConnector().build(),
      policies.map((policy) => policy.build()),
    ).data('slc-policy');
    assert.deepEqual(Object.keys(data), ['a.yaml', 'b.yaml']);
    const { metadata, spec, ...rest } = parse(data['b.yaml'] ?? '') as SigningPolicy;
    assert.deepEqual(rest, { apiVersion: 'stellar-connector.io/v1alpha1', kind: 'SigningPolicy' });
    assert.deepEqual(metadata, { name: 'b' });
    assert.deepEqual(spec, policies[1]?.build().spec);
    assert.doesNotMatch(data['a.yaml'] ?? '', /uid/);
  });

  it('publish the roots of the client certificates as they are', () => {
    assert.deepEqual(children(aConnector().build()).data('slc-trust'), { 'ca_cert.pem': facts.publicRoots });
  });
});
