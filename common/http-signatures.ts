import {
  type InnerList,
  type Item,
  isInnerList,
  parseDictionary,
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
  signature: Buffer;
}

/**
 * The signatures of a message (RFC 9421 §4).
 * @throws Error where the two fields are malformed or do not have the same labels
 */
export function readSignatures({ headers }: HttpMessage): MessageSignature[] {
  const inputs = parseDictionary(fieldValue('signature-input', headers));
  const signatures = parseDictionary(fieldValue('signature', headers));
  if (inputs.size !== signatures.size) throw new Error('a signature without input, or the reverse');
  return [...inputs].map(([label, input]) => {
    const bytes = signatures.get(label)?.[0];
    if (!isInnerList(input) || !(bytes instanceof ArrayBuffer)) throw new Error('not a signature');
    return { label, input, signature: Buffer.from(bytes) };
  });
}

/**
 * The bytes that are signed (RFC 9421 §2.5), as ASCII text. Components may carry `req` (of the request that `message`
 * answers) and `name` (of `@query-param`), no other parameter.
 * @throws Error where a component is given twice, is not of the message, or is not known here
 */
export function signatureBase(input: InnerList, message: HttpMessage, request?: HttpMessage): string {
  const covered = new Set<string>();
  let base = '';
  for (const component of input[0]) {
    const identifier = serializeItem(component);
    if (covered.has(identifier)) throw new Error('a component is covered twice');
    covered.add(identifier);
    base += `${identifier}: ${componentValue(component, message, request)}\n`;
  }
  return `${base}"@signature-params": ${serializeInnerList(input)}`;
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
