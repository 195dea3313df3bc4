import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { inspect } from 'node:util';
import { createVerifier } from '../../../../sidecar/keystore/ed25519.ts';
import type { Keystore } from '../../../../sidecar/keystore/keystore.ts';
import { signaturesOf } from '../../../../sidecar/keystore/vault/sign.ts';
import { createTransitKey, type OpenBao, sharedOpenBao, type TransitKey } from '../../openbao.ts';
import {
  appRoleAuth,
  type FaultyProxy,
  message,
  never,
  revokeTokens,
  startProxy,
  vaultTests,
} from './vault.ts';

describe('a Vault that misbehaves', () => {
  const vault = vaultTests();
  let bao: OpenBao;
  let key: TransitKey;
  let proxy: FaultyProxy;
  let keystore: Keystore;
  let clock: number;
  /** The deadline of the last exchange. */
  let late: AbortController;
  let auth: Awaited<ReturnType<typeof appRoleAuth>>;
  before(async () => {
    bao = await sharedOpenBao();
    key = await createTransitKey(bao);
    auth = await appRoleAuth(bao, key);
  });
  beforeEach(async () => {
    proxy = await startProxy(bao);
    clock = 1_000_000;
    keystore = await vault.open({ address: proxy.address, auth }, key, {
      deadline(exchange) {
        late = new AbortController();
        return exchange(late.signal);
      },
      now: () => clock,
    });
    proxy.seen.length = 0;
  });
  afterEach(() => proxy.close());

  const sign = (): Promise<Buffer> => keystore.sign(message(), never);

  /** The signature fails with this, after so many requests; no token is in the error; and then it works again. */
  const fails = async (code: string, text: RegExp, requests: number): Promise<void> => {
    await assert.rejects(sign(), (error: Error) => {
      assert.equal((error as { code?: string }).code, code);
      assert.match(error.message, text);
      assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /\bs\.[A-Za-z0-9]{20,}/);
      return true;
    });
    assert.equal(proxy.seen.length, requests, proxy.seen.join());
    proxy.behave = undefined;
    proxy.edit = undefined;
    clock += 60_000;
    assert.equal((await sign()).length, 64);
  };

  const answers = (status: number, body = '', headers: Record<string, string> = {}): void => {
    proxy.behave = (_pass, res) => void res.writeHead(status, headers).end(body);
  };

  for (const [status, code, text] of [
    [500, 'keystore-failed', /failed at a signature .* \(500\)/],
    [502, 'vault-unreachable', /not available \(502\)/],
    [503, 'vault-unreachable', /not available \(503\)/],
    [473, 'vault-unreachable', /standby/],
    [429, 'vault-throttled', /429/],
    [400, 'keystore-failed', /400/],
  ] as const)
    it(`answers ${status}: one request, then said`, async () => {
      answers(status, '{"errors":["internal text of host 10.1.2.3"]}');
      await fails(code, text, 1);
    });

  it('a quota of the real server: throttled, one request, and well again without it', async () => {
    const quota = `sys/quotas/rate-limit/${key.mount}`;
    await bao.ok('POST', quota, { path: `${key.mount}/`, rate: 1, interval: '60s' });
    assert.equal((await sign()).length, 64);
    proxy.seen.length = 0;
    await assert.rejects(sign(), { code: 'vault-throttled' });
    assert.equal(proxy.seen.length, 1);
    await bao.ok('DELETE', quota);
    assert.equal((await sign()).length, 64);
  });

  it('says Retry-After: it is not asked before that, at most for half a minute', async () => {
    answers(429, '{}', { 'retry-after': '20' });
    await assert.rejects(sign(), { code: 'vault-throttled' });
    proxy.behave = undefined;
    clock += 19_999;
    await assert.rejects(sign(), { code: 'vault-throttled', message: /when to come again/ });
    assert.equal(proxy.seen.length, 1);
    clock += 1;
    assert.equal((await sign()).length, 64);
    answers(429, '{}', { 'retry-after': '86400' });
    await assert.rejects(sign(), { code: 'vault-throttled' });
    proxy.behave = undefined;
    clock += 30_000;
    assert.equal((await sign()).length, 64);
  });

  it('redirects: not followed, and nothing is sent there @security', async () => {
    let asked = 0;
    const other = createServer((_req, res) => void res.end('{}'));
    other.on('connection', () => asked++);
    const location = `http://127.0.0.1:${await vault.listen(other)}/v1/${key.mount}/sign/trading`;
    for (const status of [301, 302, 307, 308]) {
      answers(status, '', { location });
      proxy.seen.length = 0;
      await fails('vault-unreachable', /never followed/, 1);
    }
    assert.equal(asked, 0);
  });

  it('cuts one connection: signed on another', async () => {
    let cut = 0;
    proxy.behave = (pass, res) => {
      if (cut++ === 0) res.destroy();
      else pass();
    };
    assert.equal((await sign()).length, 64);
    assert.equal(proxy.seen.length, 2);
  });

  it('cuts every connection: two attempts, no more', async () => {
    proxy.behave = (_pass, res) => void res.destroy();
    await fails('vault-unreachable', /cut/, 2);
  });

  it('cuts in the middle of an answer: signed on another connection', async () => {
    let cut = 0;
    proxy.behave = (pass, res) => {
      if (cut++ > 0) return pass();
      res.writeHead(200, { 'content-length': '1000' });
      res.write('{"data":', () => res.destroy());
    };
    assert.equal((await sign()).length, 64);
  });

  it('never answers, or never stops answering: two attempts, each until its deadline', async () => {
    const passes = (): void => late.abort(new DOMException('late', 'TimeoutError'));
    proxy.behave = passes;
    await fails('vault-unreachable', /in time/, 2);
    proxy.seen.length = 0;
    proxy.behave = (_pass, res) => {
      res.writeHead(200, { 'content-type': 'application/json' });
      res.write(' ');
      res.write(' ', passes);
    };
    await fails('vault-unreachable', /in time/, 2);
  });

  it('fails what waits behind a batch that failed, with no request of its own', async () => {
    proxy.behave = (_pass, res) => void res.destroy();
    const results = await Promise.allSettled(Array.from({ length: 100 }, sign));
    assert.ok(results.every(({ status }) => status === 'rejected'));
    assert.equal(proxy.seen.length, 2);
  });

  for (const [what, body, text] of [
    ['HTML', '<html>Sign in</html>', /not JSON/],
    ['JSON that is no object', '"signature"', /not JSON/],
    ['JSON without signatures', '{"data":{}}', /one signature for each message/],
    ['nothing', '', /one signature for each message/],
    ['300 kB', `{"data":"${'x'.repeat(300_000)}"}`, /too large/],
  ] as const)
    it(`answers with ${what}: said, and not asked again`, async () => {
      answers(200, body);
      await fails('keystore-failed', text, 1);
    });

  it('answers with a login that is none: no text of it is shown @security', async () => {
    await revokeTokens(bao, auth.appRole.mount);
    proxy.edit = (text, path) => (path.endsWith('/login') ? text.replace('"auth":', '"oauth":') : text);
    await fails('keystore-failed', /answer of Vault to the login is not one/, 2);
  });

  it('answers with a signature of another version @security', async () => {
    proxy.edit = (text) => text.replace('vault:v1:', 'vault:v2:');
    await fails('keystore-failed', /another version than 1/, 1);
  });

  it('signs with another version although it was told which @security', async () => {
    await bao.ok('POST', `${key.mount}/keys/${key.key}/rotate`, {});
    const other = (await bao.ok('POST', `${key.mount}/sign/${key.key}`, {
      batch_input: [{ input: message().toString('base64') }],
    })) as { batch_results: { signature: string }[] };
    const signature = other.batch_results[0]!.signature;
    proxy.edit = (text) => text.replace(/vault:v1:[^"]+/, signature);
    await fails('keystore-failed', /another version than 1/, 1);
    proxy.seen.length = 0;
    proxy.edit = (text) => text.replace(/vault:v1:[^"]+/, signature.replace('vault:v2:', 'vault:v1:'));
    await fails('keystore-failed', /does not verify/, 1);
  });

  it('answers with a signature of another message @security', async () => {
    let earlier = '';
    proxy.edit = (text) => {
      const signature = /vault:v1:[^"]+/.exec(text)![0];
      if (earlier !== '') return text.replace(signature, earlier);
      earlier = signature;
      return text;
    };
    assert.equal((await sign()).length, 64);
    proxy.seen.length = 0;
    await fails('keystore-failed', /does not verify/, 1);
  });

  it('gives one item of a batch an error, or a bad signature: only that one fails @security', async () => {
    const messages = [1, 2, 3].map(() => message());
    const verify = createVerifier(key.publicKey);
    proxy.edit = (text) => {
      const answer = JSON.parse(text) as { data: { batch_results: object[] } };
      if (answer.data.batch_results.length === 2)
        answer.data.batch_results[0] = { key_version: 0, error: 'internal text' };
      return JSON.stringify(answer);
    };
    const [first, second, third] = await Promise.allSettled(
      messages.map((hash) => keystore.sign(hash, never)),
    );
    assert.equal(first!.status, 'fulfilled');
    assert.match(
      String((second as PromiseRejectedResult).reason.message),
      /^Vault refused to sign with the key$/,
    );
    assert.ok(verify(messages[2]!, (third as PromiseFulfilledResult<Buffer>).value));
  });

  it('swaps the signatures of a batch: each is held to its own message @security', () => {
    const verify = createVerifier(key.publicKey);
    const answer = {
      data: { batch_results: [{ signature: `vault:v1:${Buffer.alloc(64).toString('base64')}` }] },
    };
    assert.ok(signaturesOf(answer, 1, [message()], verify)[0] instanceof Error);
    assert.throws(() => signaturesOf(answer, 1, [message(), message()], verify), { code: 'keystore-failed' });
  });

  it('is closed: waits for what it was given, refuses what comes', async () => {
    const under = sign();
    await keystore.close();
    assert.equal((await under).length, 64);
    await assert.rejects(sign(), { code: 'keystore-busy' });
  });
});
