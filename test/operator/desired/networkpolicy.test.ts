import assert from 'node:assert/strict';
import { aConnector, aPolicy } from '../builders.ts';
import { children, facts } from './family.ts';

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
