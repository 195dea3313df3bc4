import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { close, listen } from '../../../common/http.ts';
import { type Network, startNetwork } from '../network.ts';
import { market, START } from '../testing.ts';
import type { ErrorBody } from './errors.ts';
import { createRpc } from './server.ts';

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

const RETAIN = 10;

/** The tests' market behind RPC on loopback; its ledgers close by hand, five seconds apart. */
export interface TestRpc {
  url: string;
  network: Network;
  reported: unknown[];
  /** Lets time pass; seconds. */
  pass(seconds: number): void;
  closeLedger(): void;
  request(body: string, options?: RequestInit): Promise<Answer>;
  /** @throws the error of the answer as it is */
  call<T>(method: string, params?: unknown): Promise<T>;
  stop(): Promise<void>;
}

async function startRpc(): Promise<TestRpc> {
  let now = START;
  const reported: unknown[] = [];
  const clock = (): number => now * 1000;
  const network = startNetwork({
    ...market(),
    clock,
    closeMs: 5000,
    retain: RETAIN,
    every: () => () => undefined,
  });
  const report = (error: unknown) => reported.push(error);
  const server = createServer(createRpc({ network, clock, retain: RETAIN, report }));
  await listen(server, { host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function request(body: string, options: RequestInit = {}): Promise<Answer> {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body, ...options });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  return {
    url,
    network,
    reported,
    pass: (seconds) => {
      now += seconds;
    },
    closeLedger: () => {
      now += 5;
      network.close();
    },
    request,
    async call<T>(method: string, params?: unknown) {
      const { text } = await request(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
      const { result, error } = JSON.parse(text) as { result: T; error?: ErrorBody };
      if (error) throw error;
      return result;
    },
    stop: () => close(server, 0),
  };
}

/** RPC anew for each test of a suite; nothing must be reported. */
export function useRpc(): TestRpc {
  const rpc = {} as TestRpc;
  beforeEach(async () => {
    Object.assign(rpc, await startRpc());
  });
  afterEach(async () => {
    await rpc.stop();
    assert.deepEqual(rpc.reported, []);
  });
  return rpc;
}
