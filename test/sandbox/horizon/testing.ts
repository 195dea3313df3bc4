import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { close, listen } from '../../../common/http.ts';
import type { Network } from '../network.ts';
import type { Exchange } from './recorded.ts';
import { createHorizon, type HorizonOptions } from './server.ts';

export interface Answered {
  status: number;
  headers: IncomingHttpHeaders;
  /** As it came. */
  bytes: Buffer;
  body: string;
  /** Pieces in which it came, where it came in chunks. */
  pieces: string[];
}

export interface Served {
  url: string;
  ask(method: string, path: string, headers?: Record<string, string>, body?: string): Promise<Answered>;
  /** Sends a recorded request again. */
  replay(exchange: Exchange): Promise<Answered>;
  stop(): Promise<void>;
}

/** Horizon on a port of this machine, without TLS; what it should not meet ends the test. */
export async function serveHorizon(network: Network, options: Partial<HorizonOptions> = {}): Promise<Served> {
  const stopping = new AbortController();
  const report = (error: unknown): void => {
    throw error;
  };
  const server = createServer(
    createHorizon({ network, submitTimeoutMs: 200, signal: stopping.signal, report, ...options }),
  );
  await listen(server, { host: '127.0.0.1', port: 0 });
  const { port } = server.address() as AddressInfo;

  function ask(method: string, path: string, headers = {}, body?: string): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const bytes = Buffer.concat(chunks);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            bytes,
            body: bytes.toString('utf8'),
            pieces: chunks.map(String),
          });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  return {
    url: `http://127.0.0.1:${port}`,
    ask,
    replay({ request: { line, headers, body } }) {
      const [method = '', path = ''] = line.split(' ');
      return ask(method, path, headers, body);
    },
    async stop() {
      stopping.abort();
      network.stop();
      await close(server, 0);
    },
  };
}
