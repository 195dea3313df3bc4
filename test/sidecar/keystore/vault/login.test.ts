import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { inspect } from 'node:util';
import { createClient } from '../../../../sidecar/keystore/vault/client.ts';
import { createTransitKey, type OpenBao, sharedOpenBao, type TransitKey } from '../../openbao.ts';
import { startTokenReview, type TokenReviewApi } from './token-review.ts';
import {
  appRoleAuth,
  type FaultyProxy,
  message,
  never,
  revokeTokens,
  secretFile,
  startProxy,
  tokenAuth,
  vaultTests,
} from './vault.ts';

describe('logging in to Vault', () => {
  const vault = vaultTests();
  let bao: OpenBao;
  let key: TransitKey;
  let proxy: FaultyProxy;
  let review: TokenReviewApi;
  before(async () => {
    bao = await sharedOpenBao();
    review = await startTokenReview();
    key = await createTransitKey(bao);
  });
  after(() => review.close());
  beforeEach(async () => {
    proxy = await startProxy(bao);
  });
  afterEach(() => proxy.close());

  /** A sleep that ends when the test says so. */
  const sleeps = (): { sleep(ms: number, signal: AbortSignal): Promise<void>; next(): Promise<Sleep> } => {
    const asked: Sleep[] = [];
    let heard: (() => void) | undefined;
    return {
      sleep: (ms, signal) =>
        new Promise((wake, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
          asked.push({ ms, wake });
          heard?.();
        }),
      async next() {
        if (asked.length === 0)
          await new Promise<void>((resolve) => {
            heard = resolve;
          });
        return asked.shift()!;
      },
    };
  };
  interface Sleep {
    ms: number;
    wake(): void;
  }

  describe('with Kubernetes auth', () => {
    it('signs, and reads the projected token anew at each login', async () => {
      const jwtFile = secretFile(bao, review.jwt());
      const kubernetes = { ...(await review.enable(bao, key)), jwtFile };
      const keystore = await vault.open({ address: proxy.address, auth: { kubernetes } }, key);
      assert.equal((await keystore.sign(message(), never)).length, 64);
      await revokeTokens(bao, kubernetes.mount);
      secretFile(bao, review.jwt('another'), jwtFile.split('/').at(-1));
      await assert.rejects(keystore.sign(message(), never), { code: 'login-refused' });
      secretFile(bao, review.jwt(), jwtFile.split('/').at(-1));
      assert.equal((await keystore.sign(message(), never)).length, 64);
      assert.equal(proxy.count(`auth/${kubernetes.mount}/login`), 3);
    });

    it('says that the token of another service account, audience or issuer is refused @security', async () => {
      const role = await review.enable(bao, key);
      for (const jwt of [review.jwt('another'), review.jwt('signer', 'other'), 'not.a.token']) {
        const auth = { kubernetes: { ...role, jwtFile: secretFile(bao, jwt) } };
        await assert.rejects(vault.open({ address: bao.http, auth }, key), (error: Error) => {
          assert.equal((error as { code?: string }).code, 'login-refused');
          assert.match(error.message, new RegExp(`auth/${role.mount}`));
          assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(jwt));
          return true;
        });
      }
    });

    it('names the file that is absent', async () => {
      const auth = { kubernetes: { ...(await review.enable(bao, key)), jwtFile: '/nowhere/token' } };
      await assert.rejects(vault.open({ address: bao.http, auth }, key), {
        code: 'login-missing',
        message: /\/nowhere\/token/,
      });
    });
  });

  describe('with AppRole', () => {
    it('takes the role id from a file too', async () => {
      const { appRole } = await appRoleAuth(bao, key);
      const { roleId, ...rest } = appRole;
      const auth = { appRole: { ...rest, roleIdFile: secretFile(bao, roleId) } };
      const keystore = await vault.open({ address: bao.http, auth }, key);
      assert.equal((await keystore.sign(message(), never)).length, 64);
    });

    it('says that a wrong secret id is refused, and does not show it @security', async () => {
      const { appRole } = await appRoleAuth(bao, key);
      const auth = { appRole: { ...appRole, secretIdFile: secretFile(bao, 'wrong-secret-id') } };
      await assert.rejects(vault.open({ address: proxy.address, auth }, key), (error: Error) => {
        assert.equal((error as { code?: string }).code, 'login-refused');
        assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes('wrong-secret-id'));
        return true;
      });
      assert.deepEqual(proxy.seen, [`POST /v1/auth/${appRole.mount}/login`]);
    });

    it('logs in once for forty signatures whose token was revoked, and signs all', async () => {
      const { appRole } = await appRoleAuth(bao, key);
      const keystore = await vault.open({ address: proxy.address, auth: { appRole } }, key);
      await revokeTokens(bao, appRole.mount);
      proxy.seen.length = 0;
      const signatures = await Promise.all(Array.from({ length: 40 }, () => keystore.sign(message(), never)));
      assert.equal(signatures.length, 40);
      assert.equal(proxy.count('/login'), 1);
      assert.equal(proxy.count('/sign/'), 4);
    });

    /** A key store with an audit key, whose token was just revoked: both keys can sign at once. */
    const revoked = async () => {
      const { appRole } = await appRoleAuth(bao, key);
      await bao.ok('POST', `${key.mount}/keys/audit`, { type: 'ed25519' });
      const auditKey = { name: 'audit', version: 1 };
      const keystore = await vault.open({ address: proxy.address, auth: { appRole }, auditKey }, key);
      await revokeTokens(bao, appRole.mount);
      proxy.seen.length = 0;
      return keystore;
    };

    it('logs in once for two keys that are denied at the same time', async () => {
      const keystore = await revoked();
      proxy.behave = (pass, res, req) => {
        res.on('finish', () => void denied.push(req.url!));
        if (req.url!.includes('/sign/')) return pass();
        const timer = setInterval(() => {
          if (denied.length < 2) return;
          clearInterval(timer);
          pass();
        }, 20);
      };
      const denied: string[] = [];
      await Promise.all([keystore.sign(message(), never), keystore.audit!.sign(message(), never)]);
      assert.equal(proxy.count('/login'), 1);
    });

    it('does not log in again for what was denied before the last login', async () => {
      const keystore = await revoked();
      const held = new Promise<() => void>((resolve) => {
        let isFirst = true;
        proxy.behave = (pass, _res, req) => {
          if (!isFirst || !req.url!.endsWith('/sign/audit')) return pass();
          isFirst = false;
          resolve(pass);
        };
      });
      const audited = keystore.audit!.sign(message(), never);
      const late = await held;
      await keystore.sign(message(), never);
      late();
      await audited;
      assert.equal(proxy.count('/login'), 1);
    });

    it('signs again after its token has expired', async () => {
      const { appRole } = await appRoleAuth(bao, key, { token_ttl: '1s' });
      const { sleep } = sleeps();
      const keystore = await vault.open({ address: proxy.address, auth: { appRole } }, key, { sleep });
      await bao.ok('POST', `auth/${appRole.mount}/role/signer`, { token_ttl: '1h' });
      proxy.seen.length = 0;
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      assert.equal((await keystore.sign(message(), never)).length, 64);
      assert.equal(proxy.count('/login'), 1);
    });

    it('logs in exactly once when the policy denies, tries once more, and says so @security', async () => {
      const key = await createTransitKey(bao);
      const { appRole } = await appRoleAuth(bao, key);
      const keystore = await vault.open({ address: proxy.address, auth: { appRole } }, key);
      await bao.ok('PUT', `sys/policies/acl/${key.policy}`, {
        policy: 'path "auth/token/lookup-self" { capabilities = ["read"] }',
      });
      proxy.seen.length = 0;
      await assert.rejects(keystore.sign(message(), never), { code: 'vault-denied', message: /policy/ });
      assert.deepEqual(proxy.seen, [
        `POST /v1/${key.mount}/sign/trading`,
        `POST /v1/auth/${appRole.mount}/login`,
        `POST /v1/${key.mount}/sign/trading`,
      ]);
    });
  });

  describe('with a token file', () => {
    it('reads the file anew when the token was revoked', async () => {
      const first = await tokenAuth(bao, key);
      const keystore = await vault.open({ address: bao.http, auth: first.auth }, key);
      await bao.ok('POST', 'auth/token/revoke', { token: first.token });
      await assert.rejects(keystore.sign(message(), never), (error: Error) => {
        assert.equal((error as { code?: string }).code, 'login-refused');
        assert.match(error.message, new RegExp(first.file));
        assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(first.token));
        return true;
      });
      const second = await tokenAuth(bao, key);
      secretFile(bao, second.token, first.file.split('/').at(-1));
      assert.equal((await keystore.sign(message(), never)).length, 64);
    });

    it('names a file that is absent or empty', async () => {
      const { auth, file } = await tokenAuth(bao, key);
      secretFile(bao, '', file.split('/').at(-1));
      await assert.rejects(vault.open({ address: bao.http, auth }, key), {
        code: 'login-missing',
        message: /is empty/,
      });
      rmSync(file);
      await assert.rejects(vault.open({ address: bao.http, auth }, key), { code: 'login-missing' });
    });

    it('renews a token that can be, and reads the file at half the life of one that cannot', async () => {
      for (const renewable of [true, false]) {
        const { sleep, next } = sleeps();
        const { auth } = await tokenAuth(bao, key, { renewable });
        await vault.open({ address: proxy.address, auth }, key, { sleep });
        proxy.seen.length = 0;
        const waits = await next();
        assert.ok(waits.ms > 1_700_000 && waits.ms <= 1_800_000, `${waits.ms}`);
        waits.wake();
        await next();
        assert.deepEqual(proxy.seen, [
          renewable ? 'POST /v1/auth/token/renew-self' : 'GET /v1/auth/token/lookup-self',
        ]);
      }
    });
  });

  describe('renewing', () => {
    const HALF_MS = 1_800_000;

    /** Opens through the proxy with AppRole; the life of the token is an hour. */
    const opened = async () => {
      const { appRole } = await appRoleAuth(bao, key);
      const { sleep, next } = sleeps();
      const keystore = await vault.open({ address: proxy.address, auth: { appRole } }, key, { sleep });
      proxy.seen.length = 0;
      return { appRole, next, keystore };
    };

    it('renews at half the life, again and again, without a login', async () => {
      const { next } = await opened();
      for (let i = 0; i < 3; i++) {
        const { ms, wake } = await next();
        assert.equal(ms, HALF_MS);
        wake();
      }
      await next();
      assert.deepEqual(proxy.seen, Array(3).fill('POST /v1/auth/token/renew-self'));
    });

    it('renews a token of years at least once a day: a timer takes no more than 24 days @security', async () => {
      const { appRole } = await appRoleAuth(bao, key);
      const { sleep, next } = sleeps();
      proxy.edit = (text) => text.replace('"lease_duration":3600', '"lease_duration":315360000');
      await vault.open({ address: proxy.address, auth: { appRole } }, key, { sleep });
      for (let i = 0; i < 2; i++) {
        const { ms, wake } = await next();
        assert.equal(ms, 86_400_000);
        wake();
      }
    });

    it('logs in afresh when it gets less than half of the first life', async () => {
      const { next, appRole, keystore } = await opened();
      proxy.edit = (text, path) =>
        path.endsWith('renew-self') ? text.replace('"lease_duration":3600', '"lease_duration":1799') : text;
      (await next()).wake();
      assert.equal((await next()).ms, HALF_MS);
      assert.deepEqual(proxy.seen, [
        'POST /v1/auth/token/renew-self',
        `POST /v1/auth/${appRole.mount}/login`,
      ]);
      assert.equal((await keystore.sign(message(), never)).length, 64);
      assert.equal(proxy.count('/login'), 1);
    });

    it('logs in afresh when the token is gone, before a signature meets it', async () => {
      const { next, appRole, keystore } = await opened();
      await revokeTokens(bao, appRole.mount);
      (await next()).wake();
      assert.equal((await next()).ms, HALF_MS);
      assert.equal((await keystore.sign(message(), never)).length, 64);
      assert.equal(proxy.count('/login'), 1);
      assert.equal(proxy.count('/sign/'), 1);
    });

    it('tries again after a while when Vault fails, one request each time', async () => {
      const { next } = await opened();
      proxy.behave = (_pass, res) => void res.writeHead(500).end();
      (await next()).wake();
      for (let i = 1; i <= 3; i++) {
        const { ms, wake } = await next();
        assert.equal(ms, 5_000);
        assert.equal(proxy.seen.length, i);
        if (i === 3) proxy.behave = undefined;
        wake();
      }
      assert.equal((await next()).ms, HALF_MS);
    });
  });

  for (const token of ['', 'two\nlines', 'sp ace', 'ü'])
    it(`says that ${JSON.stringify(token)} is no token @security`, () => {
      const client = createClient({ address: bao.http }, { request: () => assert.fail('nothing is sent') });
      assert.throws(
        () => {
          client.token = token;
        },
        { code: 'login-refused', message: /printable characters on one line/ },
      );
    });

  it('says that a login without a token is none @security', async () => {
    const { appRole } = await appRoleAuth(bao, key);
    for (const value of ['12345', '{"a":1}', '"a\\r\\nX-Vault-Token: b"']) {
      proxy.edit = (text) => text.replace(/"client_token":"[^"]*"/, `"client_token":${value}`);
      await assert.rejects(vault.open({ address: proxy.address, auth: { appRole } }, key), (error: Error) => {
        assert.equal((error as { code?: string }).code, 'login-refused');
        assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /12345|X-Vault-Token: b/);
        return true;
      });
    }
  });

  it('keeps the token where neither JSON nor util.inspect shows it @security', async () => {
    const client = createClient(
      { address: 'https://vault.example', namespace: undefined },
      {
        request: () => Promise.reject(new Error('not asked')),
      },
    );
    client.token = 'the-token-itself';
    assert.equal(client.token, 'the-token-itself');
    for (const shown of [
      inspect(client, { depth: 9, showHidden: true, getters: false }),
      JSON.stringify(client),
      inspect({ ...client }, { depth: 9 }),
    ])
      assert.ok(!shown.includes('the-token-itself'));
  });
});
