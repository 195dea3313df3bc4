/**
 * The children of a StellarConnector as a pure function: the running operator applies what this returns, and
 * `stellar-operator render` prints it. Not here, because they hold fresh keys: the TLS Secrets (`operator/certs/`).
 */
import type { SigningPolicy, StellarConnector } from '../api/v1alpha1.gen.ts';
import type { KubeObject } from '../kube/resource.ts';
import {
  addressesConfigMap,
  connectorConfigMap,
  journalConfigMap,
  policyConfigMap,
  trustConfigMap,
} from './configmaps.ts';
import { networkPolicy } from './networkpolicy.ts';
import { service } from './service.ts';
import { serviceAccount } from './serviceaccount.ts';
import { statefulSet } from './statefulset.ts';

/** What the children depend on beside the objects themselves. */
export interface Facts {
  images: { connector: string; signer: string; pullPolicy: 'Always' | 'IfNotPresent' | 'Never' };
  /** PEM certificates of the CAs whose client certificates the gateway accepts. */
  publicRoots: string;
  /** Namespace of the operator's pods, which read `/status` of signer and connector; absent when it runs outside. */
  operatorNamespace?: string;
}

/**
 * Every child, in the order in which they are to be applied: the NetworkPolicy before what it must hold, the files
 * before the pod that mounts them.
 *
 * `policies` are those that apply (`matchingPolicies`); `problemsOf` has found nothing to refuse.
 */
export function desiredChildren(
  connector: StellarConnector,
  policies: readonly SigningPolicy[],
  facts: Facts,
): KubeObject[] {
  return [
    networkPolicy(connector, facts.operatorNamespace),
    serviceAccount(connector),
    connectorConfigMap(connector),
    addressesConfigMap(connector, policies),
    policyConfigMap(connector, policies),
    journalConfigMap(connector, policies),
    trustConfigMap(connector, facts.publicRoots),
    service(connector),
    statefulSet(connector, facts.images),
  ];
}
