import { ok, type Route } from './http.ts';

/** GET /health; JSON under the name of plain text, as Horizon does. */
export const health: Route = {
  method: 'GET',
  pattern: /^\/health$/,
  handle: () => ({
    ...ok({ database_connected: true, core_up: true, core_synced: true }),
    contentType: 'text/plain; charset=utf-8',
  }),
};
