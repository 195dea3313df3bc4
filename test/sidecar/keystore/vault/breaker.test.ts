import assert from 'node:assert/strict';
import { type KeptKeystore, keepOpen } from '../../../../sidecar/keystore/opening.ts';
import { createVaultOpener } from '../../../../sidecar/keystore/vault/open.ts';
import { createTransitKey, type OpenBao, sharedOpenBao, type TransitKey } from '../../openbao.ts';
import { type FaultyProxy, message, never, startProxy, tokenAuth } from './vault.ts';

describe('the key store kept open on Vault', () => {
  let bao: OpenBao;
  let key: TransitKey;
  let proxy: FaultyProxy;
  let end: AbortController;
  let kept: KeptKeystore;
  let heard: () => void;
  before(async () => {
    bao = await sharedOpenBao();
  });
  beforeEach(async () => {
    key = await createTransitKey(bao);
    proxy = await startProxy(bao);
    const { auth } = await tokenAuth(bao, key);
    end = new AbortController();
    const { mount, publicKey } = key;
    const open = createVaultOpener(
      { address: proxy.address, mount, key: key.key, keyVersion: 1, auth },
      { publicKey },
    );
    kept = keepOpen(open, { signal: end.signal, retryMs: 50, onChange: () => heard?.() });
    await usable();
  });
  afterEach(async () => {
    end.abort(new Error('over'));
    await kept.done;
    await proxy.close();
  });

  const usable = async (): Promise<void> => {
    while (kept.fault() !== undefined)
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
  };

  for (const [what, status, body, fault] of [
    ['is sealed', 503, '{"errors":["Vault is sealed"]}', 'Vault is sealed'],
    ['denies', 403, '{"errors":["permission denied"]}', /^Vault denied /],
    ['is not there', 0, '', /^cannot reach Vault: the connection was cut$/],
  ] as const)
    it(`says that Vault ${what}, fails at once meanwhile, and is usable again by itself`, async () => {
      proxy.behave = (pass, res, req) => {
        if (status === 0) res.destroy();
        // A policy that lacks the key does not keep the token from logging in.
        else if (status === 403 && req.url!.includes('/auth/')) pass();
        else res.writeHead(status).end(body);
      };
      await assert.rejects(kept.sign(message(), never));
      assert.match(kept.fault()!, new RegExp(fault));
      proxy.seen.length = 0;
      for (let i = 0; i < 50; i++)
        await assert.rejects(kept.sign(message(), never), { code: 'keystore-failed' });
      assert.equal(proxy.count('/sign/'), 0);
      proxy.behave = undefined;
      await usable();
      assert.equal((await kept.sign(message(), never)).length, 64);
    });

  it('stays open while Vault throttles, and says so meanwhile', async () => {
    proxy.behave = (_pass, res) => void res.writeHead(429).end();
    await assert.rejects(kept.sign(message(), never), { code: 'vault-throttled' });
    assert.match(kept.fault()!, /^Vault throttles/);
    proxy.behave = undefined;
    assert.equal((await kept.sign(message(), never)).length, 64);
    assert.equal(kept.fault(), undefined);
  });
});
