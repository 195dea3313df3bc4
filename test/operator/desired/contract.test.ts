/** What the operator writes is what signer and connector read: their own configuration code is asked. */
import assert from 'node:assert/strict';
import type { V1Container } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { limits, loadEnvironment, parseConnectorFile } from '../../../connector/config.ts';
import { loadSignerConfig } from '../../../sidecar/config.ts';
import { signingPolicy } from '../../../sidecar/policy/schema.ts';
import { completePolicy, withVault } from '../../crds/good.ts';
import { aConnector, accounts, aPolicy } from '../builders.ts';
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
    const auth = { name: 'provider', key: 'token', header: 'X-Api-Key' };
    const all = aConnector()
      .with({
        channelAccounts: [accounts.other],
        gateway: { clients: ['hummingbot'] },
        rpc: { endpoints: [{ url: 'https://rpc.example.org', authSecretRef: auth }] },
      })
      .edit(({ horizon }) => {
        Object.assign(horizon?.endpoints?.[0] ?? {}, {
          caBundleRef: { name: 'own-ca', key: 'ca.crt' },
          spkiPins: [`sha256/${'A'.repeat(43)}=`, `sha256/${'A'.repeat(42)}E=`],
        });
        horizon?.endpoints?.push({ url: 'https://second.example.org', authSecretRef: auth });
        Object.assign(horizon ?? {}, { quorum: 2 });
      });
    const { data, connector } = children(all.build());
    const file = parseConnectorFile(data('slc-config')['connector.yaml'] ?? '', 'connector.yaml');
    const paths = [...file.horizon.endpoints, ...file.rpc!.endpoints].flatMap(({ caFile, auth: of }) =>
      [caFile, of?.file].filter((path) => path !== undefined),
    );
    assert.deepEqual(paths, [
      '/etc/stellar-connector/ca/0/ca.pem',
      '/etc/stellar-connector/auth/1/value',
      '/etc/stellar-connector/auth/rpc-0/value',
    ]);
    const mounts = (connector.volumeMounts ?? []).map(({ mountPath }) => mountPath);
    for (const path of paths)
      assert.ok(
        mounts.some((mount) => path.startsWith(`${mount}/`)),
        path,
      );
    assert.deepEqual(
      [file.network, file.channelAccounts, file.horizon.quorum, file.gateway.clients],
      ['sandbox', [accounts.other], 2, ['hummingbot']],
    );
    assert.equal(file.rpc!.endpoints[0]!.auth!.header, 'X-Api-Key');
  });

  it('writes the tightest limits of the policies in a form that the connector takes', () => {
    const tight = completePolicy.named('complete').with({
      maxOperations: 3,
      fees: { perOperation: '200', perTransaction: '900', window: { amount: '86400', seconds: 86_400 } },
    });
    const { data } = children(aConnector().build(), [aPolicy().named('wide').build(), tight.build()]);
    const given = limits.parse(JSON.parse(data('slc-addresses')['limits.json'] ?? ''));
    assert.deepEqual(
      [given.perOperation, given.perTransaction, given.window, given.maxOperations],
      [200n, 900n, { amount: 86_400n, seconds: 86_400 }, 3],
    );
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
