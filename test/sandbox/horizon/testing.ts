import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
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
}

export interface OpenStream {
  headers: IncomingHttpHeaders;
  /** Waits until what came contains `count` events behind the greeting; gives their data and ids. */
  events(count: number): Promise<{ id: string | undefined; data: unknown }[]>;
  /** All that came, once the server has ended it. */
  ended(): Promise<string>;
  close(): void;
}

/** Events of a stream's text, without greeting and farewell. */
const eventsIn = (text: string): { id: string | undefined; data: unknown }[] =>
  text
    .split('\n\n')
    .slice(0, -1)
    .filter((block) => !/^(retry|event):/m.test(block))
    .map((block) => ({
      id: /^id: (.*)$/m.exec(block)?.[1],
      data: JSON.parse(/^data: (.*)$/m.exec(block)![1]!),
    }));

export interface Served {
  url: string;
  ask(method: string, path: string, headers?: Record<string, string>, body?: string): Promise<Answered>;
  /** Opens a stream; `headers` are sent besides the wish for events. */
  open(path: string, headers?: Record<string, string>): Promise<OpenStream>;
  /** Sends a recorded request again. */
  replay(exchange: Exchange): Promise<Answered>;
  /** Tells Horizon to end, as a server does before it stops listening. */
  abort(): void;
  stop(): Promise<void>;
}

/** Waits for something that will come, however busy the machine is. */
export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!condition()) {
    assert.ok(performance.now() < end, 'it did not come');
    await setTimeout(2);
  }
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
          });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  function open(path: string, headers = {}): Promise<OpenStream> {
    return new Promise((resolve, reject) => {
      const all = { Accept: 'text/event-stream', ...headers };
      const sent = request({ host: '127.0.0.1', port, path, headers: all, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        const ended = new Promise<string>((done) => response.once('close', () => done(text)));
        resolve({
          headers: response.headers,
          async events(count) {
            while (eventsIn(text).length < count) {
              assert.ok(!response.destroyed && !response.readableEnded, `the stream ended early: ${text}`);
              await Promise.race([once(response, 'data'), ended]);
            }
            return eventsIn(text);
          },
          ended: () => ended,
          close: () => sent.destroy(),
        });
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  return {
    open,
    url: `http://127.0.0.1:${port}`,
    ask,
    replay({ request: { line, headers, body } }) {
      const [method = '', path = ''] = line.split(' ');
      return ask(method, path, headers, body);
    },
    abort: () => stopping.abort(),
    async stop() {
      stopping.abort();
      network.stop();
      await close(server, 0);
    },
  };
}
