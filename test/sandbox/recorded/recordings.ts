import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** One exchange with a real server, as `test/fixtures/horizon/README.md` describes it. */
export interface Exchange {
  n: number;
  /** Of Horizon's recordings. */
  group?: string;
  /** Of RPC's recordings. */
  method?: string;
  what: string;
  request: { line: string; headers: Record<string, string>; body?: string };
  response: {
    statusLine: string;
    headers: [name: string, value: string][];
    body?: string;
    bodyBase64?: string;
  };
}

export interface Answer {
  /** 0 where the server had not answered when the client gave up. */
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** Names as they were spelled. */
  names: string[];
  body: string;
}

/** A recorded stream: the request as it was sent, and all that was read. */
export interface Stream {
  file: string;
  what: string;
  request: string;
  text: string;
  closedBy: string;
}

export interface Recordings {
  exchanges: Exchange[];
  streams: Stream[];
}

/** Headers by their names in lower case; several of one name are one list. */
export function headersFrom(pairs: [name: string, value: string][]): Pick<Answer, 'headers' | 'names'> {
  const headers: Record<string, string> = {};
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  return { headers, names: pairs.map(([name]) => name) };
}

export const answerOf = ({ response }: Exchange): Answer => ({
  status: Number(response.statusLine.split(' ')[1]) || 0,
  ...headersFrom(response.headers),
  body:
    response.bodyBase64 === undefined
      ? (response.body ?? '')
      : gunzipSync(Buffer.from(response.bodyBase64, 'base64')).toString(),
});

export function requestOf({ request: { line, headers, body } }: Exchange): {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
} {
  const [method = '', path = ''] = line.split(' ');
  const { 'Content-Length': _length, ...rest } = headers;
  return { method, path, headers: rest, body };
}

/** The value of a JSON body; undefined where it is none. */
export function json(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** The envelope that an exchange submits, if any. */
export function submitted(exchange: Exchange): string | undefined {
  const { path, body } = requestOf(exchange);
  if (path.startsWith('/transactions')) return new URLSearchParams(body ?? '').get('tx') ?? undefined;
  const { params } = (json(body ?? '') ?? {}) as { params?: { transaction?: string } };
  return params?.transaction;
}

const lines = <T>(path: string): T[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

/** Takes the lengths of HTTP/1.1 chunks out of what was read. */
function unchunk(text: string): string {
  const bytes = Buffer.from(text);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\r\n', at);
    const length = Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (end < 0 || !(length > 0)) break;
    parts.push(bytes.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
  return Buffer.concat(parts).toString();
}

function stream(folder: string, file: string): Stream {
  const [first, ...rest] = lines<{ what: string; request: string; data?: string; end?: string }>(
    join(folder, file),
  );
  const text = rest.map(({ data = '' }) => data).join('');
  const [head = '', body = ''] = text.split(/\r\n\r\n(.*)/s);
  return {
    file,
    what: first!.what,
    request: first!.request,
    text: `${head}\r\n\r\n${/transfer-encoding: chunked/i.test(head) ? unchunk(body) : body}`,
    closedBy: rest.at(-1)?.end ?? '',
  };
}

/** Reads `recordings.jsonl` and `sse-*.jsonl` of a folder. */
export function readRecordings(folder: string): Recordings {
  const files = readdirSync(folder).filter((name) => /^sse-.*\.jsonl$/.test(name));
  return {
    exchanges: lines<Exchange>(join(folder, 'recordings.jsonl')),
    streams: files.sort().map((file) => stream(folder, file)),
  };
}
