/** The files of the pod. Addresses, policies and trust are re-read while it runs; the configuration needs a restart. */
import { stringify } from 'yaml';
import type { SigningPolicy, StellarConnector } from '../api/v1alpha1.gen.ts';
import { pinnedHosts } from '../egress/pinned.ts';
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
  return yamlOf({
    network: spec.network,
    networkPassphrase: passphraseOf(spec),
    account: spec.account,
    horizon: {
      endpoints: spec.horizon.endpoints.map(({ url, spkiPins, caBundleRef }, at) => ({
        url,
        ...(spkiPins === undefined ? {} : { spkiPins }),
        ...(caBundleRef === undefined ? {} : { caFile: `${paths.ca}/${at}/ca.pem` }),
      })),
      quorum: spec.horizon.quorum,
    },
    markets: spec.markets,
  });
}

export function connectorConfigMap(connector: StellarConnector): KubeObject {
  const name = childNames(connector.metadata.name).config;
  return configMap(connector, name, { 'connector.yaml': connectorConfig(connector) });
}

/** Where each host may be dialled. The NetworkPolicy is applied first, so the pod never holds more than it allows. */
export function addressesConfigMap(connector: StellarConnector): KubeObject {
  const text = JSON.stringify({ hosts: pinnedHosts(connector) }, null, 2);
  return configMap(connector, childNames(connector.metadata.name).addresses, {
    'addresses.json': `${text}\n`,
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
