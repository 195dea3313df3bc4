import { rpcError } from './errors.ts';

/** The parameters of a request as Go's encoding/json reads them: what is missing or null is the zero value. */
type Kind = 'string' | 'uint32' | 'uint' | 'string[]' | Shape;
export interface Shape {
  readonly [field: string]: Kind;
}

type Value<K extends Kind> = K extends 'string'
  ? string
  : K extends 'uint32' | 'uint'
    ? number
    : K extends 'string[]'
      ? string[]
      : K extends Shape
        ? Parameters<K>
        : never;
export type Parameters<S extends Shape> = { readonly [F in keyof S]: Value<S[F]> };

const MAXIMA = { uint32: 0xffff_ffff, uint: Number.MAX_SAFE_INTEGER };

function jsonTypeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

const wrong = (value: string, where: string, type: string) =>
  rpcError(
    'invalid_params',
    'invalid parameters',
    `json: cannot unmarshal ${value} into Go ${where} of type ${type}`,
  );

/** `where` names the field, `type` the one of a structure that it belongs to. */
function read(value: unknown, kind: Kind, where: string, type: string): unknown {
  if (typeof kind === 'object') return readShape(value, kind, where, type);
  if (kind === 'string[]') {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw wrong(jsonTypeOf(value), where, '[]string');
    return value.map((item) => read(item, 'string', where, type));
  }
  const isText = kind === 'string';
  if (value === undefined || value === null) return isText ? '' : 0;
  if (typeof value !== (isText ? 'string' : 'number')) throw wrong(jsonTypeOf(value), where, kind);
  if (isText) return value;
  const number = value as number;
  if (!Number.isInteger(number) || number < 0 || number > MAXIMA[kind])
    throw wrong(`number ${number}`, where, kind);
  return number;
}

function readShape(value: unknown, shape: Shape, where: string, type: string): unknown {
  if (value !== undefined && value !== null && jsonTypeOf(value) !== 'object')
    throw wrong(jsonTypeOf(value), where, `protocol.${type}`);
  const fields = (value ?? {}) as Record<string, unknown>;
  const prefix = where === 'value' ? `struct field ${type}.` : `${where}.`;
  return Object.fromEntries(
    Object.entries(shape).map(([field, kind]) => [
      field,
      read(fields[field], kind, `${prefix}${field}`, 'LedgerPaginationOptions'),
    ]),
  );
}

/**
 * @param type the name that the request has in the server's source, which tells it in its errors
 * @throws RpcError
 */
export const readParameters = <S extends Shape>(value: unknown, shape: S, type: string): Parameters<S> =>
  readShape(value, shape, 'value', type) as Parameters<S>;
