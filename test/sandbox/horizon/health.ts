import type { Route } from './http.ts';

/** GET /health; one line of JSON under the name of plain text, as Horizon does. */
export const health: Route = {
  method: 'GET',
  pattern: /^\/health$/,
  handle: () => ({
    status: 200,
    body: Buffer.from('{"database_connected":true,"core_up":true,"core_synced":true}\n'),
    contentType: 'text/plain; charset=utf-8',
  }),
};
