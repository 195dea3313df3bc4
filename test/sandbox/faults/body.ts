import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FaultOf } from './schema.ts';

/** An answer that its route has finished and that nothing has been sent of. */
export interface Held {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Buffer;
}

/** Keeps what a route answers back until it is whole, and lets `release` send it. */
export function hold(response: ServerResponse, release: (held: Held) => void): void {
  const { writeHead, write, end } = response;
  const chunks: Buffer[] = [];
  let head: { status: number; headers: OutgoingHttpHeaders } | undefined;
  const keep = (chunk: unknown): void => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk as string));
  };
  Object.assign(response, {
    writeHead(status: number, headers: OutgoingHttpHeaders = {}) {
      head = { status, headers };
      return response;
    },
    write(chunk: unknown) {
      keep(chunk);
      return true;
    },
    end(chunk?: unknown) {
      keep(chunk);
      Object.assign(response, { writeHead, write, end });
      response.removeHeader('Content-Length');
      const { status, headers } = head ?? { status: response.statusCode, headers: {} };
      const rest = Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'content-length');
      release({ status, headers: Object.fromEntries(rest), body: Buffer.concat(chunks) });
      return response;
    },
  });
}

export function send(response: ServerResponse, { status, headers, body }: Held): void {
  response.writeHead(status, { ...headers, 'Content-Length': body.length }).end(body);
}

/**
 * Sends an answer badly.
 * @param reset cuts the connection under a response with a TCP reset
 */
export function sendBadly(
  response: ServerResponse,
  { status, headers, body }: Held,
  { how, bytes, everyMs }: FaultOf<'body'>,
  reset: (response: ServerResponse) => void,
): void {
  const part = body.subarray(0, bytes);
  if (how === 'truncate') {
    send(response, { status, headers, body: part });
    return;
  }
  response.writeHead(status, { ...headers, 'Content-Length': body.length });
  if (how === 'abort' || how === 'reset') {
    response.flushHeaders();
    response.write(part, () => (how === 'reset' ? reset(response) : response.destroy()));
    return;
  }
  const size = Math.max(1, bytes);
  let at = 0;
  const next = (): void => {
    response.write(body.subarray(at, at + size));
    at += size;
    if (at < body.length) return;
    clearInterval(timer);
    response.end();
  };
  const timer = setInterval(next, everyMs);
  response.once('close', () => clearInterval(timer));
  next();
}
