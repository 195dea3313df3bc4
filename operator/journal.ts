/** Keeps the identity of the signer's journal: what is recorded, when a record changes, and writing it to the policies. */
import { isDeepStrictEqual } from 'node:util';
import type { SigningPolicy, StellarConnector } from './api/v1alpha1.gen.ts';
import { absent, type ChildModules } from './children.ts';
import { type JournalRecord, journalIn } from './desired/journal.ts';
import { networkIdOf } from './desired/network.ts';
import { Stall } from './errors.ts';
import { POLICIES } from './kinds.ts';
import { FIELD_MANAGER } from './kube/client.ts';
import { isStatus } from './kube/errors.ts';
import type { SignerReport } from './signer.ts';

type Reported = SignerReport['journal'];

/**
 * What is to be recorded after the signer has said which journal it has. A record is replaced by another id, or an older
 * checkpoint, only when a signer that has read the record calls itself ready all the same: then the loss was accepted.
 * @param isDue whether a newer checkpoint may be written
 */
export function nextRecord(
  recorded: JournalRecord | undefined,
  reported: Reported | undefined,
  isDue: boolean,
): JournalRecord | undefined {
  const { id, checkpoint, standing, expected } = reported ?? {};
  if (id === undefined || (standing !== 'ready' && standing !== 'unconfirmed')) return recorded;
  const found = { id, ...(checkpoint === undefined ? {} : { checkpoint }) };
  if (recorded === undefined) return found;
  if (isOther(recorded, reported)) {
    const hasReadIt = expected === undefined || expected.id === recorded.id;
    if (standing !== 'ready' || !hasReadIt) return recorded;
    const former = id === recorded.id ? recorded.former : recorded.id;
    return { ...found, ...(former === undefined ? {} : { former }) };
  }
  return isDue ? { ...recorded, ...found } : recorded;
}

/** True when the signer's journal is another than the recorded one, or an older state of it. */
function isOther(recorded: JournalRecord, { id, checkpoint }: Reported = {}): boolean {
  if (id === undefined) return false;
  return id !== recorded.id || (checkpoint ?? Infinity) < (recorded.checkpoint ?? 0);
}

/** Why the signer does not trade for the sake of its journal, with what to do; undefined when that is not the case. */
export function lostJournal(
  recorded: JournalRecord | undefined,
  reported: Reported | undefined,
): string | undefined {
  const { id, standing } = reported ?? {};
  const isLost = standing === 'waiting' || standing === 'full';
  if (standing === undefined || !(isLost || (recorded !== undefined && isOther(recorded, reported))))
    return undefined;
  const what =
    recorded === undefined
      ? 'the signer has lost its journal'
      : id === undefined || id === recorded.id
        ? `the signer's journal is not what was recorded of ${recorded.id}: it is older or damaged`
        : `the signer has the journal ${id}, recorded is ${recorded.id}: it was lost or exchanged`;
  const state =
    standing === 'full'
      ? 'All spending windows count as full, offers can be deleted.'
      : 'Nothing is signed for some minutes; after that all spending windows count as full and offers can be deleted.';
  return (
    `${what}. ${state} Find out who or what did it. Then bring the volume back, or accept the loss with ` +
    '"signer journal accept-loss --reason … --by …" in its container.'
  );
}

/**
 * Writes the record to the status of every policy that applies, and of those that still have an older one. Each record is
 * an apply under a manager of its own, so that it touches no other and two connectors do not race.
 * @throws Stall `Refused` when the API server will not have it
 */
export async function recordInPolicies(
  connector: StellarConnector,
  applying: readonly SigningPolicy[],
  record: JournalRecord,
  { client, cache }: ChildModules,
  signal: AbortSignal,
): Promise<void> {
  const { account } = connector.spec;
  const network = networkIdOf(connector.spec);
  const entry = { account, network, ...record };
  const fieldManager = `${FIELD_MANAGER}-journal-${account}-${network.slice(0, 16)}`;
  const names = new Set(applying.map(({ metadata }) => metadata.name));
  for (const policy of cache.policies.inNamespace(connector.metadata.namespace!)) {
    const { name, namespace, uid } = policy.metadata;
    const before = journalIn(policy, connector);
    if (before === undefined ? !names.has(name) : isDeepStrictEqual(before, entry)) continue;
    const metadata = { name, ...(namespace && { namespace }), ...(uid && { uid }) };
    const object = { metadata, status: { journals: [entry] } };
    try {
      const after = await absent(client.applyStatus(POLICIES, object, { fieldManager, force: true }, signal));
      if (after !== undefined) cache.policies.set(after);
    } catch (error) {
      if (!isStatus(error, 400, 403, 422)) throw error;
      throw new Stall(
        'Refused',
        `the API server refuses the status of SigningPolicy ${namespace}/${name}: ${error.message}`,
        error,
      );
    }
  }
}
