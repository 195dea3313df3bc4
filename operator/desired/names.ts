/** The fixed names of a connector's children: objects, labels, ports, users and paths. The user guide lists them. */
import type { StellarConnector } from '../api/v1alpha1.gen.ts';
import type { KubeObject, ObjectMeta } from '../kube/resource.ts';

export const ports = { gateway: 15888, signer: 15889, connector: 15890 } as const;

/** Users of the containers; `group` owns the volumes that both see. */
export const ids = { signer: 10001, connector: 10002, group: 10000 } as const;

export const paths = {
  socketFolder: '/run/stellar-signer',
  socket: '/run/stellar-signer/signer.sock',
  policy: '/etc/stellar-signer/policy',
  pin: '/etc/stellar-signer/pin',
  signerTls: '/etc/stellar-signer/tls',
  journal: '/var/lib/stellar-signer',
  journalExpected: '/etc/stellar-signer/journal',
  vaultToken: '/etc/stellar-signer/vault-token',
  vaultCa: '/etc/stellar-signer/vault-ca',
  module: '/opt/pkcs11',
  config: '/etc/stellar-connector/config',
  addresses: '/etc/stellar-connector/addresses',
  connectorTls: '/etc/stellar-connector/tls',
  trust: '/etc/stellar-connector/trust',
  ca: '/etc/stellar-connector/ca',
  auth: '/etc/stellar-connector/auth',
  state: '/var/lib/stellar-connector',
} as const;

/** Labels of the operator's own pods (the chart sets them), by which a connector's NetworkPolicy lets them in. */
export const operatorPodLabels = { 'app.kubernetes.io/name': 'stellar-connector-operator' } as const;

/** Names of the objects that belong to the connector called `name`. */
export function childNames(name: string) {
  return {
    /** StatefulSet, Service, ServiceAccount and NetworkPolicy. */
    main: name,
    config: `${name}-config`,
    addresses: `${name}-addresses`,
    policy: `${name}-policy`,
    journal: `${name}-journal`,
    trust: `${name}-trust`,
    serverTls: `${name}-server-tls`,
    clientTls: `${name}-client-tls`,
    signerTls: `${name}-signer-tls`,
  } as const;
}

/** The labels by which the Service, the StatefulSet and the NetworkPolicy select the pod. */
export function podSelector(name: string): Record<string, string> {
  return { 'app.kubernetes.io/name': 'stellar-connector', 'app.kubernetes.io/instance': name };
}

/** The labels of every child. */
export function labelsOf(name: string): Record<string, string> {
  return {
    ...podSelector(name),
    'app.kubernetes.io/managed-by': 'stellar-operator',
    'app.kubernetes.io/component': 'connector',
  };
}

/**
 * A child of `connector`. The owner reference lets the garbage collector take the child along; an object that was
 * never in a cluster (`render`) has no uid, and its children then have no owner.
 */
export function child(
  connector: StellarConnector,
  type: { apiVersion: string; kind: string },
  name: string,
  body: Record<string, unknown>,
): KubeObject {
  const { uid, namespace } = connector.metadata;
  const owner = { apiVersion: connector.apiVersion, kind: connector.kind, name: connector.metadata.name };
  const metadata: ObjectMeta = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: labelsOf(connector.metadata.name),
    ...(uid === undefined
      ? {}
      : { ownerReferences: [{ ...owner, uid, controller: true, blockOwnerDeletion: true }] }),
  };
  return { ...type, metadata, ...body };
}
