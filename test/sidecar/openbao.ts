import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority } from '../certificates.ts';
import { cacheRoot } from '../cluster/layout.ts';

const PROGRAM = join(cacheRoot(), 'openbao-2.7.2', 'bao');

/** What the API answered. */
export interface Answer {
  status: number;
  data: Record<string, unknown>;
}

/** A real OpenBao on loopback with one unseal key, its state in a folder of its own. */
export interface OpenBao {
  /** http://127.0.0.1:PORT */
  http: string;
  /** https://127.0.0.1:PORT, with a certificate of `caFile`. */
  https: string;
  caFile: string;
  dir: string;
  rootToken: string;
  /** One request with the root token (or `token`), whatever the status; `data` is the answer's `data`, `auth` or all of it. */
  api(method: string, path: string, body?: object, token?: string): Promise<Answer>;
  /** The same, but any status that is not 2xx is an error. */
  ok(method: string, path: string, body?: object): Promise<Record<string, unknown>>;
  unseal(): Promise<void>;
  /** Ends the process; `start` brings it back sealed, with its state. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/**
 * Starts one, initialized and unsealed, with two listeners: plain and TLS. About three seconds.
 * Whoever starts it calls `stop`; should that be missed, it ends with this process.
 */
export async function startOpenBao(): Promise<OpenBao> {
  if (!existsSync(PROGRAM)) throw new Error('OpenBao is missing: run `make setup`');
  const dir = mkdtempSync(join(tmpdir(), 'openbao-'));
  const [plain, tls, cluster] = [await freePort(), await freePort(), await freePort()];
  const authority = await createAuthority();
  const pem = await authority.issue({ names: ['127.0.0.1', 'localhost'], usage: 'server' });
  for (const [name, text] of Object.entries({ ca: authority.cert, cert: pem.cert, key: pem.key }))
    writeFileSync(join(dir, `${name}.pem`), text, { mode: 0o600 });
  mkdirSync(join(dir, 'state'));
  const configuration = join(dir, 'server.hcl');
  writeFileSync(
    configuration,
    `storage "raft" {
  path = "${join(dir, 'state')}"
  node_id = "one"
  performance_multiplier = 1
}
listener "tcp" {
  address = "127.0.0.1:${plain}"
  tls_disable = true
}
listener "tcp" {
  address = "127.0.0.1:${tls}"
  tls_cert_file = "${join(dir, 'cert.pem')}"
  tls_key_file = "${join(dir, 'key.pem')}"
}
api_addr = "http://127.0.0.1:${plain}"
cluster_addr = "http://127.0.0.1:${cluster}"
log_level = "error"
`,
  );
  let child: ChildProcess | undefined;
  let unsealKey = '';
  process.once('exit', () => {
    child?.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });

  const bao: OpenBao = {
    http: `http://127.0.0.1:${plain}`,
    https: `https://127.0.0.1:${tls}`,
    caFile: join(dir, 'ca.pem'),
    dir,
    rootToken: '',
    api: (method, path, body, token = bao.rootToken) => exchange(plain, method, path, token, body),
    async ok(method, path, body) {
      const answer = await bao.api(method, path, body);
      if (answer.status >= 300)
        throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.data)}`);
      return answer.data;
    },
    async unseal() {
      await bao.ok('PUT', 'sys/unseal', { key: unsealKey });
      // Unsealed is not yet active: what mounts need is loaded a moment later.
      await until(async () => (await bao.api('GET', 'sys/health')).status === 200);
    },
    async start() {
      // It ends with this process, also when that is killed.
      child = spawn('setpriv', ['--pdeathsig', 'KILL', PROGRAM, 'server', `-config=${configuration}`], {
        stdio: 'ignore',
      });
      // Not a reason for the tests' process to stay.
      child.unref();
      await until(() =>
        bao.api('GET', 'sys/health').then(
          () => true,
          () => false,
        ),
      );
    },
    async stop() {
      child?.ref();
      const ended = new Promise((resolve) => child?.once('exit', resolve));
      child?.kill('SIGKILL');
      await ended;
      child = undefined;
    },
  };
  await bao.start();
  const init = await bao.ok('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 });
  bao.rootToken = init.root_token as string;
  unsealKey = (init.keys as string[])[0]!;
  await bao.unseal();
  return bao;
}

let shared: Promise<OpenBao> | undefined;

/** One for all tests of this process that neither seal nor stop it; gone with the process. Give mounts names of your own. */
export function sharedOpenBao(): Promise<OpenBao> {
  shared ??= startOpenBao();
  return shared;
}

/** A mount of transit with one Ed25519 key, the policy for it, and what the signer must be told about it. */
export interface TransitKey {
  mount: string;
  key: string;
  policy: string;
  publicKey: Buffer;
}

/** The policy of docs/signer/vault.md. */
const policyText = (): string => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/signer/vault.md'), 'utf8');
  return /```hcl\n([\s\S]*?)```/.exec(page)![1]!;
};

/** Makes a mount with a key of that kind, and the documented policy for them. */
export async function createTransitKey(bao: OpenBao, options: object = {}): Promise<TransitKey> {
  const mount = `transit-${randomBytes(4).toString('hex')}`;
  const key = 'trading';
  await bao.ok('POST', `sys/mounts/${mount}`, { type: 'transit' });
  await bao.ok('POST', `${mount}/keys/${key}`, { type: 'ed25519', ...options });
  const { keys } = (await bao.ok('GET', `${mount}/keys/${key}`)) as {
    keys: Record<string, { public_key?: string }>;
  };
  await bao.ok('PUT', `sys/policies/acl/${mount}`, {
    policy: policyText()
      .replaceAll('transit/', `${mount}/`)
      .replaceAll('stellar-trading', key)
      .replaceAll('stellar-audit', 'audit'),
  });
  return { mount, key, policy: mount, publicKey: Buffer.from(keys['1']?.public_key ?? '', 'base64') };
}

function exchange(port: number, method: string, path: string, token: string, body?: object): Promise<Answer> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers = { 'X-Vault-Token': token, 'content-length': Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path: `/v1/${path}`, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => void chunks.push(chunk));
      answer.on('end', () => {
        const received = Buffer.concat(chunks).toString();
        const all = (received === '' ? {} : JSON.parse(received)) as Record<string, unknown>;
        const data = (all.data ?? all.auth ?? all) as Record<string, unknown>;
        resolve({ status: answer.statusCode!, data });
      });
    });
    sent.on('error', reject);
    sent.end(text);
  });
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('OpenBao does not come up');
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
