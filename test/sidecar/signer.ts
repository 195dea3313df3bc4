import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SIGN_PATH } from '../../sidecar/protocol.ts';
import { selfSigned } from '../certificates.ts';
import { readKey, send, signRequestMessage, unsignedRequest, verifyAnswer } from './signed.ts';
import type { Token } from './token.ts';

export const PASSPHRASE = 'Test SDF Network ; September 2015';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Record<string, unknown>;
}

/** A signer as a process of its own, as it runs in a pod. */
export interface RunningSigner {
  process: ChildProcess;
  dir: string;
  socket: string;
  /** Lines of its log so far. */
  log: Record<string, unknown>[];
  /** A signed request over the socket, its answer verified; an object is sent as JSON, a string as it is. */
  ask(
    method: string,
    path: string,
    body?: object | string,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  sign(envelopeXdr: string): Promise<Answer>;
  /** A GET on the TLS port. */
  health(path: string): Promise<{ status: number; text: string }>;
  /** The value of one line of /metrics. */
  metric(line: string): Promise<number>;
  /** The journal's events. */
  journal(): Record<string, unknown>[];
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

const MAIN = fileURLToPath(new URL('../../sidecar/main.ts', import.meta.url));

/** Whose key signs, and how the signer finds it. */
export interface Backend {
  account: string;
  env: Record<string, string>;
}

export const tokenBackend = (token: Token): Backend => ({
  account: token.account,
  env: {
    ...token.env,
    STELLAR_PKCS11_MODULE: token.module,
    STELLAR_PKCS11_TOKEN_LABEL: token.tokenLabel,
    STELLAR_PKCS11_KEY_LABEL: token.keyLabel,
    STELLAR_PKCS11_PIN_FILE: token.pinFile,
  },
});

/** Starts a signer on `dir` and waits until it listens on both its sockets. Policies are YAML, by file name. */
export async function startSigner(options: {
  dir: string;
  token: Token | Backend;
  policies: Record<string, string>;
  env?: Record<string, string>;
}): Promise<RunningSigner> {
  const { dir } = options;
  const backend = 'pinFile' in options.token ? tokenBackend(options.token) : options.token;
  const at = (name: string): string => join(dir, name);
  for (const name of ['policy', 'journal', 'run', 'tls'])
    mkdirSync(at(name), { recursive: true, mode: 0o750 });
  for (const [name, text] of Object.entries(options.policies)) writeFileSync(join(at('policy'), name), text);
  if (!existsSync(at('tls/tls.crt'))) {
    const pem = await selfSigned('localhost');
    writeFileSync(at('tls/tls.crt'), pem.cert);
    writeFileSync(at('tls/tls.key'), pem.key, { mode: 0o600 });
  }
  const socket = at('run/signer.sock');
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH,
      STELLAR_NETWORK_PASSPHRASE: PASSPHRASE,
      STELLAR_ACCOUNT: backend.account,
      STELLAR_SIGNER_SOCKET: socket,
      STELLAR_POLICY_DIR: at('policy'),
      STELLAR_JOURNAL_DIR: at('journal'),
      STELLAR_JOURNAL_INIT: 'true',
      STELLAR_HEALTH_ADDRESS: '127.0.0.1:0',
      STELLAR_TLS_CERT_FILE: at('tls/tls.crt'),
      STELLAR_TLS_KEY_FILE: at('tls/tls.key'),
      ...backend.env,
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const log: Record<string, unknown>[] = [];
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const listening = new Promise<number>((resolve) => {
    let port: number | undefined;
    let isListening = false;
    createInterface(child.stdout).on('line', (text) => {
      const line = JSON.parse(text) as Record<string, unknown>;
      log.push(line);
      if (line.msg === 'health port is open') port = (line.address as { port: number }).port;
      if (line.msg === 'listening') isListening = true;
      if (isListening && port !== undefined) resolve(port);
    });
  });
  const port = await Promise.race([listening, ended]);
  if (child.exitCode !== null)
    throw new Error(`the signer ended with ${child.exitCode}: ${JSON.stringify(log)}`);

  const ask: RunningSigner['ask'] = async (method, path, body, headers = {}) => {
    const key = readKey(socket);
    const request = signRequestMessage(unsignedRequest(method, path, body, headers), key);
    const answer = await send(socket, request);
    verifyAnswer(answer, request, key);
    return { status: answer.status, headers: answer.headers, body: JSON.parse(answer.text) };
  };

  const agent = new Agent({ rejectUnauthorized: false, keepAlive: false });
  const health: RunningSigner['health'] = (path) =>
    new Promise((resolve, reject) => {
      const request = httpsRequest({ host: '127.0.0.1', port: port!, path, agent }, async (response) => {
        resolve({ status: response.statusCode!, text: await read(response) });
      });
      request.on('error', reject);
      request.end();
    });

  return {
    process: child,
    dir,
    socket,
    log,
    ask,
    sign: (envelopeXdr) => ask('POST', SIGN_PATH, { envelopeXdr, networkPassphrase: PASSPHRASE }),
    health,
    async metric(line) {
      const { text } = await health('/metrics');
      const found = text.split('\n').find((candidate) => candidate.startsWith(`${line} `));
      return Number(found?.split(' ').at(-1));
    },
    journal: () =>
      readdirSync(at('journal'))
        .filter((name) => name.startsWith('journal-'))
        .sort()
        .map((name) => readFileSync(join(at('journal'), name), 'utf8'))
        .join('')
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { event: Record<string, unknown> }).event),
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}

async function read(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk.toString('utf8');
  return text;
}
