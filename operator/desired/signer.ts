/** The signer's container. It alone sees the PIN, the PKCS#11 library, the token for Vault and the journal. */
import type { V1Container, V1VolumeMount } from '@kubernetes/client-node';
import type {
  StellarConnector,
  StellarConnectorSpecSignerPkcs11,
  StellarConnectorSpecSignerVaultTransit,
} from '../api/v1alpha1.gen.ts';
import { JOURNAL_FILE } from './configmaps.ts';
import { envOf, probe, resourcesOf, restricted } from './container.ts';
import type { Facts } from './index.ts';
import { ids, paths, ports } from './names.ts';
import { passphraseOf } from './network.ts';

/** Where vendors' libraries look for their configuration: beside the library, since a CR may set no variables. */
const vendorConfiguration = {
  SOFTHSM2_CONF: `${paths.module}/softhsm2.conf`,
  YUBIHSM_PKCS11_CONF: `${paths.module}/yubihsm_pkcs11.conf`,
  ChrystokiConfigurationPath: paths.module,
  P11NETHSM_CONFIG_FILE: `${paths.module}/p11nethsm.conf`,
} as const;

/** The native sidecar. */
export function signerContainer(connector: StellarConnector, images: Facts['images']): V1Container {
  const { podTemplate } = connector.spec;
  const backend = backendOf(connector);
  return {
    name: 'signer',
    image: images.signer,
    imagePullPolicy: images.pullPolicy,
    restartPolicy: 'Always',
    env: envOf({
      STELLAR_NETWORK_PASSPHRASE: passphraseOf(connector.spec),
      STELLAR_ACCOUNT: connector.spec.account,
      STELLAR_SIGNER_SOCKET: paths.socket,
      STELLAR_POLICY_DIR: paths.policy,
      STELLAR_JOURNAL_DIR: paths.journal,
      STELLAR_JOURNAL_EXPECTED_FILE: `${paths.journalExpected}/${JOURNAL_FILE}`,
      STELLAR_TLS_CERT_FILE: `${paths.signerTls}/tls.crt`,
      STELLAR_TLS_KEY_FILE: `${paths.signerTls}/tls.key`,
      ...backend.env,
    }),
    ports: [{ name: 'signer', containerPort: ports.signer, protocol: 'TCP' }],
    // Asks the running signer for a real signature. It waits for an hour: a PIN or token that is not there yet is no
    // reason to restart, and the signer says in /status what it lacks.
    startupProbe: probe('/readyz', 'signer', { periodSeconds: 1, failureThreshold: 3600 }),
    readinessProbe: probe('/readyz', 'signer', { periodSeconds: 10, failureThreshold: 2 }),
    livenessProbe: probe('/healthz', 'signer', { periodSeconds: 10, failureThreshold: 6 }),
    resources: resourcesOf(podTemplate.resources.signer),
    securityContext: restricted(ids.signer),
    volumeMounts: [
      { name: 'socket', mountPath: paths.socketFolder },
      { name: 'journal', mountPath: paths.journal },
      { name: 'journal-expected', mountPath: paths.journalExpected, readOnly: true },
      { name: 'policy', mountPath: paths.policy, readOnly: true },
      { name: 'signer-tls', mountPath: paths.signerTls, readOnly: true },
      ...backend.mounts,
    ],
  };
}

interface Backend {
  env: Record<string, string>;
  mounts: V1VolumeMount[];
}

/** What the key store needs; the CRD has exactly one of the two. */
function backendOf({ spec: { signer } }: StellarConnector): Backend {
  const { pkcs11, vaultTransit } = signer;
  if (pkcs11 !== undefined)
    return {
      env: pkcs11Env(pkcs11),
      mounts: [{ name: 'pin', mountPath: paths.pin, readOnly: true }, ...moduleMount(pkcs11)],
    };
  if (vaultTransit === undefined) throw new Error('the signer has no key store');
  return { env: vaultEnv(vaultTransit), mounts: vaultMounts(vaultTransit) };
}

/** Path of the library in the container. */
export function modulePath({ module }: StellarConnectorSpecSignerPkcs11): string {
  const within = module.image ?? module.pvc;
  return within === undefined ? (module.path ?? '') : `${paths.module}/${within.path}`;
}

function pkcs11Env(pkcs11: StellarConnectorSpecSignerPkcs11): Record<string, string> {
  const { module, tokenLabel, tokenSerial, keyLabel, keyId, auditKeyLabel, pointEncoding } = pkcs11;
  return {
    STELLAR_PKCS11_MODULE: modulePath(pkcs11),
    ...(tokenLabel === undefined ? {} : { STELLAR_PKCS11_TOKEN_LABEL: tokenLabel }),
    ...(tokenSerial === undefined ? {} : { STELLAR_PKCS11_TOKEN_SERIAL: tokenSerial }),
    ...(keyLabel === undefined ? {} : { STELLAR_PKCS11_KEY_LABEL: keyLabel }),
    ...(keyId === undefined ? {} : { STELLAR_PKCS11_KEY_ID: keyId }),
    ...(auditKeyLabel === undefined ? {} : { STELLAR_PKCS11_AUDIT_KEY_LABEL: auditKeyLabel }),
    STELLAR_PKCS11_POINT_ENCODING: pointEncoding,
    STELLAR_PKCS11_PIN_FILE: `${paths.pin}/pin`,
    ...(module.path === undefined ? vendorConfiguration : {}),
  };
}

function moduleMount({ module }: StellarConnectorSpecSignerPkcs11): V1VolumeMount[] {
  if (module.path !== undefined) return [];
  return [{ name: 'module', mountPath: paths.module, readOnly: module.pvc?.readOnly ?? true }];
}

function vaultEnv(vault: StellarConnectorSpecSignerVaultTransit): Record<string, string> {
  const { address, namespace, mount, key, keyVersion, auditKey, auth, caBundleRef } = vault;
  return {
    STELLAR_VAULT_ADDRESS: address,
    ...(namespace === undefined ? {} : { STELLAR_VAULT_NAMESPACE: namespace }),
    STELLAR_VAULT_MOUNT: mount,
    STELLAR_VAULT_KEY: key,
    STELLAR_VAULT_KEY_VERSION: String(keyVersion),
    ...(auditKey === undefined ? {} : { STELLAR_VAULT_AUDIT_KEY: auditKey }),
    ...(caBundleRef === undefined ? {} : { STELLAR_VAULT_CA_FILE: `${paths.vaultCa}/ca.pem` }),
    STELLAR_VAULT_AUTH_KUBERNETES_ROLE: auth.kubernetes.role,
    STELLAR_VAULT_AUTH_KUBERNETES_MOUNT: auth.kubernetes.mount,
    STELLAR_VAULT_AUTH_KUBERNETES_JWT_FILE: `${paths.vaultToken}/token`,
  };
}

function vaultMounts({ caBundleRef }: StellarConnectorSpecSignerVaultTransit): V1VolumeMount[] {
  const token = { name: 'vault-token', mountPath: paths.vaultToken, readOnly: true };
  if (caBundleRef === undefined) return [token];
  return [token, { name: 'vault-ca', mountPath: paths.vaultCa, readOnly: true }];
}
