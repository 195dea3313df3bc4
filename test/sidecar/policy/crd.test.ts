import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { signingPolicy } from '../../../sidecar/policy/schema.ts';
import { ISSUER } from '../transactions.ts';
import { ACCOUNT, CHANNEL, CUSTOMER, EURC_ID, USDC_ID } from './fixtures.ts';

interface Schema {
  type: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema;
  required?: string[];
  items?: Schema;
  default?: unknown;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  'x-kubernetes-list-type'?: string;
}
type Path = (string | number)[];

const crd = parse(readFileSync(new URL('../../../crds/signingpolicies.yaml', import.meta.url), 'utf8')) as {
  spec: { versions: { schema: { openAPIV3Schema: Schema } }[] };
};
const SPEC = crd.spec.versions[0]!.schema.openAPIV3Schema.properties!.spec!;

const window = { amount: '1', seconds: 60 };
const pairRule = (base: string, quote: string) => ({
  pair: [base, quote],
  price: { min: '0.1', max: '0.2' },
  maxAmount: { [base]: '1', [quote]: '1' },
});

/** A value for every field of the CRD. */
const FULL = {
  accounts: [ACCOUNT],
  channels: [CHANNEL],
  killSwitch: false,
  maxOperations: 100,
  maxTimeBoundSeconds: 110,
  memo: { kind: 'Text', texts: ['hello'] },
  signaturesPerSecond: 5,
  fees: { perOperation: '1', perTransaction: '1', window },
  swaps: [{ ...pairRule('XLM', USDC_ID), window: { XLM: window, [USDC_ID]: window } }],
  offers: [{ ...pairRule('XLM', USDC_ID), turnover: { XLM: window, [USDC_ID]: window } }],
  pools: [{ ...pairRule('XLM', USDC_ID), window: { XLM: window, [USDC_ID]: window } }],
  payments: [{ asset: 'XLM', destinations: [CUSTOMER], maxAmount: '1', window }],
  trustlines: [EURC_ID],
  endpoints: ['horizon.example.org:443'],
  egress: { enforcement: 'Warn', extra: [{ host: 'kms.example.org', ports: [443], reason: 'its key' }] },
  modules: ['/usr/lib/libsofthsm2.so'],
};

/** The nth of as many different items as a list can take. */
const ITEMS: Record<string, (n: number) => unknown> = {
  accounts: (n) => accountOf(n),
  channels: (n) => accountOf(n),
  'payments 0 destinations': (n) => accountOf(n),
  'memo texts': (n) => `text ${n}`,
  swaps: (n) => pairRule('XLM', `A${n}:${ISSUER}`),
  offers: (n) => ({ ...pairRule('XLM', `A${n}:${ISSUER}`), turnover: {} }),
  pools: (n) => pairRule('XLM', `A${n}:${ISSUER}`),
  payments: () => FULL.payments[0],
  trustlines: (n) => `A${n}:${ISSUER}`,
  endpoints: (n) => `h${n}.example.org:443`,
  'egress extra': (n) => ({ ...FULL.egress.extra[0], host: `h${n}` }),
  'egress extra 0 ports': (n) => n + 1,
  modules: (n) => `/usr/lib/${n}.so`,
};

/** Of the shape; nothing that the CRD checks is a checksum. */
const accountOf = (n: number): string =>
  `G${n
    .toString()
    .padStart(4, '0')
    .replace(/\d/g, (digit) => 'ABCDEFGHIJ'[Number(digit)]!)}`.padEnd(56, 'A');

function withValue(path: Path, value: unknown): unknown {
  const copy = structuredClone(FULL) as unknown;
  const last = path.at(-1)!;
  const parent = path.slice(0, -1).reduce((node, key) => (node as never)[key], copy) as Record<
    string,
    unknown
  >;
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}

const read = (spec: unknown) =>
  signingPolicy.safeParse({
    apiVersion: 'stellar-connector.io/v1alpha1',
    kind: 'SigningPolicy',
    metadata: { name: 'p' },
    spec,
  });

const takes = (path: Path, value: unknown, isTaken: boolean): void =>
  assert.equal(
    read(withValue(path, value)).success,
    isTaken,
    `${path.join('.')} = ${JSON.stringify(value)?.slice(0, 90)}`,
  );

const valueAt = (path: Path): unknown => path.reduce((node, key) => (node as never)[key], FULL as unknown);

/** Every schema of the CRD below the spec, with where FULL has its value. */
function* walk(schema: Schema, path: Path): Generator<[Path, Schema]> {
  if (path.length > 0) yield [path, schema];
  for (const [name, child] of Object.entries(schema.properties ?? {})) yield* walk(child, [...path, name]);
  if (schema.items !== undefined) yield* walk(schema.items, [...path, 0]);
  if (schema.additionalProperties !== undefined) yield* walk(schema.additionalProperties, [...path, 'XLM']);
}

describe('signing policy: the signer’s schema against the CRD @security', () => {
  const all = [...walk(SPEC, [])];

  it('takes a policy with every field', () => {
    assert.ok(all.length >= 80, `${all.length}`);
    for (const [path] of all) assert.notEqual(valueAt(path), undefined, path.join('.'));
    assert.ok(read(FULL).success);
  });

  it('has the same fields: each known, no other, the same ones required', () => {
    for (const [path, { properties, required = [] }] of [[[], SPEC] as [Path, Schema], ...all]) {
      if (properties === undefined) continue;
      takes([...path, 'unheardOf'], 1, false);
      for (const name of Object.keys(properties)) {
        const field = [...path, name];
        // CEL: texts belong to kind Text.
        if (field.join(' ') === 'memo texts' || field.join(' ') === 'memo kind') continue;
        takes(field, undefined, !required.includes(name));
      }
    }
  });

  it('has the same defaults', () => {
    let count = 0;
    for (const [path, { default: value }] of all) {
      if (value === undefined || path[0] === 'memo') continue;
      const [absent, given] = [undefined, value].map((one) => read(withValue(path, one)));
      assert.deepEqual(absent!.data, given!.data, path.join('.'));
      assert.ok(absent!.success);
      count++;
    }
    assert.ok(count >= 9, `${count}`);
    assert.deepEqual(read(withValue(['memo'], undefined)).data!.spec.memo, { kind: 'None' });
    assert.deepEqual(read(withValue(['memo'], {})).data!.spec.memo, { kind: 'None' });
  });

  it('has the same bounds of numbers and texts, and the same words', () => {
    for (const [path, schema] of all) {
      const { minimum, maximum, minLength, maxLength, enum: words, type } = schema;
      if (minimum !== undefined) {
        takes(path, minimum, true);
        takes(path, minimum - 1, false);
      }
      if (maximum !== undefined) {
        takes(path, maximum, true);
        takes(path, maximum + 1, false);
      }
      if (minLength !== undefined) takes(path, '', false);
      if (maxLength !== undefined) takes(path, 'x'.repeat(maxLength + 1), false);
      if (minLength !== undefined && maxLength !== undefined) takes(path, 'x'.repeat(maxLength), true);
      if (words !== undefined) takes(path, 'Whatever', false);
      if (type === 'integer') takes(path, 1.5, false);
      const other = type === 'string' ? 1 : 'text';
      takes(path, other, false);
    }
    takes(['memo', 'texts', 0], 'é'.repeat(28), true);
  });

  it('has the same bounds of lists, and lets none name anything twice that the CRD does not', () => {
    for (const [path, { type, minItems, maxItems, 'x-kubernetes-list-type': listType }] of all) {
      if (type !== 'array') continue;
      const name = path.join(' ');
      if (minItems !== undefined) takes(path, [], false);
      if (name.endsWith('pair')) {
        takes(path, ['XLM'], false);
        takes(path, ['XLM', USDC_ID, EURC_ID], false);
        continue;
      }
      const item = ITEMS[name];
      assert.ok(item !== undefined && maxItems !== undefined, name);
      const list = Array.from({ length: maxItems + 1 }, (_, n) => item(n));
      takes(path, list.slice(0, -1), true);
      takes(path, list, false);
      if (listType !== 'atomic') takes(path, [item(0), item(0)], false);
    }
  });

  const endpoints: [string, boolean][] = [
    ['192.0.2.7:443', true],
    ['192.0.2.0/24:443', true],
    ['[2001:db8::/64]:443', true],
    ['[2001:db8::1]:65535', true],
    ['horizon.example.org', false],
    ['horizon.example.org:0', false],
    ['horizon.example.org:65536', false],
    ['192.0.2.256:443', false],
    ['192.0.2.0/33:443', false],
    ['[2001:db8::/129]:443', false],
    ['[192.0.2.7]:443', false],
    ['2001:db8::1:443', false],
    ['Horizon.example.org:443', false],
  ];
  for (const [text, isTaken] of endpoints)
    it(`${isTaken ? 'takes' : 'refuses'} ${text} as an endpoint`, () =>
      takes(['endpoints'], [text], isTaken));
});
