/**
 * `make bench-signer`: the signer as a process, everything on, against what it stands on, in turn
 * in one run: the same HTTP server with nothing behind it, the same verified pool of sessions in this process without HTTP, policy and journal; bare C_Sign on eight
 * sessions; OpenBao's own endpoint. It prints and never fails on a figure: machines differ, ratios less.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { StrKey } from '@stellar/stellar-sdk';
import graphene from 'graphene-pk11';
import { Pool } from 'undici';
import type { HmacKey } from '../../common/http-signatures-hmac.ts';
import { Secret } from '../../common/secret.ts';
import { createPkcs11Opener } from '../../sidecar/keystore/pkcs11/open.ts';
import { findSlot, loadModule, login } from '../../sidecar/keystore/pkcs11/token.ts';
import { appRoleAuth } from '../sidecar/keystore/vault/vault.ts';
import { createTransitKey, type OpenBao, startOpenBao, type TransitKey } from '../sidecar/openbao.ts';
import { readKey } from '../sidecar/signed.ts';
import { type Backend, PASSPHRASE, type RunningSigner, startSigner } from '../sidecar/signer.ts';
import { createToken, type Token } from '../sidecar/token.ts';
import { buildTransaction, policyYaml } from '../sidecar/transactions.ts';
import { closedLoop, envelopeSource, type Measured, median } from './load.ts';
import { openConnection } from './socket.ts';

const SESSIONS = 8;
const IN_FLIGHT = [1, 8, 16, 32];
const CKM_EDDSA = 0x1057;
const never = new AbortController().signal;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
  },
});

/** One thing that signs, measured by how often it does. */
interface Contender {
  name: string;
  /** One signature; whether it was made. */
  work(): Promise<boolean>;
  /** 99th percentile of the delay of its own event loop since last asked, in milliseconds; undefined for this process. */
  loop?(): Promise<number>;
  close(): Promise<void>;
}

/** Asks over a socket, with as many connections as the most that are in flight. */
function asking(socket: string, key: HmacKey, account: string): Pick<Contender, 'work' | 'close'> {
  const all = Array.from({ length: Math.max(...IN_FLIGHT) }, () => openConnection(socket, key, PASSPHRASE));
  const free = [...all];
  const envelope = envelopeSource(buildTransaction({ account }), BigInt(Date.now()));
  return {
    async work() {
      const connection = free.pop()!;
      const isSigned = await connection.sign(envelope());
      free.push(connection);
      return isSigned;
    },
    close: async () => {
      for (const { close } of all) close();
    },
  };
}

/** The signer as a process. */
function signer(name: string, account: string, running: RunningSigner): Contender {
  const { work, close } = asking(running.socket, readKey(running.socket), account);
  return {
    name,
    work,
    loop: async () => (await running.metric('nodejs_eventloop_lag_p99_seconds')) * 1000,
    async close() {
      await close();
      await running.stop();
    },
  };
}

/** The same HTTP server with nothing behind it, as a process. */
async function http(account: string, dir: string): Promise<Contender> {
  const socket = join(dir, 'express.sock');
  const child = spawn(process.execPath, [join(import.meta.dirname, 'express.ts'), socket]);
  await once(child.stdout, 'data');
  const key = { id: 'nobody', secret: new Secret(randomBytes(32)) };
  const { work, close } = asking(socket, key, account);
  return {
    name: 'Express',
    work,
    async close() {
      await close();
      child.kill();
    },
  };
}

/** The verified pool of sessions in this process. */
async function pool(token: Token, publicKey: Buffer): Promise<Contender> {
  const keystore = await createPkcs11Opener({
    module: token.module,
    token: { label: token.tokenLabel },
    key: { label: token.keyLabel },
    pinFile: token.pinFile,
    publicKey,
    sessions: SESSIONS,
  })(never);
  return {
    name: 'pool',
    work: () => keystore.sign(randomBytes(32), never).then((signature) => signature.length === 64),
    close: keystore.close,
  };
}

/** C_SignInit and C_Sign on sessions of their own, nothing verified. The pool has initialized the module. */
function raw(token: Token): Contender {
  const lib = loadModule(token.module);
  const slot = findSlot(lib, { label: token.tokenLabel });
  const sessions = Array.from({ length: SESSIONS }, () =>
    lib.C_OpenSession(slot.handle, graphene.SessionFlag.SERIAL_SESSION),
  );
  const anchor = slot.open(graphene.SessionFlag.SERIAL_SESSION);
  login(anchor, new Secret(Buffer.from('')));
  const key = anchor.find({ class: graphene.ObjectClass.PRIVATE_KEY, label: token.keyLabel }).items(0).handle;
  const free = [...sessions];
  const waiting: ((session: Buffer) => void)[] = [];
  const take = (): Promise<Buffer> | Buffer =>
    free.pop() ?? new Promise<Buffer>((resolve) => waiting.push(resolve));
  return {
    name: 'C_Sign',
    async work() {
      const session = await take();
      const [input, output] = [Buffer.alloc(32, 7), Buffer.alloc(64)];
      lib.C_SignInit(session, { mechanism: CKM_EDDSA }, key);
      const signature = await lib.C_SignAsync(session, input, output);
      const next = waiting.shift();
      if (next === undefined) free.push(session);
      else next(session);
      return signature.length === 64 && input.length === 32;
    },
    close: async () => undefined,
  };
}

/** OpenBao's own endpoint, one signature a request. */
function rawVault(bao: OpenBao, { mount, key }: TransitKey): Contender {
  const connections = new Pool(bao.http, { connections: Math.max(...IN_FLIGHT), pipelining: 1 });
  const body = JSON.stringify({ input: randomBytes(32).toString('base64'), key_version: 1 });
  return {
    name: 'bao',
    async work() {
      const answer = await connections.request({
        method: 'POST',
        path: `/v1/${mount}/sign/${key}`,
        headers: { 'x-vault-token': bao.rootToken, 'content-type': 'application/json' },
        body,
      });
      await answer.body.text();
      return answer.statusCode === 200;
    },
    close: () => connections.close(),
  };
}

const vaultBackend = (
  bao: OpenBao,
  { mount, key, publicKey }: TransitKey,
  role: { roleId: string; secretIdFile: string; mount: string },
): Backend => ({
  account: StrKey.encodeEd25519PublicKey(publicKey),
  env: {
    STELLAR_VAULT_ADDRESS: bao.http,
    STELLAR_VAULT_MOUNT: mount,
    STELLAR_VAULT_KEY: key,
    STELLAR_VAULT_AUTH_APPROLE_ROLE_ID: role.roleId,
    STELLAR_VAULT_AUTH_APPROLE_SECRET_ID_FILE: role.secretIdFile,
    STELLAR_VAULT_AUTH_APPROLE_MOUNT: role.mount,
  },
});

interface Row extends Measured {
  contender: string;
  inFlight: number;
}

async function measure(contenders: Contender[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (let round = 0; round < Number(values.rounds); round++)
    for (const inFlight of IN_FLIGHT)
      for (const { name, work, loop } of contenders) {
        await loop?.();
        const measured = await closedLoop(work, inFlight, Number(values.seconds) * 1000);
        rows.push({
          ...measured,
          contender: name,
          inFlight,
          loopP99: loop === undefined ? measured.loopP99 : await loop(),
        });
      }
  return rows;
}

/** Prints the table and returns the median of a contender at that many in flight. */
function table(rows: Row[], contenders: Contender[]): (name: string, inFlight: number) => number {
  const of = (name: string, inFlight: number): Row[] =>
    rows.filter((row) => row.contender === name && row.inFlight === inFlight);
  console.log(
    '| contender | in flight | signatures/s (min, median, max) | p50 ms | p99 ms | loop p99 ms | failed |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  for (const inFlight of IN_FLIGHT)
    for (const { name } of contenders) {
      const found = of(name, inFlight);
      const rates = found.map(({ perSecond }) => perSecond).sort((a, b) => a - b);
      const failed = found.reduce((sum, row) => sum + row.failed, 0);
      const figure = (pick: (row: Row) => number): string => median(found.map(pick)).toFixed(1);
      console.log(
        `| ${name} | ${inFlight} | ${rates[0]!.toFixed(0)} / ${median(rates).toFixed(0)} / ${rates.at(-1)!.toFixed(0)} | ` +
          `${figure(({ p50 }) => p50)} | ${figure(({ p99 }) => p99)} | ${figure(({ loopP99 }) => loopP99)} | ${failed} |`,
      );
    }
  return (name, inFlight) => median(of(name, inFlight).map(({ perSecond }) => perSecond));
}

const policy = (account: string): Record<string, string> => ({
  'bench.yaml': policyYaml(account, {
    signaturesPerSecond: 1000,
    fees: { window: { amount: '999999999999999', seconds: 86_400 } },
  }),
});

const dir = mkdtempSync(join(tmpdir(), 'bench-'));
process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
const folder = (name: string): string => {
  mkdirSync(join(dir, name));
  return join(dir, name);
};
console.log(
  `${cpus().length} cores, ${cpus()[0]?.model}, node ${process.version}; ${values.rounds} rounds of ${values.seconds} s`,
);

const token = createToken(folder('token'));
process.env.SOFTHSM2_CONF = token.env.SOFTHSM2_CONF;
const verified = await pool(token, Buffer.from(StrKey.decodeEd25519PublicKey(token.account)));
const hsm = await startSigner({
  dir: folder('pkcs11'),
  token,
  env: { STELLAR_PKCS11_SESSIONS: String(SESSIONS), UV_THREADPOOL_SIZE: String(SESSIONS) },
  policies: policy(token.account),
});
const pkcs11 = [signer('signer', token.account, hsm), await http(token.account, dir), verified, raw(token)];
console.log('\nPKCS#11 (SoftHSM)');
const byToken = table(await measure(pkcs11), pkcs11);
for (const { close } of pkcs11) await close();

const bao = await startOpenBao();
const key = await createTransitKey(bao);
const account = StrKey.encodeEd25519PublicKey(key.publicKey);
const role = await appRoleAuth(bao, key);
const vault = await startSigner({
  dir: folder('vault'),
  token: vaultBackend(bao, key, role.appRole),
  policies: policy(account),
});
const transit = [signer('signer', account, vault), rawVault(bao, key)];
console.log('\nVault transit (OpenBao)');
const byVault = table(await measure(transit), transit);
for (const { close } of transit) await close();
await bao.stop();

const ratio = (ours: number, theirs: number): string => (ours / theirs).toFixed(2);
writeFileSync(
  1,
  `\nratio pkcs11 ${ratio(byToken('signer', 16), byToken('pool', 16))} vault ${ratio(byVault('signer', 16), byVault('bao', 16))} at 16\n`,
);
process.exit(0);
