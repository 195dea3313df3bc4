/**
 * The identity of the signer's journal as it was recorded. It lies in the status of the connector and of every policy
 * that applies, so that it survives the deletion of either, and is handed back to the signer, which finds by it that its
 * journal was lost. Only the operator writes a status; who may write ConfigMaps of the namespace equals the key.
 */
import type { SigningPolicy, StellarConnector, StellarConnectorStatusJournal } from '../api/v1alpha1.gen.ts';
import { networkIdOf } from './network.ts';

export type JournalRecord = StellarConnectorStatusJournal;

/**
 * What is recorded for the connector's account and network: by itself, else by one of the policies that apply to it.
 * Its own is the newest, since it is written to all of them.
 */
export function recordedJournal(
  connector: StellarConnector,
  policies: readonly SigningPolicy[],
): JournalRecord | undefined {
  const own = connector.status?.journal;
  if (own !== undefined) return own;
  const found = policies.map((policy) => journalIn(policy, connector)).find((one) => one !== undefined);
  if (found === undefined) return undefined;
  const { account: _account, network: _network, ...record } = found;
  return record;
}

/** The entry of a policy for the connector's account and network; how the connector calls the network does not count. */
export function journalIn({ status }: SigningPolicy, { spec }: StellarConnector) {
  const network = networkIdOf(spec);
  return status?.journals?.find((one) => one.account === spec.account && one.network === network);
}

/** What the signer reads: the journal that it must find, or `{}` where none is recorded. */
export function expectedJournal(record: JournalRecord | undefined): string {
  const { id, checkpoint = 0 } = record ?? {};
  return `${JSON.stringify(id === undefined ? {} : { id, checkpoint })}\n`;
}
