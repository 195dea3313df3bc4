import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { close, listen } from '../../common/http.ts';
import { createAuthority } from '../certificates.ts';
import { createHorizon } from '../sandbox/horizon/server.ts';
import { type Network, startNetwork } from '../sandbox/network.ts';
import { createMarket, loadScenario } from '../sandbox/scenario.ts';
import { pinOf } from '../sandbox/tls.ts';

export const HORIZON_HOST = 'horizon.connector.test';
const SCENARIO = new URL('../sandbox/scenarios/market.yaml', import.meta.url).pathname;

/**
 * What stands between the connector and the sandbox's Horizon: `true` when it answered itself. `pass` gives the answer
 * of the sandbox, to be changed.
 */
export type Intercept = (
  request: IncomingMessage,
  response: ServerResponse,
  pass: () => Promise<{ status: number; body: string }>,
) => boolean | Promise<boolean>;

export interface HorizonDouble {
  url: string;
  port: number;
  network: Network;
  ca: string;
  pins: { leaf: string; ca: string };
  intercept: Intercept | undefined;
  /** Requests as `GET /path?query`, in order. */
  seen: string[];
  /** Stops listening and cuts every connection; the network goes on. */
  unplug(): Promise<void>;
  stop(): Promise<void>;
}

export interface DoubleOptions {
  account: string;
  clock?: () => number;
  closeMs?: number;
  submitTimeoutMs?: number;
  tls?: ServerOptions;
}

/** The sandbox's ledger and Horizon in this process, with a place for faults in front of it. */
export async function startHorizon(options: DoubleOptions): Promise<HorizonDouble> {
  const { account, clock = Date.now, closeMs = 100, submitTimeoutMs = 2_000 } = options;
  const market = createMarket(await loadScenario(SCENARIO, account), Math.floor(clock() / 1_000));
  const network = startNetwork({ ...market, clock, closeMs, retain: 1_000 });
  const stopping = new AbortController();
  const horizon = createHorizon({
    network,
    submitTimeoutMs,
    signal: stopping.signal,
    report: (error) => {
      if (!stopping.signal.aborted) throw error;
    },
  });
  const authority = await createAuthority('horizon of the tests');
  const leaf = await authority.issue({ names: [HORIZON_HOST], usage: 'server' });
  const double = { intercept: undefined, seen: [] } as unknown as HorizonDouble;
  const server = createServer(
    { cert: `${leaf.cert}\n${authority.cert}`, key: leaf.key, ...options.tls },
    async (request, response) => {
      double.seen.push(`${request.method} ${request.url}`);
      const pass = () => replay(horizon, request);
      if (await double.intercept?.(request, response, pass)) return;
      horizon(request, response);
    },
  );
  await listen(server, { host: '127.0.0.1', port: 0 });
  const { port } = server.address() as AddressInfo;
  return Object.assign(double, {
    url: `https://${HORIZON_HOST}:${port}`,
    port,
    network,
    ca: authority.cert,
    pins: { leaf: pinOf(leaf.cert), ca: pinOf(authority.cert) },
    unplug: () => close(server, 0),
    async stop() {
      network.stop();
      stopping.abort();
      await close(server, 100);
    },
  });
}

/** Runs the sandbox's Horizon on the request and keeps its answer from the wire. */
function replay(
  horizon: (request: IncomingMessage, response: ServerResponse) => void,
  request: IncomingMessage,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve) => {
    let status = 0;
    const fake = {
      setHeader: () => fake,
      once: () => fake,
      writeHead(code: number) {
        status = code;
        return fake;
      },
      end(body: string | Buffer) {
        resolve({ status, body: body.toString() });
        return fake;
      },
    };
    horizon(request, fake as unknown as ServerResponse);
  });
}
