import type { Request } from 'express';
import type * as z from 'zod';
import { connectorError } from '../errors.ts';
import type { Caller } from '../gateway/caller.ts';
import type { Context } from '../gateway/context.ts';
import type { Route } from '../gateway/route.ts';

/** A route of `/v1`. A write takes an `Idempotency-Key`. */
export interface ApiRoute extends Route {
  write: boolean;
}

export interface ApiInput<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  /** The request's `Idempotency-Key`. */
  key: string | undefined;
}

interface ApiDefinition<Params, Query, Body> {
  method: Route['method'];
  path: string;
  summary: string;
  params?: z.ZodType<Params>;
  query?: z.ZodType<Query>;
  body?: z.ZodType<Body>;
  result: z.ZodType;
  handle(
    input: ApiInput<Params, Query, Body>,
    context: Context,
    signal: AbortSignal,
    caller: Caller,
  ): Promise<unknown> | unknown;
}

/** A route whose input is checked first; the fault names its field. */
export function defineApi<Params = object, Query = object, Body = object>(
  definition: ApiDefinition<Params, Query, Body>,
): ApiRoute {
  const { handle, ...described } = definition;
  const write = definition.method !== 'get';
  return {
    ...described,
    write,
    kind: write ? 'trade' : 'read',
    async answer(request, context, signal, caller) {
      const input = {
        params: check<Params>(definition.params, request.params),
        query: check<Query>(definition.query, request.query),
        body: check<Body>(definition.body, request.body ?? {}),
        key: write ? keyOf(request) : undefined,
      };
      return handle(input, context, signal, caller);
    },
  };
}

export const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** @throws `invalid-params` for a key of another form */
export function keyOf(request: Request): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined || (typeof key === 'string' && ID.test(key))) return key;
  throw connectorError('invalid-params', 'Idempotency-Key must be 1 to 64 of A-Z a-z 0-9 _ -', {
    field: 'Idempotency-Key',
  });
}

/** @throws `invalid-params`, which names the first field at fault */
export function check<T>(schema: z.ZodType<T> | undefined, value: unknown): T {
  if (schema === undefined) {
    if (Object.keys(value as object).length === 0) return {} as T;
    throw connectorError('invalid-params', 'nothing is taken here', {});
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, issue } = pinpoint(result.error.issues[0]!);
  // Names of unknown fields are the client's text: not repeated.
  const field = path.join('.') || 'request';
  const message = issue.code === 'unrecognized_keys' ? 'unknown field' : issue.message;
  throw connectorError('invalid-params', `${field}: ${message}`, { field });
}

/** Where none of several forms fits: the fault of the form that fits best. */
function pinpoint(issue: z.core.$ZodIssue): { path: PropertyKey[]; issue: z.core.$ZodIssue } {
  if (issue.code !== 'invalid_union') return { path: issue.path, issue };
  const misfit = (faults: z.core.$ZodIssue[]): number =>
    faults.length + (faults[0]?.code === 'invalid_type' && faults[0].path.length === 0 ? 100 : 0);
  const [best] = issue.errors.toSorted((one, other) => misfit(one) - misfit(other));
  const inner = pinpoint(best![0]!);
  return { path: [...issue.path, ...inner.path], issue: inner.issue };
}
