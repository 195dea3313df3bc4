/** The volumes of the pod; which container mounts which is said with the containers. */
import type { V1Volume } from '@kubernetes/client-node';
import type { StellarConnector } from '../api/v1alpha1.gen.ts';
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
    { name: 'trust', configMap: { name: names.trust } },
    { name: 'connector-tls', secret: { secretName: names.serverTls, defaultMode: groupReadable } },
    { name: 'signer-tls', secret: { secretName: names.signerTls, defaultMode: groupReadable } },
    ...signerVolumes(connector),
    ...caVolumes(connector),
  ];
}

/**
 * PIN and library. The PIN is optional so that its absence is told by the signer, in words, and not by a pod that
 * hangs in ContainerCreating; it appears in the running pod when the Secret does.
 */
function signerVolumes(connector: StellarConnector): V1Volume[] {
  const { pkcs11 } = connector.spec.signer;
  if (pkcs11 === undefined) return [];
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

/** The CA bundle of each Horizon server that has one: its volume and the folder in which it appears. */
export function caBundles(connector: StellarConnector) {
  return connector.spec.horizon.endpoints.flatMap(({ caBundleRef: ref }, at) =>
    ref === undefined ? [] : [{ volume: `ca-${at}`, folder: `${paths.ca}/${at}`, ref }],
  );
}

/** Optional for the same reason as the PIN. */
function caVolumes(connector: StellarConnector): V1Volume[] {
  return caBundles(connector).map(({ volume, ref }) => ({
    name: volume,
    configMap: { name: ref.name, optional: true, items: [{ key: ref.key, path: 'ca.pem' }] },
  }));
}
