import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { V1Container } from '@kubernetes/client-node';
import type { StellarConnector } from '../../../operator/api/v1alpha1.gen.ts';
import { withVault } from '../../crds/good.ts';
import { aConnector, accounts } from '../builders.ts';
import { children, env, mounts } from './family.ts';

const hashOf = (connector: StellarConnector) =>
  children(connector).workload.template.metadata?.annotations?.['stellar-connector.io/config-hash'];

describe('the pod', () => {
  const slc = aConnector().build();
  const { pod, signer, connector, workload } = children(slc);

  it('meets the pod security standard restricted, with a root file system that nobody writes @security', () => {
    assert.equal(pod.securityContext?.runAsNonRoot, true);
    assert.equal(pod.securityContext?.seccompProfile?.type, 'RuntimeDefault');
    for (const { securityContext } of [signer, connector]) {
      assert.equal(securityContext?.runAsNonRoot, true);
      assert.equal(securityContext?.runAsGroup, securityContext?.runAsUser);
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

  it('lets nobody write to what it only reads @security', () => {
    const written = [signer, connector].map(({ volumeMounts }) =>
      volumeMounts?.filter(({ readOnly }) => readOnly !== true).map(({ name }) => name),
    );
    assert.deepEqual(written, [['socket', 'journal'], ['state']]);
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

describe('a key in Vault', () => {
  const { pod, signer, connector, egress, data } = children(withVault.build());
  const volume = (name: string) => pod.volumes?.find((one) => one.name === name);

  it('needs a token that Vault alone takes, short-lived and in the signer alone @security', () => {
    assert.deepEqual(volume('vault-token')?.projected, {
      defaultMode: 0o440,
      sources: [{ serviceAccountToken: { audience: 'vault', expirationSeconds: 600, path: 'token' } }],
    });
    assert.ok(mounts(signer).includes('vault-token'));
    assert.ok(!mounts(connector).includes('vault-token'));
    assert.equal(pod.automountServiceAccountToken, false);
    assert.ok(!mounts(signer).includes('pin'));
  });

  it('has its CA in a file that may come later', () => {
    assert.deepEqual(volume('vault-ca')?.configMap, {
      name: 'vault-ca',
      optional: true,
      items: [{ key: 'ca.crt', path: 'ca.pem' }],
    });
    assert.ok(mounts(signer).includes('vault-ca'));
    const without = withVault.edit(({ signer: of }) => delete of?.vaultTransit?.caBundleRef).build();
    assert.ok(!mounts(children(without).signer).includes('vault-ca'));
  });

  it('is reached at its addresses, by its name, and by nobody else in the pod told to @security', () => {
    assert.deepEqual(pod.hostAliases, [
      { ip: '10.0.0.8', hostnames: ['vault.example.org'] },
      { ip: 'fd00::8', hostnames: ['vault.example.org'] },
    ]);
    const out = egress.egress?.find(({ ports }) => ports?.[0]?.port === 8200);
    assert.deepEqual(
      out?.to?.map(({ ipBlock }) => ipBlock?.cidr),
      ['10.0.0.8/32', 'fd00::8/128'],
    );
    assert.doesNotMatch(data('slc-addresses')['addresses.json'] ?? '', /vault/);
    assert.equal(children(aConnector().build()).pod.hostAliases, undefined);
  });
});
