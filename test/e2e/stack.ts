/**
 * `node test/e2e/stack.ts up|down`: ledger, signer (key in a SoftHSM token) and connector as plain processes on
 * loopback, and one swap through them. The last line of `up` is one JSON object that says how to reach it.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { createAuthority } from '../certificates.ts';
import { type Token, tokenIn } from './hsm.ts';
import { running, start, stopAll, waitFor } from './processes.ts';
import { clientOf, type Endpoint, type Market, quoteAndSwap } from './trade.ts';

const STATE = resolve('.state/stack');
const CERTS = join(STATE, 'certs');
const SOCKET = join(STATE, 'signer/run/signer.sock');
const SCENARIO = 'test/sandbox/scenarios/market.yaml';
const NETWORK = 'sandbox';
const GATEWAY_PORT = 15888;
const SIGNER_HEALTH_PORT = 15889;
const CONNECTOR_HEALTH_PORT = 15890;
const PROGRAMS = ['sandbox', 'signer', 'connector'];

interface Ledger {
  url: string;
  host: string;
  port: number;
  address: string;
  caFile: string;
  spkiPins: string[];
  networkPassphrase: string;
  admin: string;
}

const readJson = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T;

/** Whole environment of a program of ours: nothing of the caller's but PATH, so that no stray STELLAR_ gets in. */
const environment = (own: Record<string, string>): Record<string, string> => ({
  PATH: process.env.PATH!,
  ...own,
});

async function writeCertificates(): Promise<void> {
  if (existsSync(join(CERTS, 'client_key.pem'))) return;
  mkdirSync(CERTS, { recursive: true, mode: 0o700 });
  const authority = await createAuthority('stack CA');
  const names = ['localhost', 'gateway', '127.0.0.1', '::1'];
  const files = {
    server: await authority.issue({ names, usage: 'server' }),
    signer: await authority.issue({ names: ['localhost'], usage: 'server' }),
    client: await authority.issue({ names: ['hummingbot'], usage: 'client' }),
  };
  writeFileSync(join(CERTS, 'ca_cert.pem'), authority.cert);
  for (const [name, { cert, key }] of Object.entries(files)) {
    writeFileSync(join(CERTS, `${name}_cert.pem`), cert);
    writeFileSync(join(CERTS, `${name}_key.pem`), key, { mode: 0o600 });
  }
}

/** The asset that the scenario gives the trading account a trust line for, as CODE:ISSUER. */
export function quoteAsset(scenario: string): string {
  const { accounts } = parse(readFileSync(scenario, 'utf8')) as {
    accounts: { name?: string; address: string; trustlines?: { asset: string }[] }[];
  };
  const asset = accounts.find(({ address }) => address === '$ACCOUNT')?.trustlines?.[0]?.asset;
  if (asset === undefined) throw new Error(`${scenario} gives $ACCOUNT no trust line`);
  const [code, issuer] = asset.split(':');
  return `${code}:${accounts.find(({ name }) => name === issuer)?.address ?? issuer}`;
}

/** What the demo's treasury allows: swaps of the one pair in a band around the book, small fees, short time bounds. */
export function demoPolicy(name: string, account: string, quote: string, endpoints: string[]): unknown {
  return {
    apiVersion: 'stellar-connector.io/v1alpha1',
    kind: 'SigningPolicy',
    metadata: { name },
    spec: {
      accounts: [account],
      maxOperations: 1,
      maxTimeBoundSeconds: 60,
      memo: { kind: 'None' },
      fees: { perOperation: '20000', perTransaction: '20000' },
      swaps: [
        {
          pair: ['XLM', quote],
          price: { min: '0.08', max: '0.20' },
          maxAmount: { XLM: '1000000000', [quote]: '200000000' },
        },
      ],
      endpoints,
    },
  };
}

function startSandbox(account: string): void {
  const args = ['--state-dir', join(STATE, 'sandbox'), '--scenario', SCENARIO, '--account', account];
  start(STATE, 'sandbox', [process.execPath, 'test/sandbox/main.ts', ...args], environment({}));
}

function startSigner(token: Token, networkPassphrase: string): void {
  for (const folder of ['signer/policy', 'signer/journal', 'signer/run']) {
    mkdirSync(join(STATE, folder), { recursive: true, mode: 0o700 });
  }
  const policy = demoPolicy('stack', token.account, quoteAsset(SCENARIO), ['127.0.0.1']);
  writeFileSync(join(STATE, 'signer/policy/stack.yaml'), stringify(policy));
  start(
    STATE,
    'signer',
    [process.execPath, 'sidecar/main.ts'],
    environment({
      ...token.env,
      STELLAR_NETWORK_PASSPHRASE: networkPassphrase,
      STELLAR_ACCOUNT: token.account,
      STELLAR_SIGNER_SOCKET: SOCKET,
      STELLAR_PKCS11_MODULE: token.module,
      STELLAR_PKCS11_TOKEN_LABEL: token.tokenLabel,
      STELLAR_PKCS11_KEY_LABEL: token.keyLabel,
      STELLAR_PKCS11_PIN_FILE: token.pinFile,
      STELLAR_POLICY_DIR: join(STATE, 'signer/policy'),
      STELLAR_JOURNAL_DIR: join(STATE, 'signer/journal'),
      STELLAR_HEALTH_ADDRESS: `127.0.0.1:${SIGNER_HEALTH_PORT}`,
      STELLAR_TLS_CERT_FILE: join(CERTS, 'signer_cert.pem'),
      STELLAR_TLS_KEY_FILE: join(CERTS, 'signer_key.pem'),
    }),
  );
}

function startConnector(ledger: Ledger, account: string): void {
  const folder = join(STATE, 'connector');
  mkdirSync(join(folder, 'state'), { recursive: true, mode: 0o700 });
  const config = {
    network: NETWORK,
    networkPassphrase: ledger.networkPassphrase,
    account,
    horizon: {
      endpoints: [{ url: ledger.url, spkiPins: ledger.spkiPins, caFile: ledger.caFile }],
      quorum: 1,
    },
    markets: [{ base: 'XLM', quote: quoteAsset(SCENARIO) }],
  };
  writeFileSync(join(folder, 'connector.yaml'), stringify(config));
  const addresses = { hosts: { [ledger.host]: [ledger.address] } };
  writeFileSync(join(folder, 'addresses.json'), JSON.stringify(addresses));
  start(
    STATE,
    'connector',
    [process.execPath, 'connector/main.ts'],
    environment({
      STELLAR_CONFIG_FILE: join(folder, 'connector.yaml'),
      STELLAR_ADDRESSES_FILE: join(folder, 'addresses.json'),
      STELLAR_SIGNER_SOCKET: SOCKET,
      STELLAR_GATEWAY_ADDRESS: `127.0.0.1:${GATEWAY_PORT}`,
      STELLAR_TLS_CERT_FILE: join(CERTS, 'server_cert.pem'),
      STELLAR_TLS_KEY_FILE: join(CERTS, 'server_key.pem'),
      STELLAR_TLS_CLIENT_CA_FILE: join(CERTS, 'ca_cert.pem'),
      STELLAR_HEALTH_ADDRESS: `127.0.0.1:${CONNECTOR_HEALTH_PORT}`,
      STELLAR_STATE_DIR: join(folder, 'state'),
    }),
  );
}

/** Waits for a program's /readyz; its own reason is in the error when it does not come. */
async function ready(name: string, port: number): Promise<void> {
  const ca = readFileSync(join(CERTS, 'ca_cert.pem'), 'utf8');
  const health = clientOf({ host: 'localhost', address: '127.0.0.1', port, ca });
  const ask = async (): Promise<true | undefined> => {
    const { status, text } = await health.text('/readyz');
    if (status !== 200) throw new Error(text);
    return true;
  };
  try {
    await waitFor(`waiting for the ${name}`, ask, { deadlineMs: 30_000, process: { folder: STATE, name } });
  } finally {
    await health.close();
  }
}

/** Brings the three programs up (those that do not run) and gives what a client needs. */
export async function stackUp(): Promise<{
  gateway: Endpoint;
  horizon: Endpoint;
  market: Market;
  admin: string;
}> {
  if (running(STATE).length !== PROGRAMS.length) await stopAll(STATE);
  mkdirSync(STATE, { recursive: true, mode: 0o700 });
  const token = tokenIn(join(STATE, 'token'));
  await writeCertificates();
  const ledgerFile = join(STATE, 'sandbox/sandbox.json');
  if (running(STATE).length === 0) {
    console.log('stack: starting ledger, signer and connector');
    rmSync(ledgerFile, { force: true });
    startSandbox(token.account);
    await waitFor('waiting for the ledger', async () => (existsSync(ledgerFile) ? true : undefined), {
      deadlineMs: 30_000,
      process: { folder: STATE, name: 'sandbox' },
    });
    const { networkPassphrase } = readJson<Ledger>(ledgerFile);
    startSigner(token, networkPassphrase);
    startConnector(readJson<Ledger>(ledgerFile), token.account);
  }
  await ready('signer', SIGNER_HEALTH_PORT);
  await ready('connector', CONNECTOR_HEALTH_PORT);
  const ledger = readJson<Ledger>(ledgerFile);
  const pem = (name: string): string => readFileSync(join(CERTS, name), 'utf8');
  return {
    gateway: {
      host: 'localhost',
      address: '127.0.0.1',
      port: GATEWAY_PORT,
      ca: pem('ca_cert.pem'),
      cert: pem('client_cert.pem'),
      key: pem('client_key.pem'),
    },
    horizon: {
      host: ledger.host,
      address: ledger.address,
      port: ledger.port,
      ca: readFileSync(ledger.caFile, 'utf8'),
    },
    market: {
      chainNetwork: `stellar-${NETWORK}`,
      network: NETWORK,
      networkPassphrase: ledger.networkPassphrase,
      account: token.account,
      base: 'XLM',
      quote: quoteAsset(SCENARIO),
      amount: '10',
    },
    admin: ledger.admin,
  };
}

/** Ends the stack's programs; gives their names. */
export const stackDown = (): Promise<string[]> => stopAll(STATE);

if (import.meta.main) {
  if (process.argv[2] === 'down') {
    const stopped = await stackDown();
    console.log(stopped.length === 0 ? 'stack: nothing was running' : `stack: stopped ${stopped.join(', ')}`);
  } else {
    const { gateway, horizon, market, admin } = await stackUp();
    await quoteAndSwap(gateway, horizon, market, (line) => console.log(`stack: ${line}`));
    const { chainNetwork, account, base, quote } = market;
    const pair = `${base}-${quote.split(':')[0]}`;
    console.log(
      JSON.stringify({
        host: 'localhost',
        port: gateway.port,
        certs: CERTS,
        account,
        chainNetwork,
        pair,
        admin,
      }),
    );
  }
}
