import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { setTimeout } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import type { Faults } from '../faults/registry.ts';
import { type Answer, headersFrom, json } from './recordings.ts';

/** A server that is asked, of either interface. */
export interface Node {
  base: string;
  rpc: boolean;
  passphrase: string;
  /** What can be made to go wrong with it; nothing with a server somewhere. */
  faults?: Faults;
  /** How often its streams look for news, in milliseconds. */
  pollMs: number;
  /** Returns when what was submitted is in a ledger, or will not come into one. */
  settle(): Promise<void>;
  /** Whether ledgers close by themselves as soon as something waits for one; a real network always does. */
  closing(on: boolean): void;
}

export interface Request {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | undefined;
}

/** When a body that may never end has been read far enough: told all that was read so far, or by a signal. */
export interface Until {
  isEnough(text: string): boolean;
  signal: AbortSignal;
}

/** Sends a request and reads its answer, `until` it is enough; of status 0 where none came. */
export function ask(
  { base }: Pick<Node, 'base'>,
  { method, path, headers = {}, body }: Request,
  until?: Until,
): Promise<Answer> {
  const { protocol, hostname, port } = new URL(base);
  const send = protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    let stop = (): void => {
      resolve({ status: 0, headers: {}, names: [], body: '' });
      sent.destroy();
    };
    until?.signal.addEventListener('abort', () => stop());
    const sent = send(
      { hostname, port, method, path, headers, agent: false, timeout: 40_000 },
      (response) => {
        const names = response.rawHeaders.filter((_, index) => index % 2 === 0);
        const pairs = names.map((name, index): [string, string] => [
          name,
          response.rawHeaders[index * 2 + 1]!,
        ]);
        const chunks: Buffer[] = [];
        const read = (): Buffer => Buffer.concat(chunks);
        const done = (): void => {
          const zipped = response.headers['content-encoding'] === 'gzip';
          const text = (zipped ? gunzipSync(read()) : read()).toString();
          resolve({ status: response.statusCode ?? 0, ...headersFrom(pairs), body: text });
        };
        stop = () => {
          done();
          sent.destroy();
        };
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          if (until?.isEnough(read().toString())) stop();
        });
        response.on('end', done);
        response.on('error', reject);
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`no answer to ${method} ${path}`)));
    sent.on('error', reject);
    sent.end(body);
  });
}

type Fields = Record<string, unknown>;

/** Calls a method of Stellar RPC. */
export async function call(node: Pick<Node, 'base'>, method: string, params?: unknown): Promise<Fields> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, ...(params !== undefined && { params }) });
  const headers = { 'Content-Type': 'application/json' };
  const answer = await ask(node, { method: 'POST', path: '/', headers, body });
  return ((json(answer.body) as Fields | undefined)?.result ?? {}) as Fields;
}

export const get = async (node: Pick<Node, 'base'>, path: string): Promise<Fields> =>
  (json((await ask(node, { method: 'GET', path })).body) ?? {}) as Fields;

async function latestLedger(base: string, rpc: boolean): Promise<number> {
  if (rpc) return Number((await call({ base }, 'getLatestLedger')).sequence);
  return Number((await get({ base }, '/')).history_latest_ledger);
}

/** The first ledger that a server keeps. */
export async function oldestLedger({ base, rpc }: Node): Promise<number> {
  if (rpc) return Number((await call({ base }, 'getHealth')).oldestLedger);
  return Number((await get({ base }, '/')).history_elder_ledger);
}

/** A server somewhere: its passphrase is asked, and ledgers are waited for. */
export async function remoteNode(base: string, rpc: boolean): Promise<Node> {
  const passphrase = rpc
    ? (await call({ base }, 'getNetwork')).passphrase
    : (await get({ base }, '/')).network_passphrase;
  if (typeof passphrase !== 'string') throw new Error(`${base} does not tell its network`);
  return {
    base,
    rpc,
    passphrase,
    pollMs: 5000,
    closing: () => {},
    async settle() {
      const from = await latestLedger(base, rpc);
      // What is submitted during the close of a ledger comes into the one after it.
      for (let tries = 0; tries < 120 && (await latestLedger(base, rpc)) < from + 2; tries += 1) {
        await setTimeout(250);
      }
    },
  };
}
