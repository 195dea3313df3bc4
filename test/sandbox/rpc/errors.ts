/** The codes of JSON-RPC 2.0, and one of its range for servers that no answer of Stellar RPC carries. */
const CODES = {
  invalid_json: -32700,
  invalid_request: -32600,
  method_not_found: -32601,
  invalid_params: -32602,
  internal: -32603,
  refused: -32000,
} as const;

export type ErrorName = keyof typeof CODES;

export interface ErrorBody {
  code: number;
  message: string;
  data?: unknown;
}

export const errorBody = (name: ErrorName, message: string, data?: unknown): ErrorBody => ({
  code: CODES[name],
  message,
  ...(data !== undefined && { data }),
});

/** An answer other than a result, thrown by a method. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly body: ErrorBody;
  constructor(body: ErrorBody) {
    super(body.message);
    this.body = body;
  }
}

export const rpcError = (name: ErrorName, message: string, data?: unknown): RpcError =>
  new RpcError(errorBody(name, message, data));

/** What a real server does and the sandbox does not, in the sandbox's own words; `name` for a whole method. */
export const refusal = (what: string, name: ErrorName = 'refused'): RpcError =>
  rpcError(name, `the sandbox does not serve ${what}`, { refused: what });
