import { isDeepStrictEqual } from 'node:util';
import type {
  StellarConnectorStatusCertificate as Certificate,
  SigningPolicy,
  StellarConnector,
  StellarConnectorStatus,
} from './api/v1alpha1.gen.ts';
import type { Keeper } from './certs/keeper.ts';
import {
  applyChild,
  applyChildren,
  type ChildModules,
  isAsApplied,
  isOurs,
  isUntouched,
  scaleToZero,
  withHash,
} from './children.ts';
import { hold, release } from './deletion.ts';
import { policyConfigMap } from './desired/configmaps.ts';
import { desiredChildren, type Facts } from './desired/index.ts';
import { child, childNames } from './desired/names.ts';
import { networkPolicy } from './desired/networkpolicy.ts';
import { matchingPolicies } from './desired/policies.ts';
import { problemsOf } from './desired/problems.ts';
import { Stall } from './errors.ts';
import {
  CONFIGMAPS,
  CONNECTORS,
  type ConfigMap,
  INSTANCE,
  NETWORKPOLICIES,
  STATEFULSETS,
  type StatefulSet,
} from './kinds.ts';
import { FIELD_MANAGER } from './kube/client.ts';
import type { Context, Reconcile, Result } from './kube/controller.ts';
import { isStatus } from './kube/errors.ts';
import { type KubeObject, splitKey } from './kube/resource.ts';
import { deletingStatus, statusOf } from './status.ts';

export interface ReconcileModules extends ChildModules {
  keeper: Keeper;
  facts: Omit<Facts, 'publicRoots'>;
  now: () => Date;
}

/** Who owns `status`; apart from the children's manager so that neither apply drops fields of the other. */
const STATUS_MANAGER = `${FIELD_MANAGER}-status`;
/** Looks at clocks that no watch tells of: ends of certificates, Secrets that somebody deleted. */
const HEARTBEAT_MS = 600_000;
const UNREADY_HEARTBEAT_MS = 60_000;

/**
 * Brings the cluster to what a StellarConnector and its policies ask for: finalizer, policies, certificates, children,
 * status, in this order. What is as it should be is not written.
 */
export function createReconcile(modules: ReconcileModules): Reconcile {
  const { cache, keeper, now } = modules;

  return async (key, context) => {
    const connector = cache.connectors.get(key);
    if (connector === undefined) return {};
    if (connector.metadata.deletionTimestamp !== undefined) return finish(connector, context);
    await hold(connector, modules, context.signal);
    const { namespace } = splitKey(key);
    const policies = matchingPolicies(connector, cache.policies.inNamespace(namespace));
    const problem = problemsOf(connector, policies);
    if (problem !== undefined) {
      await fence(connector, policies, context.signal);
      await report(connector, policies, problem, context.signal);
      return {};
    }
    try {
      return await bringAbout(connector, policies, context);
    } catch (error) {
      if (error instanceof Stall) await report(connector, policies, error, context.signal);
      throw error;
    }
  };

  async function bringAbout(
    connector: StellarConnector,
    policies: readonly SigningPolicy[],
    { signal }: Context,
  ): Promise<Result> {
    const { certificates, root } = await keeper.ensure(
      ownerOf(connector),
      { certificates: connector.status?.certificates ?? [], root: publishedRoot(connector) },
      isReady(connector),
      (made) => writeStatus(connector, { ...connector.status, certificates: [...made] }, signal),
      signal,
    );
    const desired = desiredChildren(connector, policies, { ...modules.facts, publicRoots: root });
    await applyChildren(connector, desired, modules, signal);
    const status = await report(connector, policies, undefined, signal, certificates, desired);
    const ready = status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True');
    return { requeueAfterMs: ready === true ? HEARTBEAT_MS : UNREADY_HEARTBEAT_MS };
  }

  async function finish(connector: StellarConnector, { signal }: Context): Promise<Result> {
    const waits = await release(connector, modules, now(), signal);
    if (waits === undefined) {
      keeper.forget(connector.metadata.uid!);
      return {};
    }
    await fence(connector, [], signal).catch(ignoreRefusal);
    await writeStatus(connector, deletingStatus(connector, waits, now()), signal);
    return { requeueAfterMs: waits.requeueAfterMs };
  }

  /** Writes the status that follows from what the stores hold now. */
  async function report(
    connector: StellarConnector,
    policies: readonly SigningPolicy[],
    stalled: { reason: string; message: string } | undefined,
    signal: AbortSignal,
    certificates: readonly Certificate[] = current(connector).status?.certificates ?? [],
    desired: readonly KubeObject[] = [],
  ): Promise<StellarConnectorStatus> {
    const { name, namespace } = connector.metadata;
    const statefulSet = liveChild(connector, STATEFULSETS.kind, name) as StatefulSet | undefined;
    const wanted = desired.find(({ kind }) => kind === NETWORKPOLICIES.kind);
    const held = liveChild(connector, NETWORKPOLICIES.kind, name);
    const pods = cache.pods
      .inNamespace(namespace!)
      .filter(
        ({ metadata }) => metadata.labels?.[INSTANCE] === name && metadata.deletionTimestamp === undefined,
      );
    const egressHeld =
      held !== undefined && (wanted === undefined ? isUntouched(held) : isAsApplied(held, withHash(wanted)));
    const seen = {
      connector,
      policies,
      statefulSet,
      pods,
      egressHeld,
      certificates: [...certificates],
      stalled,
    };
    const status = statusOf(seen, now());
    await writeStatus(connector, status, signal);
    return status;
  }

  async function writeStatus(
    connector: StellarConnector,
    status: StellarConnectorStatus,
    signal: AbortSignal,
  ): Promise<void> {
    if (isDeepStrictEqual(status, current(connector).status)) return;
    const { name, namespace, uid } = connector.metadata;
    const object = { metadata: { name, ...(namespace && { namespace }), ...(uid && { uid }) }, status };
    try {
      const after = await modules.client.applyStatus(
        CONNECTORS,
        object,
        { fieldManager: STATUS_MANAGER, force: true },
        signal,
      );
      cache.connectors.set(after);
    } catch (error) {
      // Deleted under our hands: nobody is left to read it.
      if (!isStatus(error, 404)) throw error;
    }
  }

  /** The newest version known; statuses that we wrote in this very reconcile included. */
  function current(connector: StellarConnector): StellarConnector {
    const latest = cache.connectors.get(`${connector.metadata.namespace}/${connector.metadata.name}`);
    return latest?.metadata.uid === connector.metadata.uid ? latest! : connector;
  }

  function liveChild(connector: StellarConnector, kind: string, name: string): KubeObject | undefined {
    const live = cache.children(kind).get(`${connector.metadata.namespace}/${name}`);
    return live !== undefined && isOurs(connector, live) ? live : undefined;
  }

  /** The root that we published, unless somebody else has touched it since. */
  function publishedRoot(connector: StellarConnector): string | undefined {
    const trust = liveChild(connector, CONFIGMAPS.kind, childNames(connector.metadata.name).trust);
    return trust !== undefined && isUntouched(trust) ? (trust as ConfigMap).data?.['ca_cert.pem'] : undefined;
  }

  /**
   * For a connector that may not go on but whose pod may still run: the signer must see the policies as they are now
   * (none means that it refuses everything but deletions), and the pod must not be without its NetworkPolicy. One
   * that was removed or edited comes back closed; what may be open again is said once the problem is solved. A pause
   * needs nobody's permission.
   */
  async function fence(
    connector: StellarConnector,
    policies: readonly SigningPolicy[],
    signal: AbortSignal,
  ): Promise<void> {
    const { name } = connector.metadata;
    const statefulSet = liveChild(connector, STATEFULSETS.kind, name) as StatefulSet | undefined;
    if (statefulSet === undefined) return;
    const held = liveChild(connector, NETWORKPOLICIES.kind, name);
    if (held === undefined || !isUntouched(held)) {
      const open = networkPolicy(connector, modules.facts.operatorNamespace);
      await applyChild(
        connector,
        { ...open, spec: { ...(open.spec as object), egress: [] } },
        modules,
        signal,
      );
    }
    if (connector.metadata.deletionTimestamp !== undefined) return;
    await applyChild(connector, policyConfigMap(connector, policies), modules, signal);
    if (connector.spec.replicas === 0 && statefulSet.spec.replicas !== 0)
      await scaleToZero(statefulSet, modules, signal);
  }
}

function ownerOf(connector: StellarConnector) {
  const { uid, namespace, name } = connector.metadata;
  const { labels, ownerReferences } = child(
    connector,
    { apiVersion: 'v1', kind: 'Secret' },
    name,
    {},
  ).metadata;
  return {
    uid: uid!,
    namespace: namespace!,
    name,
    metadata: { ...(labels && { labels }), ...(ownerReferences && { ownerReferences }) },
  };
}

function isReady(connector: StellarConnector): boolean {
  return (
    connector.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
  );
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof Stall)) throw error;
}
