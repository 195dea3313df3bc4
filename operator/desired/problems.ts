/**
 * Why a connector cannot be carried out, as a chain of pure checks; the first that finds something decides. Each
 * message names the field or object and says what to do, since it is all that the user sees (condition Stalled).
 */
import type { SigningPolicy, StellarConnector } from '../api/v1alpha1.gen.ts';
import { covers, isForbidden, judgedAddress } from '../egress/ip.ts';
import { type Destination, destinations, ledgerServers, splitHostPort } from '../egress/pinned.ts';
import { accountInUse } from './rivals.ts';
import { isAccount } from './strkey.ts';
import { unsupportedFields } from './unsupported.ts';

export interface Problem {
  /** One word, the condition's reason; the documentation lists them. */
  reason:
    | 'AccountInvalid'
    | 'AccountInUse'
    | 'NoMatchingPolicy'
    | 'FieldNotSupported'
    | 'AnnotationNotAllowed'
    | 'AddressesMissing'
    | 'AddressForbidden'
    | 'EndpointNotAllowed'
    | 'ChannelNotAllowed'
    | 'ModuleNotAllowed';
  message: string;
}

type Check = (
  connector: StellarConnector,
  policies: readonly SigningPolicy[],
  connectors: readonly StellarConnector[],
) => Problem | undefined;

/** Annotations that a trader may set on the pod: none of them lets another controller change it. */
const allowedAnnotations: ReadonlySet<string> = new Set([
  'cluster-autoscaler.kubernetes.io/safe-to-evict',
  'karpenter.sh/do-not-disrupt',
  'kubectl.kubernetes.io/restartedAt',
]);

/**
 * The first problem, or undefined when the connector can be carried out. `policies` are those that apply to it;
 * `connectors` are all that are known, it may be among them.
 */
export function problemsOf(
  connector: StellarConnector,
  policies: readonly SigningPolicy[],
  connectors: readonly StellarConnector[],
): Problem | undefined {
  for (const check of checks) {
    const problem = check(connector, policies, connectors);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** A mistyped account or issuer, which only its checksum betrays; signer and connector would refuse to start on it. */
const accountInvalid: Check = ({ spec }) => {
  const issuerOf = (asset: string) => (asset === 'XLM' ? [] : [asset.slice(asset.indexOf(':') + 1)]);
  const given: [field: string, account: string][] = [
    ['spec.account', spec.account],
    ...(spec.channelAccounts ?? []).map((channel, at): [string, string] => [
      `spec.channelAccounts[${at}]`,
      channel,
    ]),
    ...spec.markets.flatMap(({ base, quote }, at) => [
      ...issuerOf(base).map((issuer): [string, string] => [`spec.markets[${at}].base`, issuer]),
      ...issuerOf(quote).map((issuer): [string, string] => [`spec.markets[${at}].quote`, issuer]),
    ]),
  ];
  const wrong = given.find(([, account]) => !isAccount(account));
  if (wrong === undefined) return undefined;
  const [field, account] = wrong;
  return {
    reason: 'AccountInvalid',
    message: `${field}: ${account} is no account, its checksum does not match: copy it again from its source`,
  };
};

const noMatchingPolicy: Check = ({ metadata, spec }, policies) => {
  if (policies.length > 0) return undefined;
  const where = metadata.namespace === undefined ? '' : ` in namespace ${metadata.namespace}`;
  return {
    reason: 'NoMatchingPolicy',
    message: `no SigningPolicy${where} names account ${spec.account}: create one with this account in spec.accounts`,
  };
};

const annotationNotAllowed: Check = ({ spec }) => {
  const name = Object.keys(spec.podTemplate.annotations ?? {}).find((key) => !allowedAnnotations.has(key));
  if (name === undefined) return undefined;
  const allowed = [...allowedAnnotations].join(', ');
  return {
    reason: 'AnnotationNotAllowed',
    message: `spec.podTemplate.annotations must not have ${name}: remove it (allowed are ${allowed})`,
  };
};

const addressesMissing: Check = (connector) => {
  const { vaultTransit } = connector.spec.signer;
  const servers = [
    ...ledgerServers(connector),
    ...(vaultTransit === undefined
      ? []
      : [{ ...vaultTransit, url: vaultTransit.address, field: 'spec.signer.vaultTransit' }]),
  ];
  const found = servers.find(({ addresses = [] }) => addresses.length === 0);
  if (found === undefined) return undefined;
  return {
    reason: 'AddressesMissing',
    message:
      `${found.field}.addresses is empty: list the IP addresses of ${found.url}, ` +
      'since this version does not resolve host names',
  };
};

const addressForbidden: Check = (connector) => {
  const found = destinations(connector).find(({ ip }) => isForbidden(ip));
  if (found === undefined) return undefined;
  return {
    reason: 'AddressForbidden',
    message: `${found.field} is ${found.ip}: a loopback, link-local, multicast or metadata address cannot be an endpoint`,
  };
};

/** Every policy must cover every address, by address or range; what host name stands beside it does not count. */
const endpointNotAllowed: Check = (connector, policies) => {
  for (const destination of destinations(connector)) {
    const policy = policies.find(({ spec }) => !spec.endpoints?.some((entry) => allows(entry, destination)));
    if (policy === undefined) continue;
    const { ip, port, field } = destination;
    const entry = ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
    return {
      reason: 'EndpointNotAllowed',
      message: `${field} is not allowed by SigningPolicy ${policy.metadata.name}: add "${entry}" to its spec.endpoints`,
    };
  }
  return undefined;
};

function allows(entry: string, { ip, port }: Destination): boolean {
  const allowed = splitHostPort(entry);
  return allowed.port === port && covers(allowed.host, judgedAddress(ip));
}

/** Every policy must list the channels too: the signer signs for no others, and whoever pays their fees decides. */
const channelNotAllowed: Check = ({ spec }, policies) => {
  for (const [at, channel] of (spec.channelAccounts ?? []).entries()) {
    const policy = policies.find(({ spec: { channels = [] } }) => !channels.includes(channel));
    if (policy === undefined) continue;
    return {
      reason: 'ChannelNotAllowed',
      message:
        `spec.channelAccounts[${at}] is not allowed by SigningPolicy ${policy.metadata.name}: ` +
        `add ${channel} to its spec.channels`,
    };
  }
  return undefined;
};

/** Every policy must list the library; the trader chooses among them. */
const moduleNotAllowed: Check = ({ spec }, policies) => {
  const module = spec.signer.pkcs11?.module;
  if (module === undefined) return undefined;
  const { image, pvc, path } = module;
  const names =
    image !== undefined
      ? [image.reference, image.reference.slice(image.reference.lastIndexOf('@') + 1)]
      : [pvc === undefined ? (path ?? '') : `pvc:${pvc.claimName}/${pvc.path}`];
  const policy = policies.find(({ spec: { modules = [] } }) => !names.some((name) => modules.includes(name)));
  if (policy === undefined) return undefined;
  return {
    reason: 'ModuleNotAllowed',
    message:
      `spec.signer.pkcs11.module is not allowed by SigningPolicy ${policy.metadata.name}: ` +
      `add "${names[0]}" to its spec.modules`,
  };
};

const checks: readonly Check[] = [
  accountInvalid,
  (connector, _, connectors) => accountInUse(connector, connectors),
  noMatchingPolicy,
  unsupportedFields,
  annotationNotAllowed,
  addressesMissing,
  addressForbidden,
  endpointNotAllowed,
  channelNotAllowed,
  moduleNotAllowed,
];
