/** The signer's container. It alone sees the PIN, the PKCS#11 library and the journal. */
import type { V1Container, V1VolumeMount } from '@kubernetes/client-node';
import type { StellarConnector, StellarConnectorSpecSignerPkcs11 } from '../api/v1alpha1.gen.ts';
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

/** The native sidecar; `problemsOf` has made sure that the backend is PKCS#11. */
export function signerContainer(connector: StellarConnector, images: Facts['images']): V1Container {
  const { signer, podTemplate } = connector.spec;
  if (signer.pkcs11 === undefined) throw new Error('the signer has no PKCS#11 backend');
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
      STELLAR_TLS_CERT_FILE: `${paths.signerTls}/tls.crt`,
      STELLAR_TLS_KEY_FILE: `${paths.signerTls}/tls.key`,
      ...pkcs11Env(signer.pkcs11),
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
      { name: 'policy', mountPath: paths.policy, readOnly: true },
      { name: 'pin', mountPath: paths.pin, readOnly: true },
      { name: 'signer-tls', mountPath: paths.signerTls, readOnly: true },
      ...moduleMount(signer.pkcs11),
    ],
  };
}

/** Path of the library in the container. */
export function modulePath({ module }: StellarConnectorSpecSignerPkcs11): string {
  const within = module.image ?? module.pvc;
  return within === undefined ? (module.path ?? '') : `${paths.module}/${within.path}`;
}

function pkcs11Env(pkcs11: StellarConnectorSpecSignerPkcs11): Record<string, string> {
  const { module, tokenLabel, tokenSerial, keyLabel, keyId } = pkcs11;
  return {
    STELLAR_PKCS11_MODULE: modulePath(pkcs11),
    ...(tokenLabel === undefined ? {} : { STELLAR_PKCS11_TOKEN_LABEL: tokenLabel }),
    ...(tokenSerial === undefined ? {} : { STELLAR_PKCS11_TOKEN_SERIAL: tokenSerial }),
    ...(keyLabel === undefined ? {} : { STELLAR_PKCS11_KEY_LABEL: keyLabel }),
    ...(keyId === undefined ? {} : { STELLAR_PKCS11_KEY_ID: keyId }),
    STELLAR_PKCS11_PIN_FILE: `${paths.pin}/pin`,
    ...(module.path === undefined ? vendorConfiguration : {}),
  };
}

function moduleMount({ module }: StellarConnectorSpecSignerPkcs11): V1VolumeMount[] {
  if (module.path !== undefined) return [];
  return [{ name: 'module', mountPath: paths.module, readOnly: module.pvc?.readOnly ?? true }];
}
