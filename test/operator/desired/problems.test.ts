import assert from 'node:assert/strict';
import { matchingPolicies } from '../../../operator/desired/policies.ts';
import { type Problem, problemsOf } from '../../../operator/desired/problems.ts';
import { aConnector, accounts, aPolicy, type ConnectorSpec } from '../builders.ts';

type Connector = ReturnType<typeof aConnector>;
type Policy = ReturnType<typeof aPolicy>;

interface Case {
  connector?: Connector;
  policies?: Policy[];
  /** What is expected; undefined means that nothing is wrong. */
  reason?: Problem['reason'];
  /** What the message must name, in this order. */
  names?: RegExp;
}

const pkcs11 = (change: (of: NonNullable<NonNullable<ConnectorSpec['signer']>['pkcs11']>) => void) =>
  aConnector().edit(({ signer }) => {
    if (signer?.pkcs11 !== undefined) change(signer.pkcs11);
  });
const endpoint = (
  change: (of: NonNullable<NonNullable<ConnectorSpec['horizon']>['endpoints']>[number]) => void,
) =>
  aConnector().edit(({ horizon }) => {
    const [first] = horizon?.endpoints ?? [];
    if (first !== undefined) change(first);
  });
const vault = (...addresses: string[]) =>
  aConnector().with({
    signer: {
      vaultTransit: {
        address: 'https://vault.example.org:8200',
        key: 'stellar',
        auth: { kubernetes: { role: 'signer' } },
        ...(addresses.length === 0 ? {} : { addresses }),
      },
    },
  });
const image = (reference: string) =>
  pkcs11((of) => {
    of.module = { image: { reference, path: 'lib/p11.so' } };
  });
const digest = `sha256:${'a'.repeat(64)}`;

const cases: Record<string, Case> = {
  'a connector that its policy allows': {},
  'an account with two letters swapped': {
    connector: aConnector().with({ account: accounts.trader.replace('BRPY', 'BPRY') }),
    reason: 'AccountInvalid',
    names: /spec\.account: GBPRY.*checksum/,
  },
  'an issuer with a wrong letter': {
    connector: aConnector().with({
      markets: [{ base: `EURC:${accounts.other.replace('GA5', 'GB5')}`, quote: 'XLM' }],
    }),
    reason: 'AccountInvalid',
    names: /spec\.markets\[0\]\.base/,
  },
  'an issuer of the quote with a wrong letter': {
    connector: aConnector().with({
      markets: [{ base: 'XLM', quote: `EURC:${accounts.other.replace('GA5', 'GB5')}` }],
    }),
    reason: 'AccountInvalid',
    names: /spec\.markets\[0\]\.quote/,
  },
  'no policy at all': {
    policies: [],
    reason: 'NoMatchingPolicy',
    names: new RegExp(`trading.*${accounts.trader}.*create`),
  },
  'a policy for another account': {
    policies: [aPolicy().with({ accounts: [accounts.other] })],
    reason: 'NoMatchingPolicy',
    names: /SigningPolicy/,
  },
  'a policy of another namespace': {
    policies: [aPolicy().inNamespace('elsewhere')],
    reason: 'NoMatchingPolicy',
  },

  'a channel account with a wrong letter': {
    connector: aConnector().with({ channelAccounts: [accounts.other.replace('GA5', 'GB5')] }),
    reason: 'AccountInvalid',
    names: /spec\.channelAccounts\[0\]/,
  },
  'a channel account that no policy lists': {
    connector: aConnector().with({ channelAccounts: [accounts.other] }),
    reason: 'ChannelNotAllowed',
    names: new RegExp(
      `spec\\.channelAccounts\\[0\\].*slc-policy.*add ${accounts.other} to its spec\\.channels`,
    ),
  },
  'a channel account that the policy lists': {
    connector: aConnector().with({ channelAccounts: [accounts.other] }),
    policies: [aPolicy().with({ channels: [accounts.other] })],
  },
  'a second server without addresses': {
    connector: aConnector().edit(({ horizon }) =>
      horizon?.endpoints?.push({ url: 'https://second.example.org' }),
    ),
    reason: 'AddressesMissing',
    names: /spec\.horizon\.endpoints\[1\]\.addresses/,
  },
  'RPC servers without addresses': {
    connector: aConnector().with({ rpc: { endpoints: [{ url: 'https://rpc.example.org' }] } }),
    reason: 'AddressesMissing',
    names: /spec\.rpc\.endpoints\[0\]\.addresses/,
  },
  'an RPC server that no policy covers': {
    connector: aConnector().with({
      rpc: { endpoints: [{ url: 'https://rpc.example.org', addresses: ['198.51.100.77'] }] },
    }),
    reason: 'EndpointNotAllowed',
    names: /spec\.rpc\.endpoints\[0\]\.addresses\[0\].*198\.51\.100\.77:443/,
  },
  'certificates of one’s own': {
    connector: aConnector().with({ gateway: { tls: { secretName: 'own' } } }),
    reason: 'FieldNotSupported',
    names: /gateway\.tls\.secretName.*selfSigned/,
  },
  'certificates of cert-manager': {
    connector: aConnector().with({ gateway: { tls: { certManager: { issuerRef: { name: 'ca' } } } } }),
    reason: 'FieldNotSupported',
    names: /gateway\.tls\.certManager.*selfSigned/,
  },
  'a PodMonitor': {
    connector: aConnector().with({ monitoring: { podMonitor: true } }),
    reason: 'FieldNotSupported',
    names: /monitoring\.podMonitor/,
  },
  'a policy that requires proof of enforcement': {
    policies: [aPolicy().with({ egress: undefined })],
    reason: 'FieldNotSupported',
    names: /SigningPolicy slc-policy.*egress\.enforcement Required.*Warn/,
  },
  'a policy with further destinations': {
    policies: [
      aPolicy().with({ egress: { enforcement: 'Warn', extra: [{ host: 'h', ports: [1], reason: 'r' }] } }),
    ],
    reason: 'FieldNotSupported',
    names: /egress\.extra/,
  },

  'an annotation that makes Istio inject a container': {
    connector: aConnector().with({ podTemplate: { annotations: { 'sidecar.istio.io/inject': 'true' } } }),
    reason: 'AnnotationNotAllowed',
    names: /sidecar\.istio\.io\/inject/,
  },
  'an annotation of the list': {
    connector: aConnector().with({ podTemplate: { annotations: { 'karpenter.sh/do-not-disrupt': 'true' } } }),
  },

  'a Horizon without addresses': {
    connector: endpoint((of) => {
      of.addresses = [];
    }),
    reason: 'AddressesMissing',
    names: /spec\.horizon\.endpoints\[0\]\.addresses.*horizon\.sandbox\.test/,
  },
  'a Vault without addresses': {
    connector: vault(),
    reason: 'AddressesMissing',
    names: /spec\.signer\.vaultTransit\.addresses.*https:\/\/vault\.example\.org/,
  },
  'a Vault that the policy allows': {
    connector: vault('10.0.0.8'),
    policies: [aPolicy().with({ endpoints: ['203.0.113.7:443', '10.0.0.8:8200'], modules: undefined })],
  },
  'a Vault outside the policy': {
    connector: vault('10.0.0.8', '10.0.0.9'),
    policies: [aPolicy().with({ endpoints: ['203.0.113.7:443', '10.0.0.8:8200'] })],
    reason: 'EndpointNotAllowed',
    names: /spec\.signer\.vaultTransit\.addresses\[1\].*"10\.0\.0\.9:8200"/,
  },
  'a Vault at loopback': {
    connector: vault('127.0.0.1'),
    reason: 'AddressForbidden',
    names: /spec\.signer\.vaultTransit\.addresses\[0\]/,
  },
  'the metadata address behind a NAT64 prefix': {
    connector: endpoint((of) => {
      of.addresses = ['64:ff9b::a9fe:a9fe'];
    }),
    policies: [
      aPolicy().with({ endpoints: ['[64:ff9b::]:443', '[64:ff9b::/96]:443', '169.254.0.0/16:443'] }),
    ],
    reason: 'AddressForbidden',
    names: /64:ff9b::a9fe:a9fe/,
  },
  'an HSM at loopback': {
    connector: pkcs11((of) => {
      of.endpoints = ['127.0.0.1:1792'];
    }),
    reason: 'AddressForbidden',
    names: /spec\.signer\.pkcs11\.endpoints\[0\]/,
  },

  'an address outside the policy': {
    connector: endpoint((of) => {
      of.addresses = ['203.0.113.7', '198.51.100.1'];
    }),
    reason: 'EndpointNotAllowed',
    names: /endpoints\[0\]\.addresses\[1\].*slc-policy.*"198\.51\.100\.1:443"/,
  },
  'the right address at another port': {
    connector: endpoint((of) => {
      of.url = 'https://horizon.sandbox.test:8443';
    }),
    reason: 'EndpointNotAllowed',
    names: /"203\.0\.113\.7:8443"/,
  },
  'an allowed host name before a foreign address': {
    policies: [aPolicy().with({ endpoints: ['horizon.sandbox.test:443'] })],
    reason: 'EndpointNotAllowed',
    names: /203\.0\.113\.7/,
  },
  'a policy without endpoints': {
    policies: [aPolicy().with({ endpoints: undefined })],
    reason: 'EndpointNotAllowed',
  },
  'two policies of which one forbids the address': {
    policies: [aPolicy(), aPolicy().named('strict').with({ endpoints: [] })],
    reason: 'EndpointNotAllowed',
    names: /strict/,
  },
  'an IPv6 address': {
    connector: endpoint((of) => {
      of.addresses = ['2001:db8::7'];
    }),
    policies: [aPolicy().with({ endpoints: ['[2001:db8::/32]:443'] })],
  },
  'an IPv6 address outside the policy': {
    connector: endpoint((of) => {
      of.addresses = ['2001:db8::7'];
    }),
    reason: 'EndpointNotAllowed',
    names: /"\[2001:db8::7\]:443"/,
  },
  'a 6to4 address of an IPv4 address that is not allowed': {
    connector: endpoint((of) => {
      of.addresses = ['2002:c633:6401::1'];
    }),
    policies: [aPolicy().with({ endpoints: ['[2002::/16]:443'] })],
    reason: 'EndpointNotAllowed',
  },
  'an HSM outside the policy': {
    connector: pkcs11((of) => {
      of.endpoints = ['10.0.0.5:1792'];
    }),
    reason: 'EndpointNotAllowed',
    names: /spec\.signer\.pkcs11\.endpoints\[0\].*"10\.0\.0\.5:1792"/,
  },

  'a library outside the policy': {
    connector: pkcs11((of) => {
      of.module = { path: '/usr/lib/evil.so' };
    }),
    reason: 'ModuleNotAllowed',
    names: /slc-policy.*"\/usr\/lib\/evil\.so"/,
  },
  'a policy without modules': {
    policies: [aPolicy().with({ modules: undefined })],
    reason: 'ModuleNotAllowed',
  },
  'an image by its digest': {
    connector: image(`registry.example/hsm@${digest}`),
    policies: [aPolicy().with({ modules: [digest] })],
  },
  'an image by its whole reference': {
    connector: image('hsm:1'),
    policies: [aPolicy().with({ modules: ['hsm:1'] })],
  },
  'an image of another digest': {
    connector: image(`hsm@sha256:${'b'.repeat(64)}`),
    policies: [aPolicy().with({ modules: [digest] })],
    reason: 'ModuleNotAllowed',
  },
  'an image whose tag looks like the digest': {
    connector: image(`evil/${digest}`),
    policies: [aPolicy().with({ modules: [digest] })],
    reason: 'ModuleNotAllowed',
  },
  'a library in a claim': {
    connector: pkcs11((of) => {
      of.module = { pvc: { claimName: 'hsm-driver', path: 'lib/p11.so' } };
    }),
    policies: [aPolicy().with({ modules: ['pvc:hsm-driver/lib/p11.so'] })],
  },
  'a library in a claim that is not listed': {
    connector: pkcs11((of) => {
      of.module = { pvc: { claimName: 'hsm-driver', path: 'lib/p11.so' } };
    }),
    reason: 'ModuleNotAllowed',
    names: /"pvc:hsm-driver\/lib\/p11\.so"/,
  },
};

describe('what stops a connector @security', () => {
  for (const [title, { connector = aConnector(), policies = [aPolicy()], reason, names }] of Object.entries(
    cases,
  )) {
    it(`${title}: ${reason ?? 'nothing'}`, () => {
      const object = connector.build();
      const applying = matchingPolicies(
        object,
        policies.map((policy) => policy.build()),
      );
      const problem = problemsOf(object, applying, [object]);
      assert.equal(problem?.reason, reason, problem?.message);
      if (names !== undefined) assert.match(problem?.message ?? '', names);
    });
  }
});

describe('the policies that apply', () => {
  it('are those of the namespace that name the account, sorted by name', () => {
    const policies = [
      aPolicy().named('b'),
      aPolicy()
        .named('a')
        .with({ accounts: [accounts.other, accounts.trader] }),
      aPolicy()
        .named('c')
        .with({ accounts: [accounts.other] }),
      aPolicy().named('d').inNamespace('elsewhere'),
    ].map((policy) => policy.build());
    const names = matchingPolicies(aConnector().build(), policies).map(({ metadata }) => metadata.name);
    assert.deepEqual(names, ['a', 'b']);
  });
});
