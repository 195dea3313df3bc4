import {
  type BareItem,
  type InnerList,
  type Item,
  isInnerList,
  parseDictionary,
  parseItem,
  serializeInnerList,
  serializeItem,
} from 'structured-headers';

/** What of an HTTP message a signature can cover. */
export interface HttpMessage {
  /** Of a request, with `target`. */
  method?: string;
  /** The request target as sent: path and query. */
  target?: string;
  /** Of an answer. */
  status?: number;
  /** Names in lower case, as Node gives them. */
  headers: Readonly<Record<string, number | string | string[] | undefined>>;
  body?: Buffer;
}

/** One member of the fields `Signature-Input` and `Signature`. */
export interface MessageSignature {
  label: string;
  /** The covered components, and the parameters of the signature. */
  input: InnerList;
  /** `input` as RFC 9651 writes it. */
  text: string;
  signature: Buffer;
}

/**
 * Lists of components that this program covers itself, by their text: reading and writing them again for each message would
 * cost more than all the rest.
 */
const ready = new Map<string, Item[]>();
const identifiers = new WeakMap<Item, string>();

/** Items of component identifiers as RFC 9421 writes them, and their text as the beginning of an inner list. */
export function componentList(components: readonly string[]): { items: Item[]; text: string } {
  const text = `(${components.join(' ')})`;
  let items = ready.get(text);
  if (items === undefined) {
    items = components.map((identifier) => parseItem(identifier));
    items.forEach((item, i) => void identifiers.set(item, components[i]!));
    ready.set(text, items);
  }
  return { items, text };
}

/** The identifier of a component: its text. */
export const identifierOf = (component: Item): string =>
  identifiers.get(component) ?? serializeItem(component);

const ONE = /^([a-z][a-z0-9_-]*)=(\([^()]*\))((?:;[a-z]+=(?:0|[1-9]\d{0,14}|"[ !#-[\]-~]*"))+)$/;
const PARAMETER = /;([a-z]+)=(?:(\d+)|"([^"]*)")/g;
const SIGNATURE = /^([a-z][a-z0-9_-]*)=:([A-Za-z0-9+/]+={0,2}):$/;

/** What `readSignatures` would give, where there is one signature over a list that is ready, in its one canonical form. */
function readReady(inputs: string, signatures: string): MessageSignature | undefined {
  const [, label, list, parameters] = ONE.exec(inputs) ?? [];
  const [, same, base64] = SIGNATURE.exec(signatures) ?? [];
  const items = ready.get(list ?? '');
  if (items === undefined || label !== same) return undefined;
  const values = new Map<string, BareItem>();
  for (const [, name, digits, text] of parameters!.matchAll(PARAMETER)) {
    if (values.has(name!)) return undefined;
    values.set(name!, digits === undefined ? text! : Number(digits));
  }
  return {
    label: label!,
    input: [items, values],
    text: list! + parameters!,
    signature: Buffer.from(base64!, 'base64'),
  };
}

/**
 * The signatures of a message (RFC 9421 §4).
 * @throws Error where the two fields are malformed or do not have the same labels
 */
export function readSignatures({ headers }: HttpMessage): MessageSignature[] {
  const fields = [fieldValue('signature-input', headers), fieldValue('signature', headers)] as const;
  const one = readReady(...fields);
  if (one !== undefined) return [one];
  const [inputs, signatures] = [parseDictionary(fields[0]), parseDictionary(fields[1])];
  if (inputs.size !== signatures.size) throw new Error('a signature without input, or the reverse');
  return [...inputs].map(([label, input]) => {
    const bytes = signatures.get(label)?.[0];
    if (!isInnerList(input) || !(bytes instanceof ArrayBuffer)) throw new Error('not a signature');
    return { label, input, text: serializeInnerList(input), signature: Buffer.from(bytes) };
  });
}

/**
 * The bytes that are signed (RFC 9421 §2.5), as ASCII text. Components may carry `req` (of the request that `message`
 * answers) and `name` (of `@query-param`), no other parameter.
 * @throws Error where a component is given twice, is not of the message, or is not known here
 */
export function signatureBase(
  { input: [components], text }: Pick<MessageSignature, 'input' | 'text'>,
  message: HttpMessage,
  request?: HttpMessage,
): string {
  const covered = new Set<string>();
  let base = '';
  for (const component of components) {
    const identifier = identifierOf(component);
    if (covered.has(identifier)) throw new Error('a component is covered twice');
    covered.add(identifier);
    base += `${identifier}: ${componentValue(component, message, request)}\n`;
  }
  return `${base}"@signature-params": ${text}`;
}

function componentValue([name, parameters]: Item, message: HttpMessage, request?: HttpMessage): string {
  if (typeof name !== 'string') throw new Error('the name of a component must be a string');
  for (const [key, value] of parameters) {
    const isKnown = key === 'req' ? value === true : key === 'name' && name === '@query-param';
    if (!isKnown) throw new Error('unknown parameter of a component');
  }
  const source = parameters.has('req') ? request : message;
  if (source === undefined) throw new Error('there is no request to take a component from');
  const value = name.startsWith('@')
    ? derivedValue(name, source, parameters.get('name'))
    : fieldValue(name, source.headers);
  // A line break within a value would read as another component.
  if (!/^[\t -~]*$/.test(value)) throw new Error('a component has a character that is not ASCII');
  return value;
}

/** RFC 9421 §2.2; `@authority` is the Host field in lower case, without a look at default ports. */
function derivedValue(name: string, { method, target, status, headers }: HttpMessage, key: unknown): string {
  if (name === '@status' && status !== undefined) return String(status);
  if (method === undefined || !target?.startsWith('/')) throw new Error('not a component of this message');
  const queryAt = target.includes('?') ? target.indexOf('?') : target.length;
  switch (name) {
    case '@method':
      return method;
    case '@authority':
      return fieldValue('host', headers).toLowerCase();
    case '@path':
      return target.slice(0, queryAt);
    case '@query':
      return target.slice(queryAt) || '?';
    case '@query-param': {
      const values = new URLSearchParams(target.slice(queryAt)).getAll(decodeURIComponent(String(key)));
      if (values.length !== 1) throw new Error('a parameter of the query must be there once');
      return encodeURIComponent(values[0]!);
    }
    default:
      throw new Error('not a component of this message');
  }
}

/** RFC 9421 §2.1: the lines of a field, each without space around it, joined as one. */
function fieldValue(name: string, headers: HttpMessage['headers']): string {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  if (value === undefined) throw new Error('a field is missing');
  return Array.isArray(value) ? value.map((line) => line.trim()).join(', ') : String(value).trim();
}
