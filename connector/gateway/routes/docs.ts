import * as z from 'zod';
import { openApi } from '../openapi.ts';
import { defineRoute, type Route } from '../route.ts';

const error = z.strictObject({
  statusCode: z.int(),
  error: z.string(),
  message: z.string(),
  code: z.string().optional(),
});

/** The OpenAPI document of a route table, and a page that lists it for people. */
export function docsOf(table: readonly Route[]): Route[] {
  const info = { title: 'Gateway API of the Stellar Hummingbot Connector', version: 'v1alpha1' };
  const document = openApi(info, table, error);
  const rows = table.map(
    ({ method, path, summary = '' }) =>
      `<tr><td>${method.toUpperCase()}<td><code>${path}</code><td>${summary}`,
  );
  const page =
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${info.title}</title><h1>${info.title}</h1>` +
    `<p>As OpenAPI: <a href="/docs/json">/docs/json</a><table>${rows.join('\n')}</table></html>`;
  return [
    defineRoute({ method: 'get', path: '/docs', handle: () => page }),
    defineRoute({ method: 'get', path: '/docs/json', handle: () => document }),
  ];
}
