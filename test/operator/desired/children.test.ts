import assert from 'node:assert/strict';
import { parse } from 'yaml';
import type { SigningPolicy, StellarConnector } from '../../../operator/api/v1alpha1.gen.ts';
import { aConnector, accounts, aPolicy, usdc } from '../builders.ts';
import { children, facts } from './family.ts';

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
        'ConfigMap slc-journal',
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
