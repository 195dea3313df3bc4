import type { SigningPolicy, StellarConnector } from './api/v1alpha1.gen.ts';
import { type KubeObject, type Resource, resource } from './kube/resource.ts';

/** The kinds that the operator reads and writes. Secrets are written only. */
export const CONNECTORS = resource<StellarConnector>(
  'stellar-connector.io',
  'v1alpha1',
  'stellarconnectors',
  'StellarConnector',
);
export const POLICIES = resource<SigningPolicy>(
  'stellar-connector.io',
  'v1alpha1',
  'signingpolicies',
  'SigningPolicy',
);
export const PODS = resource<Pod>('', 'v1', 'pods', 'Pod');
export const SECRETS = resource<Secret>('', 'v1', 'secrets', 'Secret');
export const STATEFULSETS = resource<StatefulSet>('apps', 'v1', 'statefulsets', 'StatefulSet');
export const CONFIGMAPS = resource<ConfigMap>('', 'v1', 'configmaps', 'ConfigMap');
export const NETWORKPOLICIES = resource('networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy');

/**
 * The kinds of children, in the order in which they are applied: nothing may run before the NetworkPolicy is there,
 * and the pod's volumes before the pod.
 */
export const CHILD_KINDS: readonly Resource<KubeObject>[] = [
  NETWORKPOLICIES,
  resource('', 'v1', 'serviceaccounts', 'ServiceAccount'),
  CONFIGMAPS as Resource<KubeObject>,
  resource('', 'v1', 'services', 'Service'),
  STATEFULSETS as Resource<KubeObject>,
];

/** Labels by which children and pods are watched and found. */
export const MANAGED_BY = { key: 'app.kubernetes.io/managed-by', value: 'stellar-operator' };
export const INSTANCE = 'app.kubernetes.io/instance';
export const MANAGED_SELECTOR = `${MANAGED_BY.key}=${MANAGED_BY.value}`;

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

export interface Secret extends KubeObject {
  type?: string;
  /** Base64. */
  data?: Record<string, string>;
}

export interface StatefulSet extends KubeObject {
  spec: { replicas?: number; selector: { matchLabels?: Record<string, string> } };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    readyReplicas?: number;
    updatedReplicas?: number;
  };
}

export interface Pod extends KubeObject {
  status?: {
    phase?: string;
    podIP?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

export interface ContainerStatus {
  image?: string;
  name: string;
  ready?: boolean;
  started?: boolean;
  state?: { running?: object; waiting?: { reason?: string; message?: string }; terminated?: Terminated };
  lastState?: { terminated?: Terminated };
}

export interface Terminated {
  exitCode: number;
  reason?: string;
  message?: string;
}
