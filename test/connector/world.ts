import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { stringify } from 'yaml';
import { sleep } from '../../common/shutdown.ts';
import { loadEnvironment } from '../../connector/config.ts';
import { type Connector, startConnector } from '../../connector/connector.ts';
import { createAuthority, type Pem, type TestAuthority } from '../certificates.ts';
import { HORIZON_HOST, type HorizonDouble, startHorizon } from './horizon-double.ts';
import { createKey, type SoftwareKey, type SoftwareSigner, startSoftwareSigner } from './software-signer.ts';

export const USDC = 'USDC:GB6AW4NE7GS76LM7HAYCPVZF2KLLMUPBS5YXEC2UEAWQ2IG4GB2FFPEB';

export interface Reply {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of every shape
  body: any;
  text: string;
}

export interface World {
  key: SoftwareKey;
  horizon: HorizonDouble;
  signer: SoftwareSigner;
  connector: Connector;
  authority: TestAuthority;
  client: Pem;
  folder: string;
  environment: Record<string, string>;
  /** Lines that the connector logged. */
  log: string[];
  call(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<Reply>;
  swap(fields?: Record<string, unknown>): Promise<Reply>;
  metrics(): Promise<string>;
  ready(): Promise<Reply>;
  setAddresses(hosts: Record<string, string[]>): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface WorldOptions {
  /** How much faster than the real time the connector's and the network's clocks run. */
  speed?: number;
  horizon?: { closeMs?: number; submitTimeoutMs?: number; tls?: object };
  /** Changes the connector's file. */
  // biome-ignore lint/suspicious/noExplicitAny: the file's form is what some tests break
  file?: (file: any, horizon: HorizonDouble) => void;
  hosts?: Record<string, string[]>;
}

/** A connector in this process between a sandbox network and a software signer, behind real mTLS. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const { speed = 1 } = options;
  const began = Date.now();
  const now = (): number => Math.floor(began + (Date.now() - began) * speed);
  const sleepScaled: typeof sleep = (ms, signal) => sleep(ms / speed, signal);
  const folder = await mkdtemp(join(tmpdir(), 'connector-'));
  const at = (name: string): string => join(folder, name);
  const key = createKey();
  const [horizon, authority] = await Promise.all([
    startHorizon({
      account: key.account,
      clock: now,
      closeMs: speed === 1 ? 100 : 1_000 / speed,
      ...options.horizon,
    }),
    createAuthority('clients'),
  ]);
  const { passphrase } = horizon.network;
  const [server, client, signer] = await Promise.all([
    authority.issue({ names: ['localhost', '127.0.0.1'], usage: 'server' }),
    authority.issue({ names: ['hummingbot'], usage: 'client' }),
    startSoftwareSigner(at('signer.sock'), key, passphrase),
  ]);
  const file = {
    network: 'sandbox',
    networkPassphrase: passphrase,
    account: key.account,
    horizon: {
      endpoints: [
        { url: horizon.url, caFile: at('horizon-ca.pem'), spkiPins: [horizon.pins.leaf, horizon.pins.ca] },
      ],
      quorum: 1,
    },
    markets: [{ base: 'XLM', quote: USDC }],
  };
  options.file?.(file, horizon);
  const setAddresses = (hosts: Record<string, string[]>): Promise<void> =>
    writeFile(at('addresses.json'), JSON.stringify({ hosts }));
  await Promise.all([
    writeFile(at('connector.yaml'), stringify(file)),
    writeFile(at('horizon-ca.pem'), horizon.ca),
    writeFile(at('tls.crt'), server.cert),
    writeFile(at('tls.key'), server.key),
    writeFile(at('ca_cert.pem'), authority.cert),
    setAddresses(options.hosts ?? { [HORIZON_HOST]: ['127.0.0.1'] }),
  ]);
  const environment = {
    STELLAR_CONFIG_FILE: at('connector.yaml'),
    STELLAR_ADDRESSES_FILE: at('addresses.json'),
    STELLAR_SIGNER_SOCKET: at('signer.sock'),
    STELLAR_GATEWAY_ADDRESS: '127.0.0.1:0',
    STELLAR_HEALTH_ADDRESS: '127.0.0.1:0',
    STELLAR_TLS_CERT_FILE: at('tls.crt'),
    STELLAR_TLS_KEY_FILE: at('tls.key'),
    STELLAR_TLS_CLIENT_CA_FILE: at('ca_cert.pem'),
    STELLAR_STATE_DIR: at('state'),
    STELLAR_LOG_LEVEL: 'debug',
  };
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const start = () => startConnector(loadEnvironment(environment), { log, now, sleep: sleepScaled });

  const world: World = {
    ...{ key, horizon, signer, authority, client, folder, environment, setAddresses, log: lines },
    connector: await start(),
    call(method, path, body, tls = {}) {
      const payload = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
      return fetchJson(
        {
          ...{
            method,
            path,
            host: 'localhost',
            port: world.connector.gateway.port,
            ca: authority.cert,
            ...client,
          },
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) },
          ...tls,
        },
        payload,
      );
    },
    swap: (fields = {}) =>
      world.call('POST', '/trading/router/execute-swap', {
        ...{ chainNetwork: 'stellar-sandbox', connector: 'sdex', walletAddress: key.account },
        ...{ baseToken: 'XLM', quoteToken: 'USDC', amount: 10, side: 'SELL' },
        ...fields,
      }),
    metrics: async () =>
      (
        await fetchJson({
          host: 'localhost',
          path: '/metrics',
          port: world.connector.health.port,
          ca: authority.cert,
        })
      ).text,
    ready: () =>
      fetchJson({
        host: 'localhost',
        path: '/readyz',
        port: world.connector.health.port,
        ca: authority.cert,
      }),
    async restart() {
      world.connector = await start();
    },
    async stop() {
      await world.connector.stop();
      await Promise.all([horizon.stop(), signer.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
  return world;
}

/** One HTTPS request on a connection of its own. */
export function fetchJson(options: RequestOptions, payload = ''): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      { agent: false, ...options, ...(options as { cert?: string }) },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          let body: unknown;
          try {
            body = JSON.parse(text);
          } catch {
            body = undefined;
          }
          resolve({ status: response.statusCode ?? 0, body, text });
        });
      },
    );
    request.on('error', reject);
    request.end(payload);
  });
}
