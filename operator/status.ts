import type { StellarConnector, StellarConnectorStatus } from './api/v1alpha1.gen.ts';
import type { JournalRecord } from './desired/journal.ts';
import { ports } from './desired/names.ts';
import { pinnedAddresses } from './egress/pinned.ts';
import { lostJournal } from './journal.ts';
import type { ContainerStatus, Pod, StatefulSet } from './kinds.ts';
import { conditionsOf, type Finding } from './kube/conditions.ts';
import { type SignerReport, setHash } from './signer.ts';

/** What one reconcile has seen. */
export interface Observed {
  connector: StellarConnector;
  /** The policies as mounted: name and hash of each file. */
  mounted: readonly { name: string; hash: string }[];
  /** What the signer said of itself, if it was reached. */
  report?: SignerReport | undefined;
  /** What is recorded of the signer's journal, this report taken into account. */
  journal?: JournalRecord | undefined;
  statefulSet: StatefulSet | undefined;
  pods: readonly Pod[];
  /** Whether the NetworkPolicy in the cluster is the one that we want. */
  egressHeld: boolean;
  certificates: NonNullable<StellarConnectorStatus['certificates']>;
  /** Why nothing goes on until somebody acts. */
  stalled?: { reason: string; message: string } | undefined;
}

/** Reason while the signer of a first start waits for its own journal's id. */
const UNCONFIRMED = 'JournalUnconfirmed';

type Verdict = Pick<Finding, 'status' | 'reason' | 'message'>;

/**
 * The status for what was seen. Pure; equal observations give equal statuses, so that a status is written on a
 * transition only. Conditions are in kstatus form: `Reconciling` and `Stalled` are absent when they do not hold.
 */
export function statusOf(observed: Observed, now: Date): StellarConnectorStatus {
  const { connector, statefulSet, stalled } = observed;
  const { name, namespace, generation = 0 } = connector.metadata;
  const before = connector.status;
  const signer = signerVerdict(observed);
  const ready = stalled === undefined ? readyVerdict(observed) : refuse(stalled.reason, stalled.message);
  const findings: Finding[] = [{ type: 'Ready', ...ready }];
  if (stalled !== undefined) findings.push({ type: 'Stalled', ...affirm(stalled.reason, stalled.message) });
  else if (ready.status !== 'True' && ready.reason !== 'Paused')
    findings.push({ type: 'Reconciling', ...affirm(ready.reason, ready.message) });
  findings.push(
    { type: 'SignerReady', ...signer },
    { type: 'PolicyInForce', ...policyVerdict(observed, signer) },
    { type: 'EgressPinned', ...egressVerdict(observed) },
  );
  const policyHash = observed.report === undefined ? before?.policyHash : setHash(observed.report.policies);
  const account = signer.status === 'True' ? connector.spec.account : before?.account;
  const journal = observed.journal ?? before?.journal;
  const labels = Object.entries(statefulSet?.spec.selector.matchLabels ?? {});
  return {
    observedGeneration: generation,
    replicas: statefulSet?.status?.replicas ?? 0,
    ...(labels.length === 0 ? {} : { selector: labels.map((pair) => pair.join('=')).join(',') }),
    conditions: conditionsOf(findings, before?.conditions ?? [], generation, now),
    ...(account === undefined ? {} : { account }),
    gateway: `${name}.${namespace}.svc:${ports.gateway}`,
    addresses: pinnedAddresses(connector),
    certificates: [...observed.certificates],
    ...(policyHash === undefined ? {} : { policyHash }),
    ...(journal === undefined ? {} : { journal }),
  };
}

/** The status of a connector that is being deleted: only its conditions change. */
export function deletingStatus(
  connector: StellarConnector,
  waits: { message: string; tooLong: boolean },
  now: Date,
): StellarConnectorStatus {
  const { generation = 0 } = connector.metadata;
  const reason = waits.tooLong ? 'PodLingers' : 'Deleting';
  const findings: Finding[] = [
    { type: 'Ready', ...refuse(reason, waits.message) },
    { type: waits.tooLong ? 'Stalled' : 'Reconciling', ...affirm(reason, waits.message) },
  ];
  const conditions = conditionsOf(findings, connector.status?.conditions ?? [], generation, now);
  return { ...connector.status, observedGeneration: generation, conditions };
}

/** Looks at clocks that no watch tells of: ends of certificates, Secrets that somebody deleted. */
const HEARTBEAT_MS = 600_000;
const UNREADY_HEARTBEAT_MS = 60_000;
/** Until the journal of a first start is recorded and has come back, for which trading waits. */
const ASK_FIRST_MS = 1_000;
/** While a signer starts, lacks something or has not loaded a policy: nothing but its answer tells when it has. */
const ASK_AGAIN_MS = 5_000;

/** When to look again though nothing has changed that is watched (milliseconds); `asked`: whether a signer runs that can be. */
export function lookAgainMs({ conditions, journal }: StellarConnectorStatus, asked: boolean): number {
  const holds = (type: string): boolean =>
    conditions?.some((one) => one.type === type && one.status === 'True') === true;
  const isFirst = journal === undefined || conditions?.some(({ reason }) => reason === UNCONFIRMED);
  if (asked && !(holds('SignerReady') && holds('PolicyInForce')))
    return isFirst ? ASK_FIRST_MS : ASK_AGAIN_MS;
  return holds('Ready') ? HEARTBEAT_MS : UNREADY_HEARTBEAT_MS;
}

function readyVerdict(observed: Observed): Verdict {
  const { connector, statefulSet, pods, egressHeld } = observed;
  const { replicas } = connector.spec;
  const seen = statefulSet?.status;
  const current = seen?.observedGeneration === statefulSet?.metadata.generation;
  if (seen === undefined || !current) return refuse('Progressing', 'the StatefulSet is being brought up');
  if (replicas === 0) {
    return (seen.replicas ?? 0) === 0
      ? refuse('Paused', 'spec.replicas is 0; set it to 1 to trade')
      : refuse('Pausing', 'the pod is ending');
  }
  if (!egressHeld) return refuse('EgressNotPinned', 'the NetworkPolicy is not in place');
  const journal = journalVerdict(observed);
  if (journal !== undefined) return journal;
  if ((seen.readyReplicas ?? 0) >= 1 && (seen.updatedReplicas ?? 0) >= 1)
    return affirm('Ready', 'signer and connector are ready');
  return refuse('PodNotReady', signerFault(observed) ?? podTrouble(pods) ?? 'the pod is starting');
}

function signerVerdict(observed: Observed): Verdict {
  const { pods } = observed;
  const statuses = pods.flatMap(({ status }) => status?.initContainerStatuses ?? []);
  const signer = statuses.find(({ name }) => name === 'signer');
  if (signer === undefined) return unknown('NoPod', 'no signer is running');
  const journal = journalVerdict(observed);
  if (journal !== undefined) return journal;
  if (signer.ready === true) return affirm('Signed', signedMessage(observed.journal));
  // What it says now counts for more than how it ended before.
  const fault = signerFault(observed);
  const trouble = containerTrouble(signer);
  if (fault === undefined && trouble !== undefined) return refuse('NotRunning', trouble);
  return refuse(
    'NotReady',
    fault ?? 'the signer runs but cannot sign yet; its log says why (kubectl logs -c signer)',
  );
}

/** What the journal keeps from trading, also where the signer counts as ready since it can sign deletions. */
function journalVerdict({ journal, report }: Observed): Verdict | undefined {
  const lost = lostJournal(journal, report?.journal);
  if (lost !== undefined) return refuse('JournalLost', lost);
  if (report?.journal.standing !== 'unconfirmed') return undefined;
  return refuse(
    UNCONFIRMED,
    'the signer waits until it sees its journal recorded, some seconds, at the latest about a minute',
  );
}

/** A loss that was accepted stays told, since it let spent windows begin anew. */
function signedMessage({ id, former }: Partial<JournalRecord> = {}): string {
  const signed = 'the signer made and verified a probe signature';
  return former === undefined
    ? signed
    : `${signed}; its journal ${id} is recorded in place of ${former}, whose loss was accepted`;
}

/** What the signer itself says it lacks. */
function signerFault({ report }: Observed): string | undefined {
  const fault = report?.keystore.fault ?? report?.journal.fault;
  return fault === undefined ? undefined : `the signer cannot sign: ${fault}`;
}

/** In force is what the signer reports to have loaded, file by file. */
function policyVerdict({ mounted, report, stalled }: Observed, signer: Verdict): Verdict {
  if (stalled !== undefined) return refuse(stalled.reason, stalled.message);
  if (report === undefined) {
    return signer.status === 'True'
      ? unknown('SignerNotAsked', 'mounted; the signer could not be asked what it has loaded')
      : unknown('SignerNotReady', 'the signer that loads the policies is not ready');
  }
  if (report.policyFault !== undefined)
    return refuse('Refused', `the signer refuses the policies and keeps the former: ${report.policyFault}`);
  const names = mounted.map(({ name }) => name).join(', ');
  return setHash(report.policies) === setHash(mounted)
    ? affirm('Loaded', `loaded by the signer: ${names}`)
    : refuse(
        'NotLoadedYet',
        `the signer has not loaded ${names} yet; the kubelet brings a change within seconds, at the latest in about a minute`,
      );
}

function egressVerdict({ connector, egressHeld }: Observed): Verdict {
  if (!egressHeld) return refuse('NotApplied', 'the NetworkPolicy is not in place');
  const hosts = [...new Set(pinnedAddresses(connector).map(({ host }) => host))].sort().join(', ');
  return affirm('Pinned', `egress is limited to the addresses of ${hosts}`);
}

/** What keeps a pod from being ready, in words that do not change from one try of the kubelet to the next. */
function podTrouble(pods: readonly Pod[]): string | undefined {
  for (const { status } of pods) {
    const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
    if (scheduled?.status === 'False') return `the pod cannot be scheduled: ${scheduled.message ?? ''}`;
    for (const container of [
      ...(status?.initContainerStatuses ?? []),
      ...(status?.containerStatuses ?? []),
    ]) {
      const trouble = containerTrouble(container);
      if (trouble !== undefined) return trouble;
    }
  }
  return undefined;
}

function containerTrouble({ name, state, lastState, image }: ContainerStatus): string | undefined {
  const reason = state?.waiting?.reason;
  const ended = state?.terminated ?? lastState?.terminated;
  switch (reason) {
    case 'ErrImagePull':
    case 'ImagePullBackOff':
      return `container ${name}: the image ${image ?? ''} cannot be pulled`;
    case 'PodInitializing':
    case 'ContainerCreating':
      return undefined;
    case undefined:
    case 'CrashLoopBackOff':
      if (ended === undefined || ended.exitCode === 0) return undefined;
      return `container ${name} ended with code ${ended.exitCode}: ${ended.message?.trim() || (ended.reason ?? '')}`;
    default:
      return `container ${name}: ${reason}: ${state?.waiting?.message ?? ''}`;
  }
}

function affirm(reason: string, message: string): Verdict {
  return { status: 'True', reason, message };
}

function refuse(reason: string, message: string): Verdict {
  return { status: 'False', reason, message };
}

function unknown(reason: string, message: string): Verdict {
  return { status: 'Unknown', reason, message };
}
