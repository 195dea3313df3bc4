/**
 * `node test/e2e/stack.ts up|down`: ledger, signer (key in a SoftHSM token) and connector as plain processes on
 * loopback, and one swap through them. The last line of `up` is one JSON object that says how to reach it.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { createAuthority } from '../certificates.ts';
import type { SandboxInfo } from '../sandbox/sandbox.ts';
import { createToken, type Token } from '../sidecar/token.ts';
import { command } from './command.ts';
import { example, exampleMarket } from './examples.ts';
import { horizonOf, ledgerIn, marketOf, NETWORK, startLedger } from './ledger.ts';
import { freePorts } from './ports.ts';
import { running, start, stopAll, waitFor } from './processes.ts';
import { clientOf, type Endpoint, type Market, quoteAndSwap } from './trade.ts';

const STATE = resolve('.state/stack');
const CERTS = join(STATE, 'certs');
const SOCKET = join(STATE, 'signer/run/signer.sock');
/** What the kernel takes as the path of a unix socket (sun_path less its end). */
const SOCKET_PATH_BYTES = 107;
const PREFERRED_PORTS = { gateway: 15888, signer: 15889, connector: 15890 };
const PORTS = join(STATE, 'ports.json');
const PROGRAMS = ['sandbox', 'signer', 'connector'];

type Ports = Record<keyof typeof PREFERRED_PORTS, number>;

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

function startSigner(token: Token, networkPassphrase: string, healthPort: number): void {
  for (const folder of ['signer/policy', 'signer/journal', 'signer/run']) {
    mkdirSync(join(STATE, folder), { recursive: true, mode: 0o700 });
  }
  const policy = example('signingpolicy.yaml', ({ spec }) => {
    spec.accounts = [token.account];
  });
  writeFileSync(join(STATE, 'signer/policy/stack.yaml'), stringify(policy));
  start(
    STATE,
    'signer',
    [process.execPath, 'sidecar/main.ts'],
    environment({
      ...token.env,
      // As in the image: a token that hangs must not take the journal's threads.
      UV_THREADPOOL_SIZE: '8',
      STELLAR_NETWORK_PASSPHRASE: networkPassphrase,
      STELLAR_ACCOUNT: token.account,
      STELLAR_SIGNER_SOCKET: SOCKET,
      STELLAR_PKCS11_MODULE: token.module,
      STELLAR_PKCS11_TOKEN_LABEL: token.tokenLabel,
      STELLAR_PKCS11_KEY_LABEL: token.keyLabel,
      STELLAR_PKCS11_PIN_FILE: token.pinFile,
      STELLAR_POLICY_DIR: join(STATE, 'signer/policy'),
      STELLAR_JOURNAL_DIR: join(STATE, 'signer/journal'),
      STELLAR_JOURNAL_INIT: 'true',
      STELLAR_HEALTH_ADDRESS: `127.0.0.1:${healthPort}`,
      STELLAR_TLS_CERT_FILE: join(CERTS, 'signer_cert.pem'),
      STELLAR_TLS_KEY_FILE: join(CERTS, 'signer_key.pem'),
    }),
  );
}

function startConnector(ledger: SandboxInfo, account: string, ports: Ports): void {
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
    markets: [exampleMarket()],
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
      STELLAR_GATEWAY_ADDRESS: `127.0.0.1:${ports.gateway}`,
      STELLAR_TLS_CERT_FILE: join(CERTS, 'server_cert.pem'),
      STELLAR_TLS_KEY_FILE: join(CERTS, 'server_key.pem'),
      STELLAR_TLS_CLIENT_CA_FILE: join(CERTS, 'ca_cert.pem'),
      STELLAR_HEALTH_ADDRESS: `127.0.0.1:${ports.connector}`,
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
  if (Buffer.byteLength(SOCKET) > SOCKET_PATH_BYTES) {
    throw new Error(`this folder's path is too long for a unix socket in it (${SOCKET}): use a shorter one`);
  }
  if (running(STATE).length !== PROGRAMS.length) await stopAll(STATE);
  mkdirSync(STATE, { recursive: true, mode: 0o700 });
  const token = createToken(join(STATE, 'token'));
  await writeCertificates();
  if (running(STATE).length === 0) {
    console.log('stack: starting ledger, signer and connector');
    // The ledger begins anew, and with it the account's sequence numbers: what was signed for the last one cannot apply
    // to it, and a journal that remembers would hold those numbers back for a while.
    for (const path of ['signer/journal', 'connector/state']) {
      rmSync(join(STATE, path), { recursive: true, force: true });
    }
    const ports = await freePorts(PREFERRED_PORTS);
    writeFileSync(PORTS, JSON.stringify(ports));
    const ledger = await startLedger(STATE, ['--account', token.account], { env: environment({}) });
    startSigner(token, ledger.networkPassphrase, ports.signer);
    startConnector(ledger, token.account, ports);
  }
  const ports = readJson<Ports>(PORTS);
  await ready('signer', ports.signer);
  await ready('connector', ports.connector);
  const ledger = ledgerIn(STATE);
  const pem = (name: string): string => readFileSync(join(CERTS, name), 'utf8');
  return {
    gateway: {
      host: 'localhost',
      address: '127.0.0.1',
      port: ports.gateway,
      ca: pem('ca_cert.pem'),
      cert: pem('client_cert.pem'),
      key: pem('client_key.pem'),
    },
    horizon: horizonOf(ledger),
    market: marketOf(ledger, token.account),
    admin: ledger.admin,
  };
}

/** Ends the stack's programs and says which ran. */
export async function stackDown(): Promise<void> {
  const stopped = await stopAll(STATE);
  console.log(stopped.length === 0 ? 'stack: nothing was running' : `stack: stopped ${stopped.join(', ')}`);
}

async function up(): Promise<void> {
  const { gateway, horizon, market, admin } = await stackUp();
  await quoteAndSwap(gateway, horizon, market, (line) => console.log(`stack: ${line}`));
  const { chainNetwork, account, base, quote } = market;
  const pair = `${base}-${quote.split(':')[0]}`;
  const { host, port } = gateway;
  console.log(JSON.stringify({ host, port, certs: CERTS, account, chainNetwork, pair, admin }));
}

if (import.meta.main) await command('stack', process.argv[2] === 'down' ? stackDown : up);
