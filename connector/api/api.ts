import * as z from 'zod';
import { openApi } from '../gateway/openapi.ts';
import type { Route } from '../gateway/route.ts';
import type { State } from '../state.ts';
import { createIdempotency, withKeys } from './idempotency.ts';
import { problemSchema } from './problem.ts';
import { defineApi } from './route.ts';
import { apiRoutes } from './routes/index.ts';

/** The routes of `/v1` as they are mounted: writes with durable keys, and the document that describes them all. */
export function createApi(modules: { state: State; now: () => number }): readonly Route[] {
  const keys = createIdempotency(modules.state, modules.now);
  const info = {
    title: 'Stellar Hummingbot Connector: markets',
    version: 'v1',
    description:
      'Every write takes a header Idempotency-Key. WebSocket: /v1/ws. Errors are problem documents.',
  };
  const document = openApi(info, apiRoutes, problemSchema);
  const openapi = defineApi({
    method: 'get',
    path: '/v1/openapi.json',
    summary: 'This document',
    result: z.looseObject({}),
    handle: () => document,
  });
  return [...apiRoutes.map((route) => withKeys(route, keys)), openapi];
}
