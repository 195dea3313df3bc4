import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';

/** Just enough of a client for the harness: JSON in, JSON out, and lines of a watch. */
export interface Api {
  /** GET; throws an ApiError on any status but 2xx. */
  get<T = unknown>(path: string): Promise<T>;
  send<T = unknown>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T>;
  /** Lines of a streamed answer, as a watch sends them; ends with the connection. */
  lines(path: string, signal: AbortSignal): AsyncGenerator<unknown>;
  close(): Promise<void>;
}

export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

interface KubeconfigFile {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
}

/** A client for a kubeconfig that this harness wrote. */
export function createApi(kubeconfig: string): Api {
  const file = JSON.parse(readFileSync(kubeconfig, 'utf8')) as KubeconfigFile;
  const decode = (text: string): string => Buffer.from(text, 'base64').toString();
  const { server, 'certificate-authority-data': ca } = file.clusters[0]!.cluster;
  const { 'client-certificate-data': cert, 'client-key-data': key } = file.users[0]!.user;
  const dispatcher = new Agent({
    connect: { ca: decode(ca), cert: decode(cert), key: decode(key), timeout: 3000 },
    bodyTimeout: 0,
  });
  const open = async (method: string, path: string, body?: unknown, signal?: AbortSignal) => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const answer = await request(`${server}${path}`, {
      dispatcher,
      method: method as 'GET',
      ...(signal ? { signal } : {}),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': type } }),
    });
    if (answer.statusCode >= 200 && answer.statusCode < 300) return answer.body;
    const text = await answer.body.text();
    throw new ApiError(answer.statusCode, `${method} ${path}: ${answer.statusCode} ${text.slice(0, 500)}`);
  };
  const parse = (text: string): unknown => (/^[{[]/.test(text) ? JSON.parse(text) : text);
  return {
    get: async <T>(path: string) => parse(await (await open('GET', path)).text()) as T,
    send: async <T>(method: string, path: string, body?: unknown) =>
      parse(await (await open(method, path, body)).text()) as T,
    async *lines(path, signal) {
      let rest = '';
      for await (const chunk of (await open('GET', path, undefined, signal)).setEncoding('utf8')) {
        const parts = (rest + chunk).split('\n');
        rest = parts.pop()!;
        for (const part of parts) if (part) yield JSON.parse(part);
      }
    },
    close: () => dispatcher.destroy(),
  };
}
