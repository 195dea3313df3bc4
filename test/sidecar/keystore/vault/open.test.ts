import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { withDeadline } from '../../../../common/shutdown.ts';
import { createVerifier } from '../../../../sidecar/keystore/ed25519.ts';
import { createVaultOpener } from '../../../../sidecar/keystore/vault/open.ts';
import type { Deadline } from '../../../../sidecar/keystore/vault/transport.ts';
import { createAuthority, selfSigned } from '../../../certificates.ts';
import {
  createTransitKey,
  type OpenBao,
  sharedOpenBao,
  startOpenBao,
  type TransitKey,
} from '../../openbao.ts';
import { message, never, secretFile, startProxy, tokenAuth, vaultTests } from './vault.ts';

describe('a key in Vault transit', () => {
  const vault = vaultTests();
  let bao: OpenBao;
  let key: TransitKey;
  before(async () => {
    bao = await sharedOpenBao();
  });
  beforeEach(async () => {
    key = await createTransitKey(bao);
  });

  it('signs what verifies under the pinned account, over http on loopback and over TLS 1.3', async () => {
    const { auth } = await tokenAuth(bao, key);
    for (const where of [{ address: bao.http }, { address: bao.https, caFile: bao.caFile }]) {
      const keystore = await vault.open({ ...where, auth }, key);
      const hash = message();
      const signature = await keystore.sign(hash, never);
      assert.ok(createVerifier(key.publicKey)(hash, signature));
      assert.deepEqual(keystore.publicKey, key.publicKey);
      assert.equal(keystore.audit, undefined);
    }
  });

  it('signs many at once in few requests', async () => {
    const { auth } = await tokenAuth(bao, key);
    const proxy = vault.track(await startProxy(bao));
    const keystore = await vault.open({ address: proxy.address, auth }, key);
    proxy.seen.length = 0;
    const messages = Array.from({ length: 100 }, message);
    const signatures = await Promise.all(messages.map((hash) => keystore.sign(hash, never)));
    const verify = createVerifier(key.publicKey);
    signatures.forEach((signature, i) => void assert.ok(verify(messages[i]!, signature)));
    // One, and 99 in batches of at most 32.
    assert.equal(proxy.seen.length, 5);
  });

  it('signs with the audit key of the same mount', async () => {
    await bao.ok('POST', `${key.mount}/keys/audit`, { type: 'ed25519' });
    const { auth } = await tokenAuth(bao, key);
    const auditKey = { name: 'audit', version: 1 };
    const keystore = await vault.open({ address: bao.http, auth, auditKey }, key);
    const hash = message();
    const signature = await keystore.audit!.sign(hash, never);
    assert.ok(createVerifier(keystore.audit!.publicKey)(hash, signature));
    assert.ok(!createVerifier(key.publicKey)(hash, signature));
  });

  it('refuses an audit key that can be exported @security', async () => {
    await bao.ok('POST', `${key.mount}/keys/audit`, { type: 'ed25519', exportable: true });
    const { auth } = await tokenAuth(bao, key);
    const auditKey = { name: 'audit', version: 1 };
    await assert.rejects(vault.open({ address: bao.http, auth, auditKey }, key), {
      code: 'key-unsafe',
      message: /audit/,
    });
  });

  it('refuses an audit key that is the trading key, or another one than before @security', async () => {
    const { auth } = await tokenAuth(bao, key);
    const trading = { name: key.key, version: 1 };
    await assert.rejects(vault.open({ address: bao.http, auth, auditKey: trading }, key), {
      code: 'key-unsafe',
      message: /is the trading key/,
    });
    const path = `${key.mount}/keys/audit`;
    await bao.ok('POST', path, { type: 'ed25519' });
    const open = createVaultOpener(
      {
        address: bao.http,
        auth,
        mount: key.mount,
        key: key.key,
        keyVersion: 1,
        auditKey: { name: 'audit', version: 1 },
      },
      { publicKey: key.publicKey },
    );
    for (let i = 0; i < 2; i++) vault.track(await open(never));
    await bao.ok('POST', `${path}/config`, { deletion_allowed: true });
    await bao.ok('DELETE', path);
    await bao.ok('POST', path, { type: 'ed25519' });
    const again = open(never).then(vault.track);
    await assert.rejects(again, { code: 'key-unsafe', message: /another one than before/ });
  });

  it('signs in a namespace', async () => {
    await bao.ok('POST', 'sys/namespaces/team1');
    const inside: OpenBao = {
      ...bao,
      ok: (method, path, body) => bao.ok(method, `team1/${path}`, body),
    };
    const nested = await createTransitKey(inside);
    const { auth } = await tokenAuth(inside, nested);
    const keystore = await vault.open({ address: bao.http, auth, namespace: 'team1' }, nested);
    assert.equal((await keystore.sign(message(), never)).length, 64);
    await assert.rejects(vault.open({ address: bao.http, auth }, nested));
  });

  describe('is checked when it is opened', () => {
    const refused = async (options: object, code: string, text: RegExp, pinned = key.publicKey) => {
      const { auth } = await tokenAuth(bao, key);
      await assert.rejects(
        vault.open({ address: bao.http, auth, ...options }, { ...key, publicKey: pinned }),
        {
          code,
          message: text,
        },
      );
    };
    const config = (body: object) => bao.ok('POST', `${key.mount}/keys/${key.key}/config`, body);
    const rotate = () => bao.ok('POST', `${key.mount}/keys/${key.key}/rotate`, {});

    it('exportable is refused @security', async () => {
      await config({ exportable: true });
      await refused({}, 'key-unsafe', /exportable is true/);
    });

    it('allow_plaintext_backup is refused @security', async () => {
      await config({ allow_plaintext_backup: true });
      await refused({}, 'key-unsafe', /allow_plaintext_backup is true/);
    });

    it('derived is refused @security', async () => {
      key = await createTransitKey(bao, { derived: true });
      await refused({}, 'key-unsafe', /derived is true/);
    });

    it('another type is refused @security', async () => {
      key = await createTransitKey(bao, { type: 'ecdsa-p256' });
      await refused({}, 'key-unsafe', /type is not ed25519/);
    });

    it('the key of another account is refused @security', () =>
      refused({}, 'wrong-account', /not the key of STELLAR_ACCOUNT/, randomBytes(32)));

    it('a key or a version that is not there is named', async () => {
      await refused({ keyVersion: 2 }, 'key-missing', /no version 2 \(latest: 1\)/);
      await bao.ok('PUT', `sys/policies/acl/${key.policy}`, {
        policy: `path "${key.mount}/*" { capabilities = ["read", "update"] }
path "auth/token/lookup-self" { capabilities = ["read"] }`,
      });
      await refused({ key: 'nothing' }, 'key-missing', /does not know the key nothing/);
    });

    it('a rotated key still signs with the pinned version, and the other version is another account @security', async () => {
      await rotate();
      const { auth } = await tokenAuth(bao, key);
      const keystore = await vault.open({ address: bao.http, auth }, key);
      const hash = message();
      assert.ok(createVerifier(key.publicKey)(hash, await keystore.sign(hash, never)));
      await refused({ keyVersion: 2 }, 'wrong-account', /version 2/);
    });

    it('a key that is rotated while open goes on signing with the pinned version @security', async () => {
      const { auth } = await tokenAuth(bao, key);
      const keystore = await vault.open({ address: bao.http, auth }, key);
      await rotate();
      assert.equal((await keystore.sign(message(), never)).length, 64);
      await config({ min_encryption_version: 2 });
      await assert.rejects(keystore.sign(message(), never), {
        code: 'keystore-failed',
        message: /refused to sign/,
      });
      await refused({}, 'key-missing', /may not sign: min_encryption_version is 2/);
    });

    it('the documented policy allows neither the key’s configuration, nor export, nor another key @security', async () => {
      const { token } = await tokenAuth(bao, key);
      await bao.ok('POST', `${key.mount}/keys/other`, { type: 'ed25519' });
      const path = `${key.mount}/keys/${key.key}`;
      for (const [method, denied] of [
        ['POST', `${path}/config`],
        ['POST', `${path}/rotate`],
        ['GET', `${key.mount}/export/signing-key/${key.key}`],
        ['GET', `${key.mount}/backup/${key.key}`],
        ['POST', `${key.mount}/sign/other`],
        ['DELETE', path],
        ['GET', 'sys/mounts'],
      ] as const)
        assert.equal((await bao.api(method, denied, { exportable: true }, token)).status, 403, denied);
    });
  });

  describe('whose certificate is not trusted @security', () => {
    it('is not asked with the public authorities alone', async () => {
      const { auth } = await tokenAuth(bao, key);
      await assert.rejects(vault.open({ address: bao.https, auth }, key), {
        code: 'vault-unreachable',
        message: /TLS failed/,
      });
    });

    it('is not asked with another authority, and a missing caFile is named', async () => {
      const { auth } = await tokenAuth(bao, key);
      const other = secretFile(bao, (await selfSigned('x')).cert);
      await assert.rejects(vault.open({ address: bao.https, caFile: other, auth }, key), {
        code: 'vault-unreachable',
        message: /TLS failed/,
      });
      await assert.rejects(vault.open({ address: bao.https, caFile: '/nowhere/ca.pem', auth }, key), {
        code: 'vault-unreachable',
        message: /\/nowhere\/ca\.pem/,
      });
    });
  });

  it('is let go when the opening is aborted: nothing more is sent', async () => {
    const { auth } = await tokenAuth(bao, key);
    const proxy = vault.track(await startProxy(bao));
    const end = new AbortController();
    proxy.behave = (pass, _res, req) => {
      if (req.url!.includes('/sign/')) end.abort(new Error('stopping'));
      else pass();
    };
    const open = createVaultOpener(
      { address: proxy.address, auth, mount: key.mount, key: key.key, keyVersion: 1 },
      { publicKey: key.publicKey },
    );
    await assert.rejects(open(end.signal), /stopping/);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(proxy.count('/sign/'), 1);
  });

  it('is not asked over TLS 1.2 @security', async () => {
    let asked = 0;
    const authority = await createAuthority();
    const { cert, key: privateKey } = await authority.issue({ names: ['127.0.0.1'], usage: 'server' });
    const old = createTlsServer({ cert, key: privateKey, maxVersion: 'TLSv1.2' }, (_req, res) => {
      asked++;
      res.end('{}');
    });
    const address = `https://127.0.0.1:${await vault.listen(old)}`;
    const { auth } = await tokenAuth(bao, key);
    const caFile = secretFile(bao, authority.cert);
    await assert.rejects(vault.open({ address, caFile, auth }, key), {
      code: 'vault-unreachable',
      message: /TLS failed \(ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION\)/,
    });
    assert.equal(asked, 0);
  });

  it('takes nothing from the environment: no proxy, token, namespace, skipped check or debug text @security', async () => {
    let asked = 0;
    const proxy = createServer((_req, res) => void res.writeHead(502).end());
    proxy.on('connection', () => asked++);
    const elsewhere = `http://127.0.0.1:${await vault.listen(proxy)}`;
    const { file, token } = await tokenAuth(bao, key);
    const options = { mount: key.mount, key: key.key, keyVersion: 1, auth: { tokenFile: file } };
    const account = key.publicKey.toString('hex');
    const run = (where: object): Promise<{ out: string; all: string }> =>
      new Promise((resolve) => {
        const child = spawn(
          process.execPath,
          [join(import.meta.dirname, 'once.ts'), JSON.stringify({ ...options, ...where }), account],
          {
            env: {
              HTTP_PROXY: elsewhere,
              HTTPS_PROXY: elsewhere,
              ALL_PROXY: elsewhere,
              http_proxy: elsewhere,
              https_proxy: elsewhere,
              NODE_USE_ENV_PROXY: '1',
              NODE_TLS_REJECT_UNAUTHORIZED: '0',
              VAULT_ADDR: elsewhere,
              VAULT_TOKEN: 'wrong',
              VAULT_NAMESPACE: 'nowhere',
              VAULT_PREFIX: '/nowhere',
              VAULT_SKIP_VERIFY: '1',
              DEBUG: 'node-vault,axios',
            },
          },
        );
        let [out, all] = ['', ''];
        child.stdout.on('data', (chunk) => {
          out += chunk;
        });
        for (const stream of [child.stdout, child.stderr])
          stream.on('data', (chunk) => {
            all += chunk;
          });
        child.on('close', () => resolve({ out, all }));
      });
    const results = await Promise.all([
      run({ address: bao.http }),
      run({ address: bao.https, caFile: bao.caFile }),
      run({ address: bao.https }),
    ]);
    assert.deepEqual(
      results.map(({ out }) => out.trim()),
      ['signed', 'signed', 'vault-unreachable'],
    );
    for (const { all } of results) {
      assert.ok(!all.includes(token));
      assert.doesNotMatch(all, /node-vault/);
    }
    assert.equal(asked, 0);
  });

  it('over TLS with a server that accepts and never answers, fails in time', async () => {
    const silent = createTcpServer(() => undefined);
    const { auth } = await tokenAuth(bao, key);
    const address = `https://127.0.0.1:${await vault.listen(silent)}`;
    const deadline: Deadline = (exchange) => withDeadline(50, exchange);
    await assert.rejects(vault.open({ address, auth }, key, { deadline }), {
      code: 'vault-unreachable',
      message: /in time/,
    });
  });
});

describe('a Vault that is sealed and started again', () => {
  const vault = vaultTests();
  let bao: OpenBao;
  before(async () => {
    bao = await startOpenBao();
  });
  after(() => bao.stop());

  it('is named while it cannot sign, and signs again without being opened anew', async () => {
    const key = await createTransitKey(bao);
    const { auth } = await tokenAuth(bao, key);
    const keystore = await vault.open({ address: bao.http, auth }, key);
    await bao.ok('PUT', 'sys/seal');
    await assert.rejects(keystore.sign(message(), never), {
      code: 'vault-sealed',
      message: 'Vault is sealed',
    });
    await bao.unseal();
    assert.equal((await keystore.sign(message(), never)).length, 64);
    await bao.stop();
    await assert.rejects(keystore.sign(message(), never), {
      code: 'vault-unreachable',
      message: /refused|cut/,
    });
    await bao.start();
    await assert.rejects(keystore.sign(message(), never), { code: 'vault-sealed' });
    await assert.rejects(vault.open({ address: bao.http, auth }, key), { code: 'vault-sealed' });
    await bao.unseal();
    assert.equal((await keystore.sign(message(), never)).length, 64);
  });
});
