/** Objects that the API accepts. Together they set every field of both kinds. */
import { aConnector, accounts, aPolicy, usdc } from '../operator/builders.ts';

export const channel = 'GCEZWKCA5VLDNRLN3RPRJMRZOX3Z6G5CHCGSNFHEYVXM3XOJMDS674JZ';
const pins = [
  'sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  'sha256/BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=',
];

function endpoint(host: string) {
  return {
    url: `https://${host}:8443/base`,
    spkiPins: [...pins],
    addresses: ['203.0.113.7', '2001:db8::7'],
    authSecretRef: { name: 'provider', key: 'token', header: 'X-Api-Key' },
    caBundleRef: { name: 'own-ca', key: 'ca.crt' },
  };
}

function pkcs11(module: object) {
  return {
    module,
    tokenLabel: 'trading',
    keyLabel: 'stellar',
    auditKeyLabel: 'audit',
    pinSecretRef: { name: 'slc-pin', key: 'user-pin' },
    pointEncoding: 'Raw' as const,
    endpoints: ['10.0.0.5:1792', '[fd00::5]:65535'],
  };
}

const labelSelector = {
  matchLabels: { app: 'hummingbot' },
  matchExpressions: [{ key: 'tier', operator: 'In' as const, values: ['bots'] }],
};

/** Every field that a connector with PKCS#11 can have, the library in an image. */
export const complete = aConnector().with({
  channelAccounts: [channel],
  horizon: { endpoints: [endpoint('horizon.example.org'), { url: 'https://h2.example.org' }], quorum: 2 },
  rpc: { endpoints: [endpoint('rpc.example.org')] },
  signer: {
    pkcs11: pkcs11({
      image: { reference: `hsm@sha256:${'0'.repeat(64)}`, path: 'lib/p11.so', pullPolicy: 'Never' },
    }),
  },
  gateway: {
    tls: { selfSigned: {} },
    clients: ['bot.trading.svc'],
    from: [
      { podSelector: labelSelector, namespaceSelector: labelSelector },
      { ipBlock: { cidr: '10.1.0.0/16', except: ['10.1.2.0/24'] } },
    ],
  },
  storage: { signer: { size: '2Gi', className: 'fast' }, connector: { size: '1Gi', className: 'slow' } },
  podTemplate: {
    nodeSelector: { pool: 'hsm' },
    tolerations: [
      { key: 'hsm', operator: 'Equal', value: 'yes', effect: 'NoExecute', tolerationSeconds: 30 },
    ],
    affinity: { nodeAffinity: {} },
    annotations: { 'karpenter.sh/do-not-disrupt': 'true' },
    resources: {
      signer: { requests: { cpu: 1, memory: '64Mi' }, limits: { 'nitrokey.com/hsm': 1 } },
      connector: {},
    },
  },
  replicas: 0,
  monitoring: { podMonitor: true, from: labelSelector },
});

export const withVolume = complete.with({
  signer: { pkcs11: pkcs11({ pvc: { claimName: 'hsm-driver', path: 'lib/p11.so', readOnly: false } }) },
});

export const withVault = complete.with({
  signer: {
    vaultTransit: {
      address: 'https://vault.example.org:8200',
      addresses: ['10.0.0.8', 'fd00::8'],
      namespace: 'trading',
      mount: 'transit',
      key: 'stellar',
      keyVersion: 2,
      auditKey: 'audit',
      auth: { kubernetes: { role: 'signer', mount: 'kubernetes', audience: 'vault' } },
      caBundleRef: { name: 'vault-ca', key: 'ca.crt' },
    },
  },
  gateway: {
    tls: { certManager: { issuerRef: { name: 'ca', kind: 'ClusterIssuer', group: 'cert-manager.io' } } },
  },
});

export const withOtherNames = complete.edit(({ signer, gateway }) => {
  delete signer?.pkcs11?.tokenLabel;
  delete signer?.pkcs11?.keyLabel;
  Object.assign(signer?.pkcs11 ?? {}, { tokenSerial: '0123456789abcdef', keyId: '00ff' });
  Object.assign(gateway ?? {}, { tls: { secretName: 'own-tls' } });
});

const window = { amount: '900000000000000000000000', seconds: 604800 };
const traded = {
  pair: ['XLM', usdc],
  price: { min: '0.08', max: '0.20' },
  maxAmount: { XLM: '9223372036854775807', [usdc]: '0' },
};

/** Every field that a policy can have. */
export const completePolicy = aPolicy().with({
  accounts: [accounts.trader],
  channels: [channel],
  killSwitch: true,
  maxOperations: 1,
  maxTimeBoundSeconds: 120,
  memo: { kind: 'Text', texts: ['rebalance'] },
  signaturesPerSecond: 1000,
  fees: { perOperation: '100', perTransaction: '10000', window },
  swaps: [{ ...traded, window: { XLM: window } }],
  offers: [{ ...traded, turnover: { XLM: window, [usdc]: window } }],
  pools: [{ ...traded, window: { XLM: window } }],
  payments: [{ asset: usdc, destinations: [accounts.other, `M${'A'.repeat(68)}`], maxAmount: '1', window }],
  trustlines: [usdc],
  endpoints: [
    'horizon.example.org:443',
    '192.0.2.7:443',
    '10.0.0.0/8:8443',
    '[2001:db8::7]:443',
    '[2001:db8::/32]:65535',
  ],
  egress: { enforcement: 'Required', extra: [{ host: 'ntp.example.org', ports: [443], reason: 'time' }] },
  modules: [`sha256:${'0'.repeat(64)}`, 'pvc:hsm-driver/lib/p11.so', '/usr/lib/softhsm/libsofthsm2.so'],
});

/** By title, what must be accepted. */
export const good = {
  'a connector with only what is required': aConnector().manifest(),
  'a connector with every field': complete.manifest(),
  'a connector with its library in a volume': withVolume.manifest(),
  'a connector with its key in Vault and certificates of cert-manager': withVault.manifest(),
  'a connector that names token and key the other way, with a Secret of its own': withOtherNames.manifest(),
  'a connector on the public network': aConnector()
    .with({ network: 'public', networkPassphrase: undefined })
    .manifest(),
  'a connector with the longest name': aConnector().named('a'.repeat(52)).manifest(),
  'a policy with little': aPolicy().manifest(),
  'a policy with only what is required': aPolicy()
    .edit((spec) => {
      for (const field of Object.keys(spec)) if (field !== 'accounts') delete spec[field as 'accounts'];
    })
    .manifest(),
  'a policy with every field': completePolicy.manifest(),
} as const;
