/** The files of the pod. Addresses, policies and trust are re-read while it runs; the configuration needs a restart. */
import { stringify } from 'yaml';
import type { SigningPolicy, StellarConnector } from '../api/v1alpha1.gen.ts';
import { ledgerServers, pinnedHosts } from '../egress/pinned.ts';
import type { KubeObject } from '../kube/resource.ts';
import { expectedJournal, recordedJournal } from './journal.ts';
import { child, childNames, paths } from './names.ts';
import { passphraseOf } from './network.ts';

export const JOURNAL_FILE = 'journal.json';

function configMap(connector: StellarConnector, name: string, data: Record<string, string>): KubeObject {
  return child(connector, { apiVersion: 'v1', kind: 'ConfigMap' }, name, { data });
}

/** YAML of which equal values have equal texts, since the text decides whether a pod restarts or a policy changed. */
function yamlOf(value: unknown): string {
  return stringify(value, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false });
}

/** The connector's configuration file, without what it learns while it runs. */
export function connectorConfig(connector: StellarConnector): string {
  const { spec } = connector;
  const servers = ledgerServers(connector);
  return yamlOf({
    network: spec.network,
    networkPassphrase: passphraseOf(spec),
    account: spec.account,
    ...(spec.channelAccounts === undefined ? {} : { channelAccounts: spec.channelAccounts }),
    horizon: {
      endpoints: servers.filter(({ field }) => !isRpc(field)).map(endpoint),
      quorum: spec.horizon.quorum,
    },
    ...(spec.rpc === undefined
      ? {}
      : { rpc: { endpoints: servers.filter(({ field }) => isRpc(field)).map(endpoint) } }),
    markets: spec.markets,
    ...(spec.gateway.clients === undefined ? {} : { gateway: { clients: spec.gateway.clients } }),
  });
}

const isRpc = (field: string): boolean => field.startsWith('spec.rpc.');

function endpoint({
  id,
  url,
  spkiPins,
  caBundleRef,
  authSecretRef,
}: ReturnType<typeof ledgerServers>[number]) {
  return {
    url,
    ...(spkiPins === undefined ? {} : { spkiPins }),
    ...(caBundleRef === undefined ? {} : { caFile: `${paths.ca}/${id}/ca.pem` }),
    ...(authSecretRef === undefined
      ? {}
      : { auth: { header: authSecretRef.header, file: `${paths.auth}/${id}/value` } }),
  };
}

/**
 * What the policies bound and the connector keeps to, so that it asks for nothing that must be refused: the tightest of
 * each. In a file that is re-read, since a change of a policy restarts no pod.
 */
function limits(policies: readonly SigningPolicy[]): object {
  const specs = policies.map(({ spec }) => spec);
  const least = (amounts: string[]): string => amounts.reduce((a, b) => (BigInt(b) < BigInt(a) ? b : a));
  const aSecond = ({ amount, seconds }: SigningPolicy['spec']['fees']['window']): number =>
    Number(amount) / seconds;
  const window = specs.map(({ fees }) => fees.window).reduce((a, b) => (aSecond(b) < aSecond(a) ? b : a));
  return {
    perOperation: least(specs.map(({ fees }) => fees.perOperation)),
    perTransaction: least(specs.map(({ fees }) => fees.perTransaction)),
    window: { amount: window.amount, seconds: window.seconds },
    maxOperations: Math.min(...specs.map(({ maxOperations }) => maxOperations)),
    maxTimeBoundSeconds: Math.min(...specs.map(({ maxTimeBoundSeconds }) => maxTimeBoundSeconds)),
  };
}

export function connectorConfigMap(connector: StellarConnector): KubeObject {
  const name = childNames(connector.metadata.name).config;
  return configMap(connector, name, { 'connector.yaml': connectorConfig(connector) });
}

/**
 * What the connector re-reads while it runs. Where each host may be dialled: the NetworkPolicy is applied first, so the
 * pod never holds more than it allows. And the policies' limits.
 */
export function addressesConfigMap(
  connector: StellarConnector,
  policies: readonly SigningPolicy[],
): KubeObject {
  const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
  return configMap(connector, childNames(connector.metadata.name).addresses, {
    'addresses.json': json({ hosts: pinnedHosts(connector) }),
    'limits.json': json(limits(policies)),
  });
}

/** The policies as whole objects, one file each, without what changes at every write of the object. */
export function policyConfigMap(connector: StellarConnector, policies: readonly SigningPolicy[]): KubeObject {
  const files = policies.map(({ apiVersion, kind, metadata, spec }) => {
    const text = yamlOf({ apiVersion, kind, metadata: { name: metadata.name }, spec });
    return [`${metadata.name}.yaml`, text] as const;
  });
  return configMap(connector, childNames(connector.metadata.name).policy, Object.fromEntries(files));
}

/** Which journal the signer must find. Applied after it was recorded, so that no record is ever ahead of its durable one. */
export function journalConfigMap(
  connector: StellarConnector,
  policies: readonly SigningPolicy[],
): KubeObject {
  const text = expectedJournal(recordedJournal(connector, policies));
  return configMap(connector, childNames(connector.metadata.name).journal, { [JOURNAL_FILE]: text });
}

export function trustConfigMap(connector: StellarConnector, publicRoots: string): KubeObject {
  return configMap(connector, childNames(connector.metadata.name).trust, { 'ca_cert.pem': publicRoots });
}
