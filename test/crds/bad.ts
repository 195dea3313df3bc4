/**
 * For every CEL rule at least one object that breaks it. An example is a good object in which some fields are set to
 * something else; it must be refused at the first of them (or at `at`) by a rule whose message contains `says`.
 */
import type { SigningPolicy, StellarConnector } from '../../operator/api/v1alpha1.gen.ts';
import { accounts, usdc } from '../operator/builders.ts';
import { complete, completePolicy, withOtherNames, withVault, withVolume } from './good.ts';

type Kind = StellarConnector | SigningPolicy;

export interface BadExample {
  title: string;
  /** Where the API server must say that it is wrong, in its notation. */
  at: string;
  /** Part of the rule's message. */
  says: string;
  object: Kind;
  /** For rules about changes: what was there before. */
  from?: Kind;
}

/** Sets the field at `path` (`spec.list[0].field`, `spec.map{key}`) of a copy; undefined removes it. */
function set<T extends Kind>(object: T, path: string, value: unknown): T {
  const copy = structuredClone(object);
  const steps = [...path.matchAll(/\{([^}]+)\}|\[(\d+)\]|([^.[{]+)/g)].map(
    ([, key, at, name]) => key ?? at ?? name ?? '',
  );
  const last = steps.pop() ?? '';
  let place = copy as unknown as Record<string, unknown>;
  for (const step of steps) place = place[step] as Record<string, unknown>;
  if (value === undefined) delete place[last];
  else place[last] = value;
  return copy;
}

/** An example that sets one field, which is where it must be refused. */
function bad(object: Kind, path: string, value: unknown, says: string, at = path): BadExample {
  const shown = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 60);
  return {
    title: `${object.kind}: ${path} = ${shown}`,
    at: at.replaceAll(/[{]([^}]*)[}]/g, '[$1]'),
    says,
    object: set(object, path, value),
  };
}

function changed(object: Kind, path: string, value: unknown, says: string): BadExample {
  return { ...bad(object, path, value, says), title: `${object.kind}: ${path} changed`, from: object };
}

const c = complete.manifest();
const volume = withVolume.manifest();
const vault = withVault.manifest();
const others = withOtherNames.manifest();
const p = completePolicy.manifest();

const notAName = 'Not_a_name';
const notAKey = 'not/a/key';

function endpoints(of: 'horizon' | 'rpc'): BadExample[] {
  const first = `spec.${of}.endpoints[0]`;
  return [
    ...['http://h.example.org', 'ftp://h.example.org', 'HTTPS://h.example.org', 'h.example.org'].map((url) =>
      bad(c, `${first}.url`, url, 'must begin with https://'),
    ),
    bad(c, `${first}.url`, 'https://user:secret@h.example.org', 'must not carry a user'),
    bad(c, `${first}.url`, 'https://h.example.org?key=1', 'must not have a query'),
    bad(c, `${first}.url`, 'https://h.example.org/#top', 'must not have a query'),
    ...[
      'https://10.0.0.1',
      'https://0x7f.1',
      'https://2130706433',
      'https://[::1]',
      'https://H.example.org',
      'https://',
      'https://h_x.org',
      'https://h.example.org:',
      'https://h.example.org.',
    ].map((url) => bad(c, `${first}.url`, url, 'must name its host by a lower-case DNS name')),
    bad(c, `${first}.url`, 'https://h.example.org:65536', 'must have a port from 1 to 65535'),
    bad(c, `${first}.url`, 'https://h.example.org:0/', 'must have a port from 1 to 65535'),
    bad(c, `${first}.spkiPins`, [`sha256/${'A'.repeat(43)}=`], 'at least two pins'),
    bad(c, `${first}.spkiPins`, [], 'at least two pins'),
    ...[
      `sha1/${'A'.repeat(43)}=`,
      `sha256/${'A'.repeat(42)}=`,
      `sha256/${'A'.repeat(42)}B=`,
      'A'.repeat(44),
    ].map((pin) => bad(c, `${first}.spkiPins[1]`, pin, 'must have the form sha256/')),
    ...[
      'h.example.org',
      '203.0.113.7/32',
      '203.0.113.7:443',
      '203.0.113.07',
      '2001:DB8::1',
      '::ffff:10.0.0.1',
    ].map((ip) => bad(c, `${first}.addresses[1]`, ip, 'must be IP addresses in their canonical form')),
    ...[
      '127.0.0.1',
      '::1',
      '169.254.169.254',
      'fe80::1',
      '0.0.0.0',
      '0.1.2.3',
      '::',
      '224.0.0.1',
      '100.100.100.200',
      '192.0.0.192',
      'fd00:ec2::254',
      'fd20:ce::254',
    ].map((ip) => bad(c, `${first}.addresses[1]`, ip, 'must not be loopback, link-local')),
    bad(c, `${first}.authSecretRef.name`, notAName, 'name must be the name of an object'),
    bad(c, `${first}.authSecretRef.key`, notAKey, 'key must be a key'),
    bad(c, `${first}.authSecretRef.header`, 'X: y', 'header must be an HTTP header name'),
    bad(c, `${first}.caBundleRef.name`, notAName, 'name must be the name of an object'),
    bad(c, `${first}.caBundleRef.key`, notAKey, 'key must be a key'),
  ];
}

const connectors: BadExample[] = [
  bad(c, 'metadata.name', 'a'.repeat(53), 'at most 52 characters', ''),
  bad(c, 'metadata.name', '1slc', 'begin with a letter', ''),
  bad(c, 'metadata.name', 'slc.prod', 'begin with a letter', ''),
  bad(c, 'spec.networkPassphrase', undefined, 'is required for a network of your own', 'spec'),
  bad(c, 'spec.network', 'testnet', 'must not be set for public and testnet', 'spec'),
  bad(c, 'spec.channelAccounts', [accounts.trader], 'must not repeat account', 'spec'),
  bad(c, 'spec.network', 'My Network', 'only lower-case letters'),
  bad(c, 'spec.network', 'mainnet', 'is called public'),
  changed(c, 'spec.network', 'other', 'network is immutable'),
  changed(c, 'spec.networkPassphrase', 'Another', 'networkPassphrase is immutable'),
  changed(c, 'spec.account', accounts.other, 'account is immutable'),
  ...[`S${'A'.repeat(55)}`, `G${'A'.repeat(54)}`, `G${'1'.repeat(55)}`, 'alice*example.org'].flatMap(
    (account) => [
      bad(c, 'spec.account', account, 'account must be the 56 characters'),
      bad(c, 'spec.channelAccounts[0]', account, 'an account is the 56 characters'),
    ],
  ),
  bad(c, 'spec.horizon.quorum', 3, 'must not be larger than the number', 'spec.horizon'),
  ...endpoints('horizon'),
  ...endpoints('rpc'),
  bad(c, 'spec.signer', {}, 'exactly one of pkcs11 and vaultTransit'),
  bad(
    c,
    'spec.signer.vaultTransit',
    vault.spec.signer.vaultTransit,
    'exactly one of pkcs11 and vaultTransit',
    'spec.signer',
  ),
  bad(c, 'spec.signer.pkcs11.tokenLabel', undefined, 'exactly one of tokenLabel', 'spec.signer.pkcs11'),
  bad(c, 'spec.signer.pkcs11.tokenSerial', '1', 'exactly one of tokenLabel', 'spec.signer.pkcs11'),
  bad(c, 'spec.signer.pkcs11.keyLabel', undefined, 'exactly one of keyLabel', 'spec.signer.pkcs11'),
  bad(c, 'spec.signer.pkcs11.keyId', '00', 'exactly one of keyLabel', 'spec.signer.pkcs11'),
  bad(c, 'spec.signer.pkcs11.module', {}, 'exactly one of image, pvc and path'),
  bad(
    c,
    'spec.signer.pkcs11.module.path',
    '/usr/lib/p11.so',
    'exactly one of image, pvc and path',
    'spec.signer.pkcs11.module',
  ),
  ...['/lib/p11.so', '../p11.so', 'lib/../../p11.so'].flatMap((path) => [
    bad(c, 'spec.signer.pkcs11.module.image.path', path, 'relative to the root of the image'),
    bad(volume, 'spec.signer.pkcs11.module.pvc.path', path, 'relative to the root of the volume'),
  ]),
  bad(volume, 'spec.signer.pkcs11.module.pvc.claimName', notAName, 'name must be the name of an object'),
  ...['lib/p11.so', '/usr/lib/../p11.so'].map((path) =>
    bad(c, 'spec.signer.pkcs11.module', { path }, 'path must be absolute', 'spec.signer.pkcs11.module.path'),
  ),
  bad(others, 'spec.signer.pkcs11.keyId', '0', 'lower-case hexadecimal'),
  bad(others, 'spec.signer.pkcs11.keyId', '0x00', 'lower-case hexadecimal'),
  bad(c, 'spec.signer.pkcs11.pinSecretRef.name', notAName, 'name must be the name of an object'),
  bad(c, 'spec.signer.pkcs11.pinSecretRef.key', notAKey, 'key must be a key'),
  ...[
    'hsm.example.org:1792',
    '10.0.0.5',
    '10.0.0.5:0',
    '10.0.0.5:65536',
    '10.0.0.256:1',
    'fd00::5:1792',
    '[fd00::5]',
  ].map((at) => bad(c, 'spec.signer.pkcs11.endpoints[0]', at, 'must be an IP address and a port')),
  ...['http://vault', 'https://u@vault', 'https://vault/v1', 'https://vault?x', 'https://vault:'].map(
    (address) => bad(vault, 'spec.signer.vaultTransit.address', address, 'address must be https://host'),
  ),
  ...['https://10.0.0.8', 'https://vault.', 'https://0x7f.1'].map((address) =>
    bad(vault, 'spec.signer.vaultTransit.address', address, 'must name its host by a lower-case DNS name'),
  ),
  bad(vault, 'spec.signer.vaultTransit.address', 'https://vault:65536/', 'must have a port from 1 to 65535'),
  bad(
    vault,
    'spec.signer.vaultTransit.addresses[1]',
    '10.0.0.8:8200',
    'must be IP addresses in their canonical',
  ),
  bad(vault, 'spec.signer.vaultTransit.addresses[1]', '169.254.169.254', 'must not be loopback, link-local'),
  bad(vault, 'spec.signer.vaultTransit.namespace', 'a//b', 'namespace must be names'),
  ...['mount', 'key', 'auditKey', 'auth.kubernetes.mount'].map((field) =>
    bad(vault, `spec.signer.vaultTransit.${field}`, '../sys', "must have only letters, digits, '-' and '_'"),
  ),
  bad(vault, 'spec.signer.vaultTransit.caBundleRef.name', notAName, 'name must be the name of an object'),
  bad(vault, 'spec.signer.vaultTransit.caBundleRef.key', notAKey, 'key must be a key'),
  bad(c, 'spec.markets[0].quote', 'XLM', 'two different assets', 'spec.markets[0]'),
  ...[
    'USDC',
    `US$:${accounts.other}`,
    `USDC-${accounts.other}`,
    `USDC:S${'A'.repeat(55)}`,
    'native',
    '',
  ].flatMap((asset) => [
    bad(c, 'spec.markets[0].base', asset, 'an asset is XLM or CODE:ISSUER'),
    bad(c, 'spec.markets[0].quote', asset, 'an asset is XLM or CODE:ISSUER'),
  ]),
  bad(c, 'spec.gateway.tls', {}, 'exactly one of selfSigned'),
  bad(c, 'spec.gateway.tls.secretName', 'own', 'exactly one of selfSigned', 'spec.gateway.tls'),
  bad(others, 'spec.gateway.tls.secretName', notAName, 'name must be the name of an object'),
  bad(vault, 'spec.gateway.tls.certManager.issuerRef.name', notAName, 'name must be the name of an object'),
  bad(c, 'spec.gateway.from[0]', {}, 'need podSelector, namespaceSelector or ipBlock'),
  bad(c, 'spec.gateway.from[1].podSelector', {}, 'must not have a selector as well', 'spec.gateway.from[1]'),
  bad(c, 'spec.gateway.from[1].ipBlock.cidr', '10.1.0.0', 'must be a range such as'),
  bad(c, 'spec.gateway.from[1].ipBlock.except[0]', 'all', 'must be ranges such as'),
  changed(c, 'spec.storage', { signer: { size: '1Gi' } }, 'storage is immutable'),
  ...(['signer', 'connector'] as const).flatMap((of) => [
    bad(c, `spec.storage.${of}.size`, 'big', 'quantity above zero'),
    bad(c, `spec.storage.${of}.size`, '0', 'quantity above zero'),
    bad(c, `spec.storage.${of}.className`, notAName, 'name must be the name of an object'),
  ]),
  bad(c, 'spec.replicas', 2, 'replicas must be 0 or 1'),
];

const notAmounts = ['1.5', '-1', '01', '1e7', '+1', '', 'all', ' 1'];

/** What a rule about a pair can have wrong; `windows` is its map of windows. */
function pairs(of: 'swaps' | 'offers' | 'pools', windows: 'window' | 'turnover'): BadExample[] {
  const first = `spec.${of}[0]`;
  const exactly = 'maxAmount must name exactly the two assets';
  const rule = p.spec[of]?.[0];
  return [
    bad(p, `spec.${of}`, [rule, rule], 'must not list a pair twice'),
    bad(p, `spec.${of}`, [rule, { ...rule, pair: [usdc, 'XLM'] }], 'must not list a pair twice'),
    bad(p, `${first}.maxAmount`, { XLM: '1' }, exactly, first),
    bad(p, `${first}.maxAmount`, { XLM: '1', [`EURC:${accounts.other}`]: '1' }, exactly, first),
    bad(
      p,
      `${first}.${windows}`,
      { [`EURC:${accounts.other}`]: { amount: '1', seconds: 1 } },
      `${windows} must name only assets`,
      first,
    ),
    bad(p, `${first}.pair`, ['XLM', 'XLM'], 'needs two different assets'),
    bad(p, `${first}.pair[0]`, 'USDC', 'an asset is XLM or CODE:ISSUER'),
    bad(p, `${first}.price`, { min: '0.2', max: '0.19' }, 'must not be above price.max'),
    bad(p, `${first}.price`, { min: '10', max: '9' }, 'must not be above price.max'),
    ...['0', '0.000', '-1', '1,5', '.5', '1e-3', '1/3', '01'].flatMap((price) => [
      bad(p, `${first}.price.min`, price, 'decimal above zero'),
      bad(p, `${first}.price.max`, price, 'decimal above zero'),
    ]),
    ...[...notAmounts, '9223372036854775808'].map((amount) =>
      bad(p, `${first}.maxAmount{XLM}`, amount, 'whole stroops'),
    ),
    ...notAmounts.map((amount) => bad(p, `${first}.${windows}{XLM}.amount`, amount, 'whole stroops')),
  ];
}

const policies: BadExample[] = [
  bad(p, 'metadata.name', 'a'.repeat(64), 'at most 63 characters', ''),
  bad(p, 'spec.accounts[0]', `S${'A'.repeat(55)}`, 'an account is the 56 characters'),
  bad(p, 'spec.channels[0]', `S${'A'.repeat(55)}`, 'an account is the 56 characters'),
  bad(p, 'spec.maxTimeBoundSeconds', 121, 'at most 120'),
  bad(p, 'spec.memo', { kind: 'Text' }, 'memo.texts must be given'),
  bad(p, 'spec.memo', { kind: 'Any', texts: ['x'] }, 'memo.texts must be given'),
  ...[...notAmounts, '9223372036854775808'].flatMap((amount) => [
    bad(p, 'spec.fees.perOperation', amount, 'whole stroops'),
    bad(p, 'spec.fees.perTransaction', amount, 'whole stroops'),
    bad(p, 'spec.payments[0].maxAmount', amount, 'whole stroops'),
  ]),
  bad(p, 'spec.fees.window.amount', '1.5', 'whole stroops'),
  ...pairs('swaps', 'window'),
  ...pairs('offers', 'turnover'),
  ...pairs('pools', 'window'),
  bad(p, 'spec.payments[0].asset', 'USDC', 'an asset is XLM or CODE:ISSUER'),
  bad(p, 'spec.payments[0].destinations[0]', `M${'A'.repeat(55)}`, 'must be accounts (G…) or muxed'),
  bad(p, 'spec.payments[0].window.amount', '1.5', 'whole stroops'),
  bad(p, 'spec.trustlines[0]', 'XLM', 'must be CODE:ISSUER'),
  bad(p, 'spec.trustlines[0]', usdc.replace(':', '-'), 'must be CODE:ISSUER'),
  ...['h.example.org', 'https://h.example.org:443', '*:443', '[10.0.0.1:443', '2001:db8::7:443'].map((at) =>
    bad(p, 'spec.endpoints[0]', at, 'must be host:port, address:port or range:port'),
  ),
  bad(p, 'spec.endpoints[0]', 'h.example.org:65536', 'port of at most 65535'),
  ...['10.0.0.256:443', '10.0.0.0/33:443', '10.0.0:443'].map((at) =>
    bad(p, 'spec.endpoints[0]', at, 'begins like an IPv4 address but is none'),
  ),
  ...['[fd00::/129]:443', '[:::]:443', '[10]:443'].map((at) =>
    bad(p, 'spec.endpoints[0]', at, 'no IPv6 address or range within its brackets'),
  ),
];

export const badExamples: readonly BadExample[] = [...connectors, ...policies];
