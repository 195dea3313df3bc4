import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { encode } from '../http.ts';
import type { Answer } from './http.ts';

/** What Horizon's server does with requests and answers of any route, as Go's libraries do it. */

export type MediaType = 'json' | 'raw' | 'stream';

const MEDIA_TYPES: Record<string, MediaType> = {
  'application/hal+json': 'json',
  'application/json': 'json',
  'application/*': 'json',
  '*/*': 'json',
  'text/event-stream': 'stream',
  'text/*': 'stream',
  'application/octet-stream': 'raw',
};

/** What the client likes best of what Horizon has: by weight, wildcards last; undefined where it likes none. */
export function negotiate(accept: string | undefined): MediaType | undefined {
  if (!accept) return 'json';
  const clauses = accept.split(',').map((clause) => {
    const [type = '', ...parameters] = clause.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    return { type: type.toLowerCase(), weight: Number(weight ?? 1), wildcards: type.split('*').length };
  });
  const [best] = clauses
    .filter(({ type }) => Object.hasOwn(MEDIA_TYPES, type))
    .sort((a, b) => b.weight - a.weight || a.wildcards - b.wildcards);
  return best && MEDIA_TYPES[best.type];
}

const HAL = 'application/hal+json; charset=utf-8';
/** Answers up to here carry their length, longer ones come in chunks, as Go's server does it. Bytes. */
const MAX_UNCHUNKED = 2047;

/** Sends an answer that is not a stream. */
export function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const { status, body, contentType = HAL } = answer;
  let bytes: Buffer = Buffer.isBuffer(body) ? body : Buffer.from(encode(body, 2));
  if (contentType === HAL) {
    response.setHeader('Content-Disposition', 'inline');
    if (request.headers['accept-encoding']?.includes('gzip')) {
      response.setHeader('Content-Encoding', 'gzip');
      response.setHeader('Vary', 'Accept-Encoding');
      bytes = gzipSync(bytes);
    }
  }
  response.setHeader('Content-Type', contentType);
  if (bytes.length <= MAX_UNCHUNKED) response.setHeader('Content-Length', bytes.length);
  response.writeHead(status);
  response.end(bytes);
}

const PREFLIGHT_METHODS = ['GET', 'POST', 'HEAD', 'OPTIONS'];

/** Cross-origin headers; true where the request asked for nothing else and is answered. */
export function serveCors({ method, headers }: IncomingMessage, response: ServerResponse): boolean {
  const { origin, 'access-control-request-method': wanted } = headers;
  const preflight = method === 'OPTIONS' && wanted !== undefined;
  if (preflight) {
    response.setHeader('Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers');
  }
  if (origin !== undefined && preflight && PREFLIGHT_METHODS.includes(wanted)) {
    response.setHeader('Access-Control-Allow-Methods', wanted);
    response.setHeader('Access-Control-Allow-Origin', origin);
    const names = headers['access-control-request-headers'];
    if (names) response.setHeader('Access-Control-Allow-Headers', names);
  } else if (origin !== undefined && !preflight) {
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Expose-Headers', 'Date, Latest-Ledger');
  }
  if (preflight) response.writeHead(204).end();
  return preflight;
}

/** Path without its trailing slash, and query; a `Last-Event-ID` is a cursor, also on plain requests. */
export function readUrl({ url = '/', headers }: IncomingMessage): {
  path: string;
  trimmed: string;
  query: URLSearchParams;
} {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  const lastId = headers['last-event-id'];
  if (typeof lastId === 'string' && lastId !== '') query.set('cursor', lastId);
  return { path, trimmed: path.startsWith('//') ? path : path.replace(/\/$/, ''), query };
}

/** A part of a path without its escapes; as it came where they are broken. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
