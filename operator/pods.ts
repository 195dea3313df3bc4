import type { StellarConnector } from './api/v1alpha1.gen.ts';
import type { Cache } from './cache.ts';
import { absent, type ChildModules, liveChild } from './children.ts';
import type { JournalRecord } from './desired/journal.ts';
import { childNames } from './desired/names.ts';
import { CONFIGMAPS, type ConfigMap, INSTANCE, PODS, type Pod } from './kinds.ts';
import { isStatus } from './kube/errors.ts';
import { mountedPolicies, setHash } from './signer.ts';

/** Carry what the pod's volumes were last refreshed for: the hash of the policies, the id of the recorded journal. */
export const POLICY_HASH = 'stellar-connector.io/policy-hash';
export const JOURNAL_ID = 'stellar-connector.io/journal-id';

/** The connector's pods that are not ending; one, except where somebody meddles. */
export function podsOf({ metadata: { name, namespace } }: StellarConnector, cache: Cache): Pod[] {
  return cache.pods
    .inNamespace(namespace!)
    .filter(
      ({ metadata }) => metadata.labels?.[INSTANCE] === name && metadata.deletionTimestamp === undefined,
    );
}

/** True once the signer's container runs. */
export function signerRuns({ status }: Pod): boolean {
  return (
    status?.initContainerStatuses?.some(
      ({ name, state }) => name === 'signer' && state?.running !== undefined,
    ) === true
  );
}

/** The ConfigMap of policies in the cluster. */
export function policyFiles(connector: StellarConnector, cache: Cache): ConfigMap | undefined {
  const { policy } = childNames(connector.metadata.name);
  return liveChild(connector, cache, CONFIGMAPS.kind, policy) as ConfigMap | undefined;
}

/**
 * Brings changed policies and the id of a newly recorded journal into running pods at once: the kubelet looks at a pod's
 * volumes when the pod changes, which an annotation does, and else about once a minute. Where that is forbidden the
 * minute passes.
 */
export async function refreshVolumes(
  connector: StellarConnector,
  journal: JournalRecord | undefined,
  { client, cache }: ChildModules,
  signal: AbortSignal,
): Promise<void> {
  const files = policyFiles(connector, cache);
  if (files === undefined) return;
  const wanted: Record<string, string> = { [POLICY_HASH]: setHash(mountedPolicies(files)) };
  // A newer checkpoint of the same journal has time.
  if (journal !== undefined) wanted[JOURNAL_ID] = journal.id;
  for (const pod of podsOf(connector, cache).filter(signerRuns)) {
    const { name, namespace, annotations } = pod.metadata;
    if (Object.entries(wanted).every(([key, value]) => annotations?.[key] === value)) continue;
    const patch = { metadata: { annotations: wanted } };
    try {
      const after = await absent(client.patch(PODS, { namespace, name }, patch, signal));
      if (after !== undefined) cache.pods.set(after);
    } catch (error) {
      if (!isStatus(error, 403, 422)) throw error;
    }
  }
}
