/** The volumes of the pod; which container mounts which is said with the containers. */
import type { V1ConfigMapVolumeSource, V1SecretVolumeSource, V1Volume } from '@kubernetes/client-node';
import type {
  StellarConnector,
  StellarConnectorSpecSignerPkcs11,
  StellarConnectorSpecSignerVaultTransit,
} from '../api/v1alpha1.gen.ts';
import { ledgerServers } from '../egress/pinned.ts';
import { childNames, paths } from './names.ts';

/** Owner and group may read. */
const groupReadable = 0o440;

export function volumes(connector: StellarConnector): V1Volume[] {
  const names = childNames(connector.metadata.name);
  return [
    // In memory, so that no socket and no key of the signer's door ever reaches a disk.
    { name: 'socket', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
    { name: 'config', configMap: { name: names.config } },
    { name: 'addresses', configMap: { name: names.addresses } },
    { name: 'policy', configMap: { name: names.policy } },
    { name: 'journal-expected', configMap: { name: names.journal } },
    { name: 'trust', configMap: { name: names.trust } },
    { name: 'connector-tls', secret: { secretName: names.serverTls, defaultMode: groupReadable } },
    { name: 'signer-tls', secret: { secretName: names.signerTls, defaultMode: groupReadable } },
    ...signerVolumes(connector),
    ...serverFiles(connector).map(({ volume }) => volume),
  ];
}

function signerVolumes({ spec: { signer } }: StellarConnector): V1Volume[] {
  return [
    ...(signer.pkcs11 === undefined ? [] : pkcs11Volumes(signer.pkcs11)),
    ...(signer.vaultTransit === undefined ? [] : vaultVolumes(signer.vaultTransit)),
  ];
}

/**
 * PIN and library. The PIN is optional so that its absence is told by the signer, in words, and not by a pod that
 * hangs in ContainerCreating; it appears in the running pod when the Secret does.
 */
function pkcs11Volumes(pkcs11: StellarConnectorSpecSignerPkcs11): V1Volume[] {
  const { name: secretName, key } = pkcs11.pinSecretRef;
  const pin: V1Volume = {
    name: 'pin',
    secret: { secretName, optional: true, defaultMode: groupReadable, items: [{ key, path: 'pin' }] },
  };
  const { image, pvc } = pkcs11.module;
  if (image !== undefined) {
    return [pin, { name: 'module', image: { reference: image.reference, pullPolicy: image.pullPolicy } }];
  }
  if (pvc !== undefined) {
    const { claimName, readOnly } = pvc;
    return [pin, { name: 'module', persistentVolumeClaim: { claimName, readOnly } }];
  }
  return [pin];
}

/** The kubelet's shortest; it brings a new one when a fifth of that is left. */
const TOKEN_SECONDS = 600;

/** A token that Vault alone accepts, in memory, and the CA of Vault, optional as the PIN is. */
function vaultVolumes({ auth, caBundleRef }: StellarConnectorSpecSignerVaultTransit): V1Volume[] {
  const { audience } = auth.kubernetes;
  const serviceAccountToken = { audience, expirationSeconds: TOKEN_SECONDS, path: 'token' };
  return [
    { name: 'vault-token', projected: { defaultMode: groupReadable, sources: [{ serviceAccountToken }] } },
    ...(caBundleRef === undefined ? [] : [{ name: 'vault-ca', configMap: caFile(caBundleRef) }]),
  ];
}

/** What each server of the ledger has beside its URL: its CA bundle and its API key, each a volume and its folder. */
export function serverFiles(connector: StellarConnector): { volume: V1Volume; folder: string }[] {
  return ledgerServers(connector).flatMap(({ id, caBundleRef, authSecretRef }) => [
    ...(caBundleRef === undefined
      ? []
      : [{ volume: { name: `ca-${id}`, configMap: caFile(caBundleRef) }, folder: `${paths.ca}/${id}` }]),
    ...(authSecretRef === undefined
      ? []
      : [{ volume: { name: `auth-${id}`, secret: authFile(authSecretRef) }, folder: `${paths.auth}/${id}` }]),
  ]);
}

/** Optional for the same reason as the PIN. */
function authFile({ name: secretName, key }: { name: string; key: string }): V1SecretVolumeSource {
  return { secretName, optional: true, defaultMode: groupReadable, items: [{ key, path: 'value' }] };
}

/** Optional for the same reason as the PIN. */
function caFile({ name, key }: { name: string; key: string }): V1ConfigMapVolumeSource {
  return { name, optional: true, items: [{ key, path: 'ca.pem' }] };
}
