import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Access } from '../../../operator/kube/access.ts';

export type Handler = (request: Asked, response: ServerResponse) => void;

export interface Asked {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: IncomingMessage['headers'];
  body: string;
}

/** A server on loopback that plays an API server with faults; the last handler of `script` serves the rest. */
export interface FakeApi {
  access: Access;
  asked: Asked[];
  /** Connections accepted so far. */
  connections(): number;
  /** How often credentials were read anew. */
  refreshed(): number;
  close(): Promise<void>;
}

export async function fakeApi(...script: Handler[]): Promise<FakeApi> {
  const asked: Asked[] = [];
  let connections = 0;
  let refreshed = 0;
  const server = createServer(async (request, response) => {
    const url = new URL(request.url!, 'http://api');
    let body = '';
    for await (const chunk of request) body += chunk;
    const one: Asked = {
      method: request.method!,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body,
    };
    const handler = script[Math.min(asked.length, script.length - 1)]!;
    asked.push(one);
    handler(one, response);
  });
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    access: {
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      tls: {},
      async authorization(fresh) {
        if (fresh) refreshed++;
        return `Bearer ${refreshed}`;
      },
    },
    asked,
    connections: () => connections,
    refreshed: () => refreshed,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function answer(status: number, body: unknown, headers: Record<string, string> = {}): Handler {
  return (_asked, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** The error object of the API. */
export function status(code: number, reason = '', message = 'no'): Handler {
  return answer(code, { kind: 'Status', code, reason, message });
}

/** Breaks the connection instead of an answer. */
export const reset: Handler = (_asked, response) => {
  response.socket?.resetAndDestroy();
};
