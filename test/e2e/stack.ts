/**
 * `node test/e2e/stack.ts up|down [--state DIR]`: ledger, signer (key in a SoftHSM token) and connector as plain
 * processes on loopback, and one swap through them. The last line of `up` is one JSON object that says how to reach it.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createToken, type Token } from '../sidecar/token.ts';
import { command } from './command.ts';
import { horizonOf, ledgerIn, marketOf, startLedger } from './ledger.ts';
import { freePorts } from './ports.ts';
import { running, start, stopAll, waitFor } from './processes.ts';
import { stackPolicy, writeCertificates, writeConnectorFiles } from './stack_files.ts';
import { clientOf, type Endpoint, type Market, quoteAndSwap } from './trade.ts';

/** Where the stack of `make stack` lives; a test has a folder of its own. */
export const STACK = resolve('.state/stack');
/** What the kernel takes as the path of a unix socket (sun_path less its end). */
const SOCKET_PATH_BYTES = 107;
const PREFERRED_PORTS = { gateway: 15888, signer: 15889, connector: 15890 };
const PROGRAMS = ['sandbox', 'signer', 'connector'];
/** The connector cancels its offers before it ends (milliseconds). */
const GRACE_MS = 100_000;

type Ports = Record<keyof typeof PREFERRED_PORTS, number>;

/** The stack as a client and a test need it. */
export interface Stack {
  gateway: Endpoint;
  horizon: Endpoint;
  market: Market;
  /** Base of the sandbox's control interface. */
  admin: string;
  /** Folder with `ca_cert.pem`, `client_cert.pem`, `client_key.pem`. */
  certs: string;
}

const certsIn = (state: string): string => join(state, 'certs');
const socketIn = (state: string): string => join(state, 'signer/run/signer.sock');
const portsIn = (state: string): Ports =>
  JSON.parse(readFileSync(join(state, 'ports.json'), 'utf8')) as Ports;

/** Whole environment of a program of ours: nothing of the caller's but PATH, so that no stray STELLAR_ gets in. */
const environment = (own: Record<string, string>): Record<string, string> => ({
  PATH: process.env.PATH!,
  ...own,
});

function startSigner(state: string, token: Token, networkPassphrase: string, healthPort: number): void {
  for (const folder of ['signer/policy', 'signer/journal', 'signer/run']) {
    mkdirSync(join(state, folder), { recursive: true, mode: 0o700 });
  }
  writeFileSync(join(state, 'signer/policy/stack.yaml'), stackPolicy(token.account));
  const own = {
    ...token.env,
    // As in the image: a token that hangs must not take the journal's threads.
    UV_THREADPOOL_SIZE: '8',
    STELLAR_NETWORK_PASSPHRASE: networkPassphrase,
    STELLAR_ACCOUNT: token.account,
    STELLAR_SIGNER_SOCKET: socketIn(state),
    STELLAR_PKCS11_MODULE: token.module,
    STELLAR_PKCS11_TOKEN_LABEL: token.tokenLabel,
    STELLAR_PKCS11_KEY_LABEL: token.keyLabel,
    STELLAR_PKCS11_PIN_FILE: token.pinFile,
    STELLAR_POLICY_DIR: join(state, 'signer/policy'),
    STELLAR_JOURNAL_DIR: join(state, 'signer/journal'),
    STELLAR_JOURNAL_INIT: 'true',
    STELLAR_HEALTH_ADDRESS: `127.0.0.1:${healthPort}`,
    STELLAR_TLS_CERT_FILE: join(certsIn(state), 'signer_cert.pem'),
    STELLAR_TLS_KEY_FILE: join(certsIn(state), 'signer_key.pem'),
  };
  start(state, 'signer', [process.execPath, 'sidecar/main.ts'], environment(own));
}

/** Starts the connector of a stack; again after a test has ended it. `options` go to its command line. */
export function startConnector(state: string, options: readonly string[] = []): void {
  const [folder, certs, ports] = [join(state, 'connector'), certsIn(state), portsIn(state)];
  const own = {
    STELLAR_CONFIG_FILE: join(folder, 'connector.yaml'),
    STELLAR_ADDRESSES_FILE: join(folder, 'addresses.json'),
    STELLAR_SIGNER_SOCKET: socketIn(state),
    STELLAR_GATEWAY_ADDRESS: `127.0.0.1:${ports.gateway}`,
    STELLAR_TLS_CERT_FILE: join(certs, 'server_cert.pem'),
    STELLAR_TLS_KEY_FILE: join(certs, 'server_key.pem'),
    STELLAR_TLS_CLIENT_CA_FILE: join(certs, 'ca_cert.pem'),
    STELLAR_HEALTH_ADDRESS: `127.0.0.1:${ports.connector}`,
    STELLAR_STATE_DIR: join(folder, 'state'),
  };
  start(state, 'connector', [process.execPath, 'connector/main.ts', ...options], environment(own));
}

/** Waits for a program's /readyz; its own reason is in the error when it does not come. */
export async function ready(state: string, name: 'signer' | 'connector'): Promise<void> {
  const ca = readFileSync(join(certsIn(state), 'ca_cert.pem'), 'utf8');
  const port = portsIn(state)[name];
  const health = clientOf({ host: 'localhost', address: '127.0.0.1', port, ca });
  const ask = async (): Promise<true | undefined> => {
    const { status, text } = await health.text('/readyz');
    if (status !== 200) throw new Error(text);
    return true;
  };
  try {
    await waitFor(`waiting for the ${name}`, ask, { deadlineMs: 30_000, process: { folder: state, name } });
  } finally {
    await health.close();
  }
}

/** Brings the three programs up (those that do not run) and gives what a client needs. */
export async function stackUp(state = STACK): Promise<Stack> {
  const socket = socketIn(state);
  if (Buffer.byteLength(socket) > SOCKET_PATH_BYTES) {
    throw new Error(`this folder's path is too long for a unix socket in it (${socket}): use a shorter one`);
  }
  if (running(state).length !== PROGRAMS.length) await stopAll(state, GRACE_MS);
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const token = createToken(join(state, 'token'));
  await writeCertificates(certsIn(state));
  if (running(state).length === 0) {
    console.log('stack: starting ledger, signer and connector');
    // The ledger begins anew, and with it the account's sequence numbers: what was signed for the last one cannot apply
    // to it, and a journal that remembers would hold those numbers back for a while.
    for (const path of ['signer/journal', 'connector/state']) {
      rmSync(join(state, path), { recursive: true, force: true });
    }
    const ports = await freePorts(
      state === STACK ? PREFERRED_PORTS : { gateway: 0, signer: 0, connector: 0 },
    );
    writeFileSync(join(state, 'ports.json'), JSON.stringify(ports));
    const options = ['--account', token.account, '--scenario', 'test/sandbox/scenarios/stack.yaml'];
    const ledger = await startLedger(state, options, { env: environment({}) });
    startSigner(state, token, ledger.networkPassphrase, ports.signer);
    writeConnectorFiles(join(state, 'connector'), ledger, token.account);
    startConnector(state);
  }
  await ready(state, 'signer');
  await ready(state, 'connector');
  const ledger = ledgerIn(state);
  const pem = (name: string): string => readFileSync(join(certsIn(state), name), 'utf8');
  return {
    gateway: {
      host: 'localhost',
      address: '127.0.0.1',
      port: portsIn(state).gateway,
      ca: pem('ca_cert.pem'),
      cert: pem('client_cert.pem'),
      key: pem('client_key.pem'),
    },
    horizon: horizonOf(ledger),
    market: marketOf(ledger, token.account),
    admin: ledger.admin,
    certs: certsIn(state),
  };
}

/** Ends the stack's programs and says which ran. */
export async function stackDown(state = STACK): Promise<void> {
  const stopped = await stopAll(state, GRACE_MS);
  console.log(stopped.length === 0 ? 'stack: nothing was running' : `stack: stopped ${stopped.join(', ')}`);
}

async function up(state: string): Promise<void> {
  const { gateway, horizon, market, admin, certs } = await stackUp(state);
  await quoteAndSwap(gateway, horizon, market, (line) => console.log(`stack: ${line}`));
  const { chainNetwork, account, base, quote } = market;
  const pair = `${base}-${quote.split(':')[0]}`;
  const { host, port } = gateway;
  console.log(JSON.stringify({ host, port, certs, account, chainNetwork, pair, admin }));
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { state: { type: 'string', default: STACK } },
  });
  const state = resolve(values.state);
  await command('stack', () => (positionals[0] === 'down' ? stackDown(state) : up(state)));
}
