/**
 * Fluent builders for custom resources. A bare `aConnector()` and `aPolicy()` fit each other and have nothing that
 * the API or the operator refuses; a test says only what it is about.
 *
 * `manifest()` is what a user would write; `build()` is what the API server returns, with every default filled in.
 */
import { withDefaults } from '../../operator/api/schema.ts';
import {
  type SigningPolicy,
  type StellarConnector,
  signingPolicySchema,
  stellarConnectorSchema,
} from '../../operator/api/v1alpha1.gen.ts';

/** All fields optional at every depth: the form in which users write. */
type Written<T> = T extends readonly (infer Item)[]
  ? Written<Item>[]
  : T extends object
    ? { [Field in keyof T]?: Written<T[Field]> }
    : T;

export type ConnectorSpec = Written<StellarConnector['spec']>;
export type PolicySpec = Written<SigningPolicy['spec']>;

/** Accounts without a known secret. */
export const accounts = {
  trader: 'GBRPYHIL2CI3FNQ4BXLFMNDLFJUNPU2HY3ZMFSHONUCEOASW7QC7OX2H',
  other: 'GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN',
} as const;

export const usdc = `USDC:${accounts.other}`;

function connectorSpec(): ConnectorSpec {
  return {
    network: 'sandbox',
    networkPassphrase: 'Sandbox Network ; 2026',
    account: accounts.trader,
    horizon: { endpoints: [{ url: 'https://horizon.sandbox.test', addresses: ['203.0.113.7'] }] },
    signer: {
      pkcs11: {
        module: { path: '/usr/lib/softhsm/libsofthsm2.so' },
        tokenLabel: 'trading',
        keyLabel: 'stellar',
        pinSecretRef: { name: 'slc-pin' },
      },
    },
    markets: [{ base: 'XLM', quote: usdc }],
  };
}

function policySpec(): PolicySpec {
  return {
    accounts: [accounts.trader],
    swaps: [
      {
        pair: ['XLM', usdc],
        price: { min: '0.08', max: '0.20' },
        maxAmount: { XLM: '1000000000', [usdc]: '200000000' },
      },
    ],
    endpoints: ['203.0.113.0/24:443'],
    egress: { enforcement: 'Warn' },
    modules: ['/usr/lib/softhsm/libsofthsm2.so'],
  };
}

/** A StellarConnector; `spec` replaces whole top-level fields of the spec. */
export function aConnector() {
  return builder<StellarConnector, ConnectorSpec>(
    'StellarConnector',
    'slc',
    connectorSpec(),
    stellarConnectorSchema,
  );
}

/** A SigningPolicy that allows what `aConnector()` wants. */
export function aPolicy() {
  return builder<SigningPolicy, PolicySpec>('SigningPolicy', 'slc-policy', policySpec(), signingPolicySchema);
}

interface Builder<Kind, Spec> {
  /** Sets metadata.name. */
  named(name: string): Builder<Kind, Spec>;
  /** Sets metadata.namespace (`trading` unless told). */
  inNamespace(namespace: string): Builder<Kind, Spec>;
  /** Sets metadata.uid, which an object has once it was in a cluster. */
  withUid(uid: string): Builder<Kind, Spec>;
  /** Replaces the given top-level fields of the spec; undefined removes one. */
  with(fields: { [Field in keyof Spec]?: Spec[Field] | undefined }): Builder<Kind, Spec>;
  /** Changes a copy of the spec in place. */
  edit(change: (spec: Spec) => void): Builder<Kind, Spec>;
  /** What a user would write. */
  manifest(): Kind;
  /** What the API server would return. */
  build(): Kind;
}

type Schema = typeof stellarConnectorSchema;

function builder<Kind, Spec extends object>(
  kind: string,
  name: string,
  spec: Spec,
  schema: Schema,
  metadata: Record<string, string> = { name, namespace: 'trading' },
): Builder<Kind, Spec> {
  const next = (changed: Spec, meta = metadata) => builder<Kind, Spec>(kind, name, changed, schema, meta);
  const whole = (of: unknown) =>
    structuredClone({ apiVersion: 'stellar-connector.io/v1alpha1', kind, metadata, spec: of }) as Kind;
  return {
    named: (to) => next(spec, { ...metadata, name: to }),
    inNamespace: (namespace) => next(spec, { ...metadata, namespace }),
    withUid: (uid) => next(spec, { ...metadata, uid }),
    with: (fields) => next(JSON.parse(JSON.stringify({ ...spec, ...fields })) as Spec),
    edit: (change) => {
      const copy = structuredClone(spec);
      change(copy);
      return next(copy);
    },
    manifest: () => whole(spec),
    build: () => whole(withDefaults(schema, spec)),
  };
}
