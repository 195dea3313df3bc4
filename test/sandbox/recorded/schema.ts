/**
 * What the objects of recorded answers look like: for each kind of object its fields, their types, and how many of the
 * recorded objects have them. A field that not all have is optional: it hangs on the data.
 */
export type Schema = Map<string, { seen: number; fields: Map<string, { seen: number; types: Set<string> }> }>;

type Fields = Record<string, unknown>;

/** One object of an answer. */
interface Seen {
  kind: string;
  fields: Fields;
}

/** Objects whose keys are data. */
const isMap = (kind: string): boolean => /account\.data$/.test(kind);

/** What an object is wherever it stands, by what tells its kinds apart. */
function kindOf(fields: Fields, otherwise: string): string {
  const { type, type_i, trade_type, asset_type } = fields;
  const failed = fields.transaction_successful === false ? ' failed' : '';
  const joined = 'transaction' in fields ? ' with its transaction' : '';
  if (typeof type_i === 'number')
    return `${'transaction_hash' in fields ? 'operation' : 'effect'} ${type}${failed}${joined}`;
  if (typeof trade_type === 'string') return `trade ${trade_type}`;
  if ('fee_charged' in fields && 'envelope_xdr' in fields) {
    return `${'fee_bump_transaction' in fields ? 'fee bump' : 'transaction'}`;
  }
  if ('account_id' in fields && 'thresholds' in fields) return 'account';
  if ('tx_set_operation_count' in fields) return 'ledger';
  if ('seller' in fields && 'price_r' in fields) return 'offer';
  if ('total_shares' in fields && 'paging_token' in fields) return 'pool';
  if (typeof asset_type === 'string') return `${otherwise} ${asset_type}`;
  return otherwise;
}

/** Text without what is another in every network. */
export const normal = (text: string): string =>
  text
    .replace(/https?:\/\/(?!stellar\.org)[^/{"\s]+/g, 'BASE')
    .replace(/\bcursor=[\w-]+/g, 'cursor=*')
    .replace(/(%3A|\b)[GM][A-Z2-7]{55,68}\b/g, '$1ADDRESS')
    .replace(/\b[0-9a-fA-F]{64}\b/g, 'HASH')
    .replace(/\b\d{9,}(-\d+)?\b/g, 'ID')
    .replace(/(\/offers\/|\/ledgers\/|offer_id=)\d+/g, '$1ID')
    .replace(/( ledger: )\d+/g, '$1NUMBER')
    .replace(/(?<!limit=)\b\d{2,8}\b(?!-)/g, 'NUMBER')
    .replace(/[A-Za-z0-9+/]{80,}=*/g, 'XDR');

const FORMATS: [name: string, pattern: RegExp][] = [
  ['hash', /^[0-9a-f]{64}$/],
  ['amount', /^\d+\.\d{7}$/],
  ['integer in a string', /^-?\d+$/],
  ['time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/],
  ['address', /^[GM][A-Z2-7]{55,68}$/],
];

const typeOf = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value !== 'string') return typeof value;
  // The host in a link is the server's; the rest shows what the link is made of.
  if (/^https?:/.test(value)) return `link to ${normal(value)}`;
  return FORMATS.find(([, pattern]) => pattern.test(value))?.[0] ?? 'text';
};

/** Every object of a value with its kind. */
export function* objects(value: unknown, otherwise: string): Generator<Seen> {
  if (Array.isArray(value)) for (const item of value) yield* objects(item, `${otherwise}[]`);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return;
  const fields = value as Fields;
  const kind = kindOf(fields, otherwise);
  if (isMap(kind)) return;
  yield { kind, fields };
  for (const [key, item] of Object.entries(fields)) yield* objects(item, `${kind}.${key}`);
}

/** Adds an answer's objects to a schema. */
export function learn(schema: Schema, value: unknown, otherwise: string): void {
  for (const { kind, fields } of objects(value, otherwise)) {
    const known = schema.get(kind) ?? { seen: 0, fields: new Map() };
    schema.set(kind, known);
    known.seen += 1;
    for (const [key, item] of Object.entries(fields)) {
      const field = known.fields.get(key) ?? { seen: 0, types: new Set() };
      known.fields.set(key, field);
      field.seen += 1;
      field.types.add(typeOf(item));
    }
  }
}

const fits = (types: Set<string>, type: string): boolean =>
  types.has(type) || (types.has('text') && FORMATS.some(([name]) => name === type));

/** The type that says whether a field that names an asset's code or issuer is there. */
function assetTypeOf(fields: Fields, key: string): unknown {
  const [, prefix] = /^(.*)asset_(?:code|issuer)$/.exec(key) ?? [];
  return prefix === undefined ? undefined : fields[`${prefix}asset_type`];
}

const isCredit = (type: unknown): boolean => type === 'credit_alphanum4' || type === 'credit_alphanum12';

/** Where an answer's objects are unlike the recorded ones of their kind, in words. */
export function unlike(schema: Schema, value: unknown, otherwise: string): Set<string> {
  const differences = new Set<string>();
  for (const { kind, fields } of objects(value, otherwise)) {
    const known = schema.get(kind);
    if (!known) continue;
    for (const [key, item] of Object.entries(fields)) {
      const field = known.fields.get(key);
      if (!field) {
        if (!isCredit(assetTypeOf(fields, key))) differences.add(`${kind}: has ${key}, no recorded one does`);
      } else if (!fits(field.types, typeOf(item))) {
        differences.add(`${kind}: ${key} is ${typeOf(item)}, expected ${[...field.types].join(' or ')}`);
      }
    }
    for (const [key, { seen }] of known.fields) {
      const assetType = assetTypeOf(fields, key);
      const needed = assetType === undefined ? seen === known.seen : isCredit(assetType);
      if (needed && !(key in fields)) differences.add(`${kind}: lacks ${key}`);
    }
  }
  return differences;
}

/** Kinds of objects in an answer, and the fields that they have, as `kind` and `kind: field`. */
export function namesIn(value: unknown, otherwise: string): Set<string> {
  const all = new Set<string>();
  for (const { kind, fields } of objects(value, otherwise)) {
    all.add(kind);
    for (const key of Object.keys(fields)) all.add(`${kind}: ${key}`);
  }
  return all;
}

/** Names that are not among those `met`; of a kind that is not there only the kind. */
export function missing(expected: Set<string>, met: Set<string>): string[] {
  const gone = [...expected].filter((name) => !met.has(name));
  const isInside = (name: string, kind: string): boolean =>
    name !== kind && /^[:.[]/.test(name.slice(kind.length));
  return gone.filter((name) => !gone.some((kind) => name.startsWith(kind) && isInside(name, kind)));
}
