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
  isUntouched,
  liveChild,
  withHash,
} from './children.ts';
import { hold, release } from './deletion.ts';
import { journalConfigMap } from './desired/configmaps.ts';
import { desiredChildren, type Facts } from './desired/index.ts';
import { type JournalRecord, recordedJournal } from './desired/journal.ts';
import { child, childNames } from './desired/names.ts';
import { matchingPolicies } from './desired/policies.ts';
import { problemsOf } from './desired/problems.ts';
import { Stall } from './errors.ts';
import { fence } from './fence.ts';
import { nextRecord, recordInPolicies } from './journal.ts';
import {
  CONFIGMAPS,
  CONNECTORS,
  type ConfigMap,
  NETWORKPOLICIES,
  type Pod,
  STATEFULSETS,
  type StatefulSet,
} from './kinds.ts';
import { FIELD_MANAGER } from './kube/client.ts';
import type { Context, Reconcile, Result } from './kube/controller.ts';
import { isStatus } from './kube/errors.ts';
import { type KubeObject, splitKey } from './kube/resource.ts';
import { podsOf, policyFiles, refreshVolumes, signerRuns } from './pods.ts';
import { type AskSigner, mountedPolicies, type SignerReport } from './signer.ts';
import { deletingStatus, lookAgainMs, type Observed, statusOf } from './status.ts';

export interface ReconcileModules extends ChildModules {
  keeper: Keeper;
  facts: Omit<Facts, 'publicRoots'>;
  askSigner: AskSigner;
  now: () => Date;
}

/** Who owns `status`; apart from the children's manager so that neither apply drops fields of the other. */
const STATUS_MANAGER = `${FIELD_MANAGER}-status`;

/** A checkpoint of the signer's journal is recorded at most this often. */
const CHECKPOINT_MS = 600_000;

/**
 * Brings the cluster to what a StellarConnector and its policies ask for: finalizer, policies, certificates, children,
 * status, in this order. What is as it should be is not written.
 */
export function createReconcile(modules: ReconcileModules): Reconcile {
  const { cache, keeper, now } = modules;
  /** When the checkpoint of a connector's journal was last looked at, by uid. */
  const checkpointAt = new Map<string, number>();

  return async (key, context) => {
    const connector = cache.connectors.get(key);
    if (connector === undefined) return {};
    if (connector.metadata.deletionTimestamp !== undefined) return finish(connector, context);
    await hold(connector, modules, context.signal);
    const { namespace } = splitKey(key);
    const policies = matchingPolicies(connector, cache.policies.inNamespace(namespace));
    const problem = problemsOf(connector, policies, cache.connectors.list());
    if (problem !== undefined) {
      // Of two signers on one account only one may sign.
      const inForce = problem.reason === 'AccountInUse' ? [] : policies;
      await fence(connector, inForce, modules, context.signal);
      await refreshVolumes(connector, recordedJournal(connector, policies), modules, context.signal);
      await report(connector, { stalled: problem }, context.signal);
      return {};
    }
    try {
      return await bringAbout(connector, policies, context);
    } catch (error) {
      if (error instanceof Stall) await report(connector, { stalled: error }, context.signal);
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
    const recorded = recordedJournal(connector, policies);
    await refreshVolumes(connector, recorded, modules, signal);
    const pod = askablePod(connector);
    const signer = pod && (await modules.askSigner(connector, pod, root, signal));
    const journal = await recordJournal(connector, policies, recorded, signer, signal);
    const status = await report(connector, { certificates, desired, signer, journal }, signal);
    if (journal !== undefined && !isDeepStrictEqual(journal, recorded)) {
      await applyChild(connector, journalConfigMap({ ...connector, status }, policies), modules, signal);
      await refreshVolumes(connector, journal, modules, signal);
    }
    return { requeueAfterMs: lookAgainMs(status, pod !== undefined) };
  }

  /**
   * Records the signer's journal in the policies; the status of the connector follows, and only then is it handed back:
   * what a signer trades on must not be forgotten.
   */
  async function recordJournal(
    connector: StellarConnector,
    policies: readonly SigningPolicy[],
    recorded: JournalRecord | undefined,
    signer: SignerReport | undefined,
    signal: AbortSignal,
  ): Promise<JournalRecord | undefined> {
    const uid = connector.metadata.uid!;
    const at = now().getTime();
    const isDue = at - (checkpointAt.get(uid) ?? 0) >= CHECKPOINT_MS;
    const record = nextRecord(recorded, signer?.journal, isDue);
    if (record === undefined) return undefined;
    if (signer !== undefined && isDue) checkpointAt.set(uid, at);
    await recordInPolicies(connector, policies, record, modules, signal);
    return record;
  }

  /** The pod whose signer can be asked. Only an operator in the cluster is let in by the NetworkPolicy. */
  function askablePod(connector: StellarConnector): Pod | undefined {
    if (modules.facts.operatorNamespace === undefined) return undefined;
    return podsOf(connector, cache).find(signerRuns);
  }

  async function finish(connector: StellarConnector, { signal }: Context): Promise<Result> {
    const waits = await release(connector, modules, now(), signal);
    if (waits === undefined) {
      keeper.forget(connector.metadata.uid!);
      checkpointAt.delete(connector.metadata.uid!);
      return {};
    }
    await fence(connector, [], modules, signal).catch(ignoreRefusal);
    await writeStatus(connector, deletingStatus(connector, waits, now()), signal);
    return { requeueAfterMs: waits.requeueAfterMs };
  }

  /** Writes the status that follows from what the stores hold now. */
  async function report(
    connector: StellarConnector,
    found: {
      stalled?: { reason: string; message: string };
      certificates?: readonly Certificate[];
      desired?: readonly KubeObject[];
      signer?: SignerReport | undefined;
      journal?: JournalRecord | undefined;
    },
    signal: AbortSignal,
  ): Promise<StellarConnectorStatus> {
    const { name } = connector.metadata;
    const wanted = found.desired?.find(({ kind }) => kind === NETWORKPOLICIES.kind);
    const held = liveChild(connector, cache, NETWORKPOLICIES.kind, name);
    const policies = policyFiles(connector, cache);
    const seen: Observed = {
      connector,
      mounted: policies === undefined ? [] : mountedPolicies(policies),
      report: found.signer,
      journal: found.journal,
      statefulSet: liveChild(connector, cache, STATEFULSETS.kind, name) as StatefulSet | undefined,
      pods: podsOf(connector, cache),
      egressHeld:
        held !== undefined &&
        (wanted === undefined ? isUntouched(held) : isAsApplied(held, withHash(wanted))),
      certificates: [...(found.certificates ?? current(connector).status?.certificates ?? [])],
      stalled: found.stalled,
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

  /** The root that we published, unless somebody else has touched it since. */
  function publishedRoot(connector: StellarConnector): string | undefined {
    const trust = liveChild(connector, cache, CONFIGMAPS.kind, childNames(connector.metadata.name).trust);
    return trust !== undefined && isUntouched(trust) ? (trust as ConfigMap).data?.['ca_cert.pem'] : undefined;
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
