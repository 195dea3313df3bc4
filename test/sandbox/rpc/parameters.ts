import { rpcError } from './errors.ts';

/** The parameters of a request as Go's encoding/json reads them: what is missing or null is the zero value. */
type Kind = 'string' | 'uint32' | 'uint' | '[]string' | Shape;
export interface Shape {
  readonly [field: string]: Kind;
}

type Value<K extends Kind> = K extends Shape
  ? { readonly [F in keyof K]: Value<K[F]> }
  : K extends '[]string'
    ? string[]
    : K extends 'string'
      ? string
      : number;
export type Parameters<S extends Shape> = Value<S>;

const MAXIMA = { uint32: 0xffff_ffff, uint: Number.MAX_SAFE_INTEGER };

/** What a value is in the words of encoding/json; undefined where it fits. */
function misfit(value: unknown, kind: Kind): string | undefined {
  const type = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  if (kind === 'uint32' || kind === 'uint') {
    if (type !== 'number') return type;
    const number = value as number;
    const fits = Number.isInteger(number) && number >= 0 && number <= MAXIMA[kind];
    return fits ? undefined : `number ${number}`;
  }
  const wanted = typeof kind === 'object' ? 'object' : kind === '[]string' ? 'array' : 'string';
  return type === wanted ? undefined : type;
}

/** `where` is the value's place, `type` the name of the structure, where it is one. */
function read(value: unknown, kind: Kind, where: string, type: string): unknown {
  const given = value ?? undefined;
  const fault = given === undefined ? undefined : misfit(given, kind);
  if (fault !== undefined) {
    const wanted = typeof kind === 'object' ? `protocol.${type}` : kind;
    const data = `json: cannot unmarshal ${fault} into Go ${where} of type ${wanted}`;
    throw rpcError('invalid_params', 'invalid parameters', data);
  }
  if (typeof kind === 'object') {
    const fields = (given ?? {}) as Record<string, unknown>;
    const prefix = where === 'value' ? `struct field ${type}` : where;
    const entries = Object.entries(kind).map(([field, of]) => {
      return [field, read(fields[field], of, `${prefix}.${field}`, 'LedgerPaginationOptions')];
    });
    return Object.fromEntries(entries);
  }
  if (kind === '[]string')
    return ((given ?? []) as unknown[]).map((item) => read(item, 'string', where, type));
  return given ?? (kind === 'string' ? '' : 0);
}

/**
 * @param type the name that the request has in the server's source, which tells it in its errors
 * @throws RpcError
 */
export const readParameters = <S extends Shape>(value: unknown, shape: S, type: string): Parameters<S> =>
  read(value, shape, 'value', type) as Parameters<S>;
