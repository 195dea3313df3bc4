import type { SigningPolicy, StellarConnector } from './api/v1alpha1.gen.ts';
import { applyChild, type ChildModules, isUntouched, liveChild, scaleToZero } from './children.ts';
import { policyConfigMap } from './desired/configmaps.ts';
import type { Facts } from './desired/index.ts';
import { networkPolicy } from './desired/networkpolicy.ts';
import { NETWORKPOLICIES, STATEFULSETS, type StatefulSet } from './kinds.ts';

export interface FenceModules extends ChildModules {
  facts: Pick<Facts, 'operatorNamespace'>;
}

/**
 * For a connector that may not go on but whose pod may still run: the signer must see the policies as they are now
 * (none means that it refuses everything but deletions), and the pod must not be without its NetworkPolicy. One that
 * was removed or edited comes back closed; what may be open again is said once the problem is solved. A pause needs
 * nobody's permission.
 */
export async function fence(
  connector: StellarConnector,
  policies: readonly SigningPolicy[],
  modules: FenceModules,
  signal: AbortSignal,
): Promise<void> {
  const { cache, facts } = modules;
  const { name } = connector.metadata;
  const statefulSet = liveChild(connector, cache, STATEFULSETS.kind, name) as StatefulSet | undefined;
  if (statefulSet === undefined) return;
  const held = liveChild(connector, cache, NETWORKPOLICIES.kind, name);
  if (held === undefined || !isUntouched(held)) {
    const open = networkPolicy(connector, facts.operatorNamespace);
    const closed = { ...open, spec: { ...(open.spec as object), egress: [] } };
    await applyChild(connector, closed, modules, signal);
  }
  if (connector.metadata.deletionTimestamp !== undefined) return;
  await applyChild(connector, policyConfigMap(connector, policies), modules, signal);
  if (connector.spec.replicas === 0 && statefulSet.spec.replicas !== 0)
    await scaleToZero(statefulSet, modules, signal);
}
