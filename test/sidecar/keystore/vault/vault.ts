import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import type { Keystore } from '../../../../sidecar/keystore/keystore.ts';
import { createVaultOpener, type VaultModules } from '../../../../sidecar/keystore/vault/open.ts';
import type { VaultAuth, VaultOptions } from '../../../../sidecar/keystore/vault/options.ts';
import type { OpenBao, TransitKey } from '../../openbao.ts';

export const never = new AbortController().signal;
export const message = (): Buffer => randomBytes(32);

/** Writes a secret into the server's folder; a file of its own, or that one. */
export function secretFile(
  bao: OpenBao,
  text: string,
  name: string = randomBytes(8).toString('hex'),
): string {
  const file = join(bao.dir, name);
  writeFileSync(file, `${text}\n`, { mode: 0o600 });
  return file;
}

/** A token with the key's policy, in a file. */
export async function tokenAuth(
  bao: OpenBao,
  key: TransitKey,
  options: object = {},
): Promise<{ auth: VaultAuth; token: string; file: string }> {
  const body = { policies: [key.policy], no_default_policy: true, ttl: '1h', ...options };
  const token = (await bao.ok('POST', 'auth/token/create', body)).client_token as string;
  const file = secretFile(bao, token);
  return { auth: { tokenFile: file }, token, file };
}

/** An AppRole with the key's policy, at a mount of its own. */
export async function appRoleAuth(
  bao: OpenBao,
  key: TransitKey,
  options: object = {},
): Promise<{ appRole: { roleId: string; secretIdFile: string; mount: string } }> {
  const mount = `approle-${randomBytes(4).toString('hex')}`;
  await bao.ok('POST', `sys/auth/${mount}`, { type: 'approle' });
  const role = `auth/${mount}/role/signer`;
  await bao.ok('POST', role, {
    token_policies: [key.policy],
    token_no_default_policy: true,
    token_ttl: '1h',
    ...options,
  });
  const roleId = (await bao.ok('GET', `${role}/role-id`)).role_id as string;
  const secretId = (await bao.ok('POST', `${role}/secret-id`)).secret_id as string;
  return { appRole: { roleId, secretIdFile: secretFile(bao, secretId), mount } };
}

/** Revokes every token that was got at that mount of an auth method. */
export const revokeTokens = (bao: OpenBao, mount: string): Promise<unknown> =>
  bao.ok('PUT', `sys/leases/revoke-prefix/auth/${mount}/login`);

/** Opens key stores and servers, and closes them after each test. */
export function vaultTests(): {
  open(
    options: Partial<VaultOptions> & Pick<VaultOptions, 'address' | 'auth'>,
    key: TransitKey,
    modules?: Partial<VaultModules>,
  ): Promise<Keystore>;
  /** Has it closed after the test. */
  track<Closable extends { close(): unknown }>(one: Closable): Closable;
  /** The port on which it listens on loopback from then on. */
  listen(server: Server): Promise<number>;
} {
  const opened: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });
  return {
    track(one) {
      opened.push(one);
      return one;
    },
    async listen(server) {
      opened.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return (server.address() as AddressInfo).port;
    },
    async open(options, key, modules = {}) {
      const open = createVaultOpener(
        { mount: key.mount, key: key.key, keyVersion: 1, ...options },
        { publicKey: key.publicKey, ...modules },
      );
      const keystore = await open(never);
      opened.push(keystore);
      return keystore;
    },
  };
}

/** A server in front of the real one that does worse than it when told to. Every request is counted by `METHOD path`. */
export interface FaultyProxy {
  address: string;
  seen: string[];
  /** Requests of that kind so far. */
  count(path: string): number;
  /** Answers instead of the real server; call `pass` to have it answer after all. Undefined: all is passed. */
  behave: ((pass: () => void, res: ServerResponse, req: IncomingMessage) => void) | undefined;
  /** Changes the text of an answer that is passed. */
  edit: ((text: string, path: string) => string) | undefined;
  close(): Promise<void>;
}

export async function startProxy(bao: OpenBao): Promise<FaultyProxy> {
  const pass = (req: IncomingMessage, body: Buffer, res: ServerResponse): void => {
    const url = new URL(`${bao.http}${req.url}`);
    const sent = request(url, { method: req.method!, headers: req.headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => void chunks.push(chunk));
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        res.writeHead(answer.statusCode!, { 'content-type': 'application/json' });
        res.end(proxy.edit?.(text, req.url!) ?? text);
      });
    });
    sent.on('error', () => res.destroy());
    sent.end(body);
  };
  const listener: RequestListener = (req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => void chunks.push(chunk));
    req.on('end', () => {
      proxy.seen.push(`${req.method} ${req.url}`);
      const passed = () => pass(req, Buffer.concat(chunks), res);
      if (proxy.behave === undefined) passed();
      else proxy.behave(passed, res, req);
    });
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: FaultyProxy = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    count: (path) => proxy.seen.filter((line) => line.includes(path)).length,
    behave: undefined,
    edit: undefined,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
