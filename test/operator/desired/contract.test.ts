/** What the operator writes is what signer and connector read: their own configuration code is asked. */
import assert from 'node:assert/strict';
import type { V1Container } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { loadEnvironment, parseConnectorFile } from '../../../connector/config.ts';
import { loadSignerConfig } from '../../../sidecar/config.ts';
import { signingPolicy } from '../../../sidecar/policy/schema.ts';
import { completePolicy, withVault } from '../../crds/good.ts';
import { aConnector, aPolicy } from '../builders.ts';
import { children, env } from './family.ts';

/** The variables that name a file or folder and lie in no volume that the container mounts. */
function astray(container: V1Container): string[] {
  const roots = (container.volumeMounts ?? []).map(({ mountPath }) => mountPath);
  return Object.entries(env(container))
    .filter(([name]) => /_(FILE|DIR|SOCKET)$/.test(name))
    .filter(([, value]) => !roots.some((root) => value === root || value?.startsWith(`${root}/`)))
    .map(([name]) => name);
}

describe('the contract with signer and connector', () => {
  const connectors = {
    'by label': aConnector(),
    'by label, with an audit key and a fixed encoding': aConnector().edit(({ signer }) => {
      Object.assign(signer?.pkcs11 ?? {}, { auditKeyLabel: 'audit', pointEncoding: 'Raw' });
    }),
    'by serial and id': aConnector().edit(({ signer }) => {
      delete signer?.pkcs11?.tokenLabel;
      delete signer?.pkcs11?.keyLabel;
      Object.assign(signer?.pkcs11 ?? {}, { tokenSerial: '0123456789abcdef', keyId: '00ff' });
    }),
  };

  for (const [title, connector] of Object.entries(connectors)) {
    it(`gives the signer variables that it takes, token and key ${title}`, () => {
      const { signer } = children(connector.build());
      const given = env(signer);
      assert.equal(loadSignerConfig({ env: given }).backend.type, 'pkcs11');
      assert.deepEqual(astray(signer), []);
      const { auditKeyLabel, pointEncoding } = connector.build().spec.signer.pkcs11!;
      assert.equal(given.STELLAR_PKCS11_AUDIT_KEY_LABEL, auditKeyLabel);
      assert.equal(given.STELLAR_PKCS11_POINT_ENCODING, pointEncoding);
    });
  }

  it('gives the signer variables that it takes for a key in Vault', () => {
    const { signer } = children(withVault.build());
    assert.deepEqual(astray(signer), []);
    assert.deepEqual(loadSignerConfig({ env: env(signer) }).backend, {
      type: 'vault',
      address: 'https://vault.example.org:8200',
      namespace: 'trading',
      mount: 'transit',
      key: 'stellar',
      keyVersion: 2,
      auditKey: { name: 'audit', version: 1 },
      caFile: '/etc/stellar-signer/vault-ca/ca.pem',
      auth: {
        kubernetes: { role: 'signer', mount: 'kubernetes', jwtFile: '/etc/stellar-signer/vault-token/token' },
      },
    });
    const little = withVault.edit(({ signer: of }) => {
      for (const field of ['namespace', 'mount', 'keyVersion', 'auditKey', 'caBundleRef'] as const)
        delete of?.vaultTransit?.[field];
    });
    const { backend } = loadSignerConfig({ env: env(children(little.build()).signer) });
    assert.ok(backend.type === 'vault');
    assert.deepEqual([backend.mount, backend.keyVersion, backend.caFile], ['transit', 1, undefined]);
  });

  it('gives the connector variables that it takes', () => {
    const { connector } = children(aConnector().build());
    assert.doesNotThrow(() => loadEnvironment(env(connector)));
    assert.deepEqual(astray(connector), []);
  });

  it('writes a configuration that the connector takes', () => {
    const withCa = aConnector().edit(({ horizon }) => {
      Object.assign(horizon?.endpoints?.[0] ?? {}, {
        caBundleRef: { name: 'own-ca', key: 'ca.crt' },
        spkiPins: [`sha256/${'A'.repeat(43)}=`, `sha256/${'A'.repeat(42)}E=`],
      });
    });
    const { data } = children(withCa.build());
    const { horizon, network } = parseConnectorFile(
      data('slc-config')['connector.yaml'] ?? '',
      'connector.yaml',
    );
    assert.equal(network, 'sandbox');
    assert.equal(horizon.endpoints[0]?.caFile, '/etc/stellar-connector/ca/0/ca.pem');
  });

  it('writes policies that the signer takes', () => {
    const policies = [aPolicy().named('little'), completePolicy.named('complete')];
    const data = children(
      aConnector().build(),
      policies.map((policy) => policy.build()),
    ).data('slc-policy');
    for (const [name, text] of Object.entries(data)) {
      const { error } = signingPolicy.safeParse(parse(text));
      assert.equal(error, undefined, `${name}: ${error?.message}`);
    }
  });
});
