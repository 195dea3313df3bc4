/** Ledger, signer with a SoftHSM token and connector as processes, on a scenario and a configuration of a bench or a soak. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { horizonOf, ledgerIn, marketOf, startLedger } from '../e2e/ledger.ts';
import { freePorts } from '../e2e/ports.ts';
import { start, stopAll, waitFor } from '../e2e/processes.ts';
import { stackPolicy, writeCertificates, writeConnectorFiles } from '../e2e/stack_files.ts';
import { clientOf, type Endpoint, type Market } from '../e2e/trade.ts';
import { seedKey } from '../sandbox/signed.ts';
import { type RunningSigner, startSigner } from '../sidecar/signer.ts';
import { createToken } from '../sidecar/token.ts';

export interface Stand {
  /** Folder of the connector: connector.yaml, addresses.json, certs/, connector.log. */
  folder: string;
  gateway: Endpoint;
  horizon: Endpoint;
  market: Market;
  /** Base of the sandbox's control interface. */
  admin: string;
  signer: RunningSigner;
  /** Starts a connector with so many channel accounts, and waits until it is ready and its book is fresh. */
  start(channels: number, nodeOptions?: readonly string[]): Promise<void>;
  /** Ends the connector alone. */
  stop(): Promise<void>;
}

export interface StandOptions {
  /** Options of the sandbox. */
  ledger: readonly string[];
  channels: number;
  /** Changes the scenario, which is that of `make stack` with so many channels. */
  // biome-ignore lint/suspicious/noExplicitAny: plain YAML of a file of ours
  scenario?: (scenario: any) => void;
}

/** The connector cancels its offers before it ends (milliseconds). */
const GRACE_MS = 100_000;
const CHANNEL = (number: number): string => `stack channel ${number}`;
const ended = new Set<() => Promise<unknown>>();

/** Ends all that was started, in the order of its dependence. */
export async function endAll(): Promise<void> {
  for (const end of [...ended].reverse()) await end();
  ended.clear();
}

/** Runs `work` and ends everything after it, whatever its end: also on Ctrl-C. */
export async function withStands(work: (signal: AbortSignal) => Promise<number>): Promise<never> {
  const cut = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => cut.abort());
  const interrupted = new Promise<number>((resolve) => {
    cut.signal.addEventListener('abort', () => resolve(130), { once: true });
  });
  let code = 1;
  try {
    code = await Promise.race([work(cut.signal), interrupted]);
  } catch (error) {
    console.error(error);
  }
  await endAll();
  process.exit(code);
}

/** Also for what is no stand: `end` is called at the end, those that came last first. */
export const atEnd = (end: () => Promise<unknown>): void => void ended.add(end);

export async function createStand(options: StandOptions): Promise<Stand> {
  const dir = mkdtempSync(join(tmpdir(), 'stand-'));
  const [ledgerFolder, folder] = [join(dir, 'ledger'), join(dir, 'connector')];
  const [certs, signerFolder] = [join(folder, 'certs'), join(dir, 'signer')];
  for (const name of [ledgerFolder, folder, signerFolder]) mkdirSync(name, { mode: 0o700 });
  atEnd(async () => rmSync(dir, { recursive: true, force: true }));
  const token = createToken(join(dir, 'token'));
  await writeCertificates(certs);
  const channels = Array.from({ length: options.channels }, (_, i) => seedKey(CHANNEL(i + 1)).publicKey());

  const scenario = parse(readFileSync('test/sandbox/scenarios/stack.yaml', 'utf8'));
  scenario.accounts = scenario.accounts.filter(({ name }: { name: string }) => !name.startsWith('channel-'));
  for (let number = 1; number <= options.channels; number++)
    scenario.accounts.push({
      ...{ name: `channel-${number}`, seed: CHANNEL(number), balance: '1000', thresholds: { master: 0 } },
      signers: [{ key: '$ACCOUNT', weight: 1 }],
    });
  options.scenario?.(scenario);
  writeFileSync(join(dir, 'scenario.yaml'), stringify(scenario));
  atEnd(() => stopAll(ledgerFolder));
  const asked = ['--account', token.account, '--scenario', join(dir, 'scenario.yaml'), ...options.ledger];
  const ledger = await startLedger(ledgerFolder, asked, { env: { PATH: process.env.PATH } });

  const policy = parse(stackPolicy(token.account));
  Object.assign(policy.spec, { channels, signaturesPerSecond: 100 });
  const signer = await startSigner({
    ...{ dir: signerFolder, token, policies: { 'bench.yaml': stringify(policy) } },
    env: { UV_THREADPOOL_SIZE: '8', STELLAR_NETWORK_PASSPHRASE: ledger.networkPassphrase },
  });
  atEnd(() => signer.stop());

  writeConnectorFiles(folder, ledger, token.account);
  const ports = await freePorts({ gateway: 0, health: 0 });
  const pem = (name: string): string => readFileSync(join(certs, `${name}.pem`), 'utf8');
  const at = { host: 'localhost', address: '127.0.0.1', ca: pem('ca_cert') };
  const gateway = { ...at, port: ports.gateway, cert: pem('client_cert'), key: pem('client_key') };
  atEnd(() => stopAll(folder, GRACE_MS));

  return {
    ...{ folder, gateway, signer, horizon: horizonOf(ledger), admin: ledgerIn(ledgerFolder).admin },
    market: marketOf(ledger, token.account),
    async start(count, nodeOptions = []) {
      const file = join(folder, 'connector.yaml');
      const config = parse(readFileSync(file, 'utf8'));
      config.channelAccounts = channels.slice(0, count);
      // Nobody is heard between two measurements.
      config.trading = { deadManSeconds: 0 };
      writeFileSync(file, stringify(config));
      start(folder, 'connector', [process.execPath, ...nodeOptions, 'connector/main.ts'], {
        PATH: process.env.PATH,
        STELLAR_CONFIG_FILE: file,
        STELLAR_ADDRESSES_FILE: join(folder, 'addresses.json'),
        STELLAR_SIGNER_SOCKET: signer.socket,
        STELLAR_GATEWAY_ADDRESS: `127.0.0.1:${ports.gateway}`,
        STELLAR_TLS_CERT_FILE: join(certs, 'server_cert.pem'),
        STELLAR_TLS_KEY_FILE: join(certs, 'server_key.pem'),
        STELLAR_TLS_CLIENT_CA_FILE: join(certs, 'ca_cert.pem'),
        STELLAR_HEALTH_ADDRESS: `127.0.0.1:${ports.health}`,
        STELLAR_STATE_DIR: join(folder, 'state'),
      });
      const client = clientOf(gateway);
      const fresh = async (): Promise<true | undefined> => {
        const { body } = await client.call('GET', '/v1/book?market=XLM-USDC');
        return body?.fresh === true ? true : undefined;
      };
      const process_ = { folder, name: 'connector' };
      await waitFor('waiting for a fresh book', fresh, { deadlineMs: 60_000, process: process_ });
      await client.close();
    },
    async stop() {
      await stopAll(folder, GRACE_MS);
    },
  };
}
