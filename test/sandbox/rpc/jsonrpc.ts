import { type ErrorBody, errorBody } from './errors.ts';

/** JSON-RPC 2.0 as the library of the real server (jrpc2) reads it. */

export type Id = string | number;

/** A request, or what is wrong with it; without an id nobody waits for an answer. */
export type Request =
  | { id: Id | undefined; method: string; parameters: unknown }
  | { id: Id | undefined; error: ErrorBody };

export type Response = { jsonrpc: '2.0'; id: Id | null } & ({ result: unknown } | { error: ErrorBody });

function parseRequest(value: unknown): Request {
  if (typeof value !== 'object' || Array.isArray(value))
    return { id: undefined, error: errorBody('invalid_json', 'request is not a JSON object') };
  const { jsonrpc, id, method, params, error, result, ...extra } = (value ?? {}) as Record<string, unknown>;
  const isValidId = id === undefined || id === null || typeof id === 'string' || typeof id === 'number';
  const known = isValidId ? ((id as Id | null | undefined) ?? undefined) : undefined;
  const fault = (name: 'invalid_json' | 'invalid_request', message: string, data?: unknown): Request => ({
    id: known,
    error: errorBody(name, message, data),
  });
  if (jsonrpc !== undefined && typeof jsonrpc !== 'string')
    return fault('invalid_json', 'invalid version key');
  if (!isValidId) return fault('invalid_request', 'invalid request ID');
  if (method !== undefined && typeof method !== 'string') return fault('invalid_json', 'invalid method name');
  if (typeof params !== 'object' && params !== undefined)
    return fault('invalid_request', 'parameters must be array or object');
  if (jsonrpc !== '2.0') return fault('invalid_request', 'invalid version marker');
  if (method && (error !== undefined || result !== undefined))
    return fault('invalid_request', 'mixed request and reply fields');
  const names = Object.keys(extra);
  if (names.length > 0) return fault('invalid_request', 'extra fields in request', names);
  return { id: known, method: method ?? '', parameters: params };
}

/** One request or a list of them; undefined if it is no JSON. */
export function parseRequests(body: string): Request[] | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return (Array.isArray(value) ? value : [value]).map(parseRequest);
  } catch {
    return undefined;
  }
}
