import type { Express, Request, Response } from 'express';
import type * as z from 'zod';
import { connectorError } from '../errors.ts';
import type { Caller, Entrance } from './caller.ts';
import { type Context, type Ours, requireOurs } from './context.ts';
import type { DescribedRoute } from './openapi.ts';

/**
 * `health` is never limited; `read` and `trade` have budgets of their own, so that a bot's monitor goes on while trades
 * wait. A trade is audited, and held until the ledger has spoken.
 */
export type RouteKind = 'health' | 'read' | 'trade';

/** One route of the gateway: method, path, schemas of what it takes (unknown fields are refused), handler. */
export interface Route extends DescribedRoute {
  method: 'get' | 'post' | 'delete';
  kind: RouteKind;
  answer(request: Request, context: Context, signal: AbortSignal, caller: Caller): Promise<unknown>;
}

interface RouteDefinition<Params, Query, Body> {
  method: 'get' | 'post' | 'delete';
  path: string;
  /** Without it, `read` for GET and `trade` for all else. */
  kind?: RouteKind;
  /** One line for the OpenAPI document. */
  summary?: string;
  /** Path parameters. */
  params?: z.ZodType<Params>;
  /** Query string; none is taken without it. */
  query?: z.ZodType<Query>;
  /** JSON body; none is taken without it, save an empty object. */
  body?: z.ZodType<Body>;
  /** Form of the answer, for the OpenAPI document. */
  result?: z.ZodType;
  /** The answer's JSON, status 200; undefined for an empty body. `signal` is aborted when the client goes away. */
  handle(
    input: { params: Params; query: Query; body: Body },
    context: Context,
    signal: AbortSignal,
    caller: Caller,
  ): Promise<unknown> | unknown;
}

/** A route whose input is checked before its handler sees it, `network`, `chainNetwork` and `walletAddress` included. */
export function defineRoute<Params = object, Query = object, Body = object>(
  definition: RouteDefinition<Params, Query, Body>,
): Route {
  const { handle, method, kind = method === 'get' ? 'read' : 'trade', ...described } = definition;
  return {
    ...described,
    method,
    kind,
    async answer(request, context, signal, caller) {
      const input = {
        params: check<unknown>(definition.params, request.params) as Params,
        query: check<unknown>(definition.query, request.query) as Query,
        body: check<unknown>(definition.body, request.body ?? {}) as Body,
      };
      requireOurs({ ...input.query, ...input.body } as Ours, context);
      return handle(input, context, signal, caller);
    },
  };
}

/** Mounts a route; its errors go to the app's error handler. The app has put the client's identity beside the response. */
export function mount(app: Express, route: Route, context: Context, enter: Entrance): void {
  app[route.method](route.path, async (request: Request, response: Response) => {
    response.locals.route = route.path;
    const visit = enter(route, response.locals.client as string);
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(connectorError('client-gone', 'the client went away'));
    });
    let answer: unknown;
    try {
      answer = await route.answer(request, context, gone.signal, visit.caller);
    } catch (error) {
      visit.end({ error });
      throw error;
    }
    visit.end({ answer });
    response.status(200);
    if (answer === undefined) response.end();
    else if (typeof answer === 'string') response.type('html').send(answer);
    else response.json(answer);
  });
}

/** Checks by a strict schema; nothing but an empty object is taken where there is none. */
function check<T>(schema: z.ZodType<T> | undefined, value: unknown): T {
  if (schema === undefined) {
    const names = typeof value === 'object' && value !== null ? Object.keys(value) : [];
    if (names.length === 0) return {} as T;
    throw connectorError('invalid-params', unknownFields(names));
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw connectorError('invalid-params', result.error.issues.map(describe).join('; '));
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return unknownFields(issue.keys);
  return `${issue.path.join('.')}: ${issue.message}`;
}

/** Names of unknown fields are only repeated when they look like a name: a key must not be echoed. */
const unknownFields = (names: readonly string[]): string =>
  `unknown field${names
    .slice(0, 20)
    .map((name) => (/^[a-zA-Z][a-zA-Z0-9]{0,31}$/.test(name) ? ` ${name}` : ''))
    .join(',')}`;
