/**
 * The one pod: the signer as a native sidecar, then the connector. A StatefulSet because two pods would race for the
 * account's sequence number, and it never runs two.
 */
import { createHash } from 'node:crypto';
import type { V1PodSpec, V1StatefulSetSpec } from '@kubernetes/client-node';
import type {
  StellarConnector,
  StellarConnectorSpecSignerVaultTransit,
  StellarConnectorSpecStorageSigner,
} from '../api/v1alpha1.gen.ts';
import type { KubeObject } from '../kube/resource.ts';
import { connectorConfig } from './configmaps.ts';
import { connectorContainer } from './connector.ts';
import type { Facts } from './index.ts';
import { child, ids, labelsOf, podSelector } from './names.ts';
import { signerContainer } from './signer.ts';
import { volumes } from './volumes.ts';

/** Meshes and injectors add containers that we did not write; each has its own way to be told not to. */
const noInjection = {
  labels: { 'sidecar.istio.io/inject': 'false', 'kuma.io/sidecar-injection': 'disabled' },
  annotations: {
    'linkerd.io/inject': 'disabled',
    'consul.hashicorp.com/connect-inject': 'false',
    'vault.hashicorp.com/agent-inject': 'false',
  },
} as const;

/** A change of this restarts the pod. Addresses and policies are not in it: they are re-read while it runs. */
const configHash = 'stellar-connector.io/config-hash';

export function statefulSet(connector: StellarConnector, images: Facts['images']): KubeObject {
  const { name } = connector.metadata;
  const { replicas, storage, podTemplate } = connector.spec;
  const spec = {
    replicas,
    serviceName: name,
    // A corrected template must replace a pod that never became ready; OrderedReady would wait for it for ever.
    podManagementPolicy: 'Parallel',
    revisionHistoryLimit: 3,
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    selector: { matchLabels: podSelector(name) },
    template: {
      metadata: {
        labels: { ...labelsOf(name), ...noInjection.labels },
        annotations: {
          ...podTemplate.annotations,
          ...noInjection.annotations,
          'kubectl.kubernetes.io/default-container': 'connector',
          [configHash]: createHash('sha256').update(connectorConfig(connector)).digest('hex'),
        },
      },
      spec: podSpec(connector, images),
    },
    volumeClaimTemplates: [
      claim(connector, 'journal', storage.signer),
      claim(connector, 'state', storage.connector),
    ],
  } satisfies V1StatefulSetSpec;
  return child(connector, { apiVersion: 'apps/v1', kind: 'StatefulSet' }, name, { spec });
}

function podSpec(connector: StellarConnector, images: Facts['images']): V1PodSpec {
  const { signer, podTemplate } = connector.spec;
  const { nodeSelector, tolerations, affinity } = podTemplate;
  return {
    serviceAccountName: connector.metadata.name,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    // The pod asks no DNS server: its addresses are pinned in a file. The API wants at least one server named.
    dnsPolicy: 'None',
    dnsConfig: { nameservers: ['127.0.0.1'] },
    // The Vault client takes a host name, for TLS; the connector has a file of its own for its hosts.
    ...(signer.vaultTransit === undefined ? {} : { hostAliases: hostAliases(signer.vaultTransit) }),
    // The connector ends first and takes at most 90 s, in which it cancels its offers; then the signer at most 20 s.
    terminationGracePeriodSeconds: 120,
    securityContext: {
      runAsNonRoot: true,
      fsGroup: ids.group,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
    ...(tolerations === undefined ? {} : { tolerations }),
    ...(affinity === undefined ? {} : { affinity }),
    initContainers: [signerContainer(connector, images)],
    containers: [connectorContainer(connector, images)],
    volumes: volumes(connector),
  };
}

function hostAliases({ address, addresses = [] }: StellarConnectorSpecSignerVaultTransit) {
  return addresses.map((ip) => ({ ip, hostnames: [new URL(address).hostname] }));
}

function claim(
  connector: StellarConnector,
  name: string,
  { size, className }: StellarConnectorSpecStorageSigner,
) {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, labels: podSelector(connector.metadata.name) },
    spec: {
      accessModes: ['ReadWriteOnce'],
      volumeMode: 'Filesystem',
      resources: { requests: { storage: size } },
      ...(className === undefined ? {} : { storageClassName: className }),
    },
  };
}
