import type { Express, Request, Response } from 'express';
import * as z from 'zod';
import { connectorError } from '../errors.ts';
import type { Context } from './context.ts';

/** One route of the gateway: method, path, schemas of what it takes (unknown fields are refused), handler. */
export interface Route {
  method: 'get' | 'post';
  path: string;
  answer(request: Request, context: Context, signal: AbortSignal): Promise<unknown>;
}

interface RouteDefinition<Params, Query, Body> {
  method: 'get' | 'post';
  path: string;
  /** Path parameters. */
  params?: z.ZodType<Params>;
  /** Query string; none is taken without it. */
  query?: z.ZodType<Query>;
  /** JSON body; none is taken without it, save an empty object. */
  body?: z.ZodType<Body>;
  /** The answer's JSON, status 200. `signal` is aborted when the client goes away. */
  handle(
    input: { params: Params; query: Query; body: Body },
    context: Context,
    signal: AbortSignal,
  ): Promise<unknown> | unknown;
}

const nothing = z.strictObject({});

/** A route whose input is checked before its handler sees it. */
export function defineRoute<Params = object, Query = object, Body = object>(
  definition: RouteDefinition<Params, Query, Body>,
): Route {
  const { method, path, handle } = definition;
  return {
    method,
    path,
    async answer(request, context, signal) {
      const input = {
        params: check<unknown>(definition.params ?? nothing, request.params) as Params,
        query: check<unknown>(definition.query ?? nothing, request.query) as Query,
        body: check<unknown>(definition.body ?? nothing, request.body ?? {}) as Body,
      };
      return handle(input, context, signal);
    },
  };
}

/** Mounts a route; its errors go to the app's error handler. */
export function mount(app: Express, route: Route, context: Context): void {
  app[route.method](route.path, async (request: Request, response: Response) => {
    response.locals.route = route.path;
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(connectorError('client-gone', 'the client went away'));
    });
    const body = await route.answer(request, context, gone.signal);
    response.status(200).json(body);
  });
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw connectorError('invalid-params', result.error.issues.map(describe).join('; '));
}

/** One fault in words. Names of unknown fields are only repeated when they look like a name: a key must not be echoed. */
function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((name) => (/^[a-zA-Z][a-zA-Z0-9]{0,31}$/.test(name) ? ` ${name}` : ''));
    return `unknown field${names.join(',')}`;
  }
  return `${issue.path.join('.')}: ${issue.message}`;
}
