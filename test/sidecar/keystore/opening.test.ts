import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { sleep } from '../../../common/shutdown.ts';
import { type Keystore, type KeystoreFault, keystoreFault } from '../../../sidecar/keystore/keystore.ts';
import { keepOpen } from '../../../sidecar/keystore/opening.ts';

const never = new AbortController().signal;
const message = Buffer.alloc(32);

describe('keeping the key store open', () => {
  let end: AbortController;
  let faults: (string | undefined)[];
  let closed: number;
  beforeEach(() => {
    end = new AbortController();
    faults = [];
    closed = 0;
  });

  afterEach(() => end.abort());

  const keystore = (sign: Keystore['sign']): Keystore => ({
    publicKey: Buffer.alloc(32),
    audit: undefined,
    sign,
    close: async () => void closed++,
  });
  const options = () => ({
    signal: end.signal,
    retryMs: 1,
    onChange: (fault?: { code: string; message: string }) =>
      void faults.push(fault && `${fault.code}: ${fault.message}`),
  });
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
  };

  it('tries again until it opens, and says once why it cannot', async () => {
    let attempts = 0;
    const kept = keepOpen(async () => {
      if (++attempts < 4) throw keystoreFault('pin-missing', 'no PIN');
      return keystore(async () => Buffer.alloc(64, 7));
    }, options());
    await assert.rejects(kept.sign(message, never), { code: 'keystore-failed' });
    await until(() => kept.fault() === undefined);
    assert.deepEqual(faults, ['pin-missing: no PIN', undefined]);
    assert.deepEqual(await kept.sign(message, never), Buffer.alloc(64, 7));
    end.abort();
    await kept.done;
    assert.equal(closed, 1);
    await assert.rejects(kept.sign(message, never), { code: 'keystore-failed' });
  });

  it('closes one that failed and opens another', async () => {
    let opened = 0;
    const kept = keepOpen(async () => {
      const number = ++opened;
      return keystore(async () => {
        if (number === 1) throw keystoreFault('keystore-failed', 'CKR_DEVICE_ERROR');
        return Buffer.alloc(64, number);
      });
    }, options());
    await until(() => kept.fault() === undefined);
    await assert.rejects(kept.sign(message, never), /CKR_DEVICE_ERROR/);
    assert.match(kept.fault()!, /CKR_DEVICE_ERROR/);
    await until(() => kept.fault() === undefined);
    assert.deepEqual([opened, closed], [2, 1]);
    assert.deepEqual(await kept.sign(message, never), Buffer.alloc(64, 2));
    end.abort();
    await kept.done;
  });

  it('keeps one that is busy', async () => {
    const busy = () => Promise.reject(keystoreFault('keystore-busy', 'no'));
    const kept = keepOpen(async () => keystore(busy), options());
    await until(() => kept.fault() === undefined);
    await assert.rejects(kept.sign(message, never), { code: 'keystore-busy' });
    assert.equal(kept.fault(), undefined);
    end.abort();
    await kept.done;
    assert.equal(closed, 1);
  });

  for (const code of ['keystore-refused', 'vault-throttled'] as const)
    it(`keeps one over ${code}, and says so until it signs again`, async () => {
      let refuses = true;
      const kept = keepOpen(
        async () =>
          keystore(async () => {
            if (refuses) throw keystoreFault(code, 'no');
            return message;
          }),
        options(),
      );
      await until(() => kept.fault() === undefined);
      await assert.rejects(kept.sign(message, never), { code });
      await assert.rejects(kept.sign(message, never), { code });
      assert.equal(kept.fault(), 'no');
      refuses = false;
      await kept.sign(message, never);
      assert.deepEqual([faults, closed], [[undefined, `${code}: no`, undefined], 0]);
    });

  it('ends when a call turns out to hang while the key store is being closed @security', async () => {
    const failed = Promise.withResolvers<KeystoreFault>();
    const kept = keepOpen(
      async () => ({
        ...keystore(() => Promise.reject(keystoreFault('keystore-failed', 'CKR_DEVICE_ERROR'))),
        failed: failed.promise,
        close: () => new Promise<void>(() => undefined),
      }),
      options(),
    );
    await until(() => kept.fault() === undefined);
    await assert.rejects(kept.sign(message, never), /CKR_DEVICE_ERROR/);
    failed.resolve(keystoreFault('keystore-hung', 'hung'));
    const ended = await Promise.race([kept.done.catch(({ code }) => code), sleep(200, never)]);
    assert.equal(ended, 'keystore-hung');
  });

  it('leaves no listener behind for each time it was open', async () => {
    let opened = 0;
    const kept = keepOpen(
      async () => ({
        ...keystore(async () => message),
        failed: ++opened < 5 ? Promise.resolve(keystoreFault('keystore-failed', 'x')) : new Promise(() => 0),
      }),
      options(),
    );
    await until(() => opened === 5 && kept.fault() === undefined);
    assert.equal(getEventListeners(end.signal, 'abort').length, 1);
  });

  it('hears of a failure that no caller hears of', async () => {
    const failed = Promise.withResolvers<KeystoreFault>();
    let opened = 0;
    const kept = keepOpen(async () => {
      const made = keystore(async () => Buffer.alloc(64, opened));
      return ++opened === 1 ? { ...made, failed: failed.promise } : made;
    }, options());
    await until(() => kept.fault() === undefined);
    failed.resolve(keystoreFault('pin-refused', 'refused'));
    await until(() => opened === 2 && kept.fault() === undefined);
    assert.deepEqual([faults, closed], [[undefined, 'pin-refused: refused', undefined], 1]);
    assert.deepEqual(await kept.sign(message, never), Buffer.alloc(64, 2));
  });

  it('ends with a hung one, without waiting for it to close @security', async () => {
    const kept = keepOpen(
      async () => ({
        ...keystore(() => new Promise(() => undefined)),
        failed: Promise.resolve(keystoreFault('keystore-hung', 'hung')),
        close: () => new Promise<void>(() => undefined),
      }),
      options(),
    );
    await assert.rejects(kept.done, { code: 'keystore-hung' });
    assert.equal(kept.fault(), 'hung');
    await assert.rejects(kept.sign(message, never), { code: 'keystore-failed', message: 'hung' });
  });

  it('waits longer after each failure, up to eight times, and from the start again once it was open', async () => {
    const waits: number[] = [];
    let attempts = 0;
    const kept = keepOpen(
      async () => {
        if (++attempts !== 6) throw keystoreFault('token-missing', 'no token');
        return {
          ...keystore(async () => message),
          failed: Promise.resolve(keystoreFault('keystore-failed', 'x')),
        };
      },
      { ...options(), retryMs: 2_000 },
      async (ms) => {
        if (waits.push(ms) === 8) end.abort();
      },
    );
    await kept.done;
    assert.deepEqual(
      waits,
      [2, 4, 8, 16, 16, 2, 4, 8].map((seconds) => seconds * 1_000),
    );
  });

  for (const code of ['pin-missing', 'pin-refused', 'pin-memory-unusable', 'login-missing'] as const)
    it(`looks at a file again at the same pace after ${code}`, async () => {
      const waits: number[] = [];
      const kept = keepOpen(
        async () => {
          throw keystoreFault(code, 'file');
        },
        { ...options(), retryMs: 2_000 },
        async (ms) => {
          if (waits.push(ms) === 5) end.abort();
        },
      );
      await kept.done;
      assert.deepEqual(waits, Array(5).fill(2_000));
    });

  it('signs with the audit key, once there is one', async () => {
    const open = Promise.withResolvers<void>();
    const audit = { publicKey: Buffer.alloc(32, 9), sign: async () => Buffer.alloc(64, 9) };
    const kept = keepOpen(async () => {
      await open.promise;
      return { ...keystore(async () => message), audit };
    }, options());
    assert.equal(kept.audit.publicKey(), undefined);
    await assert.rejects(kept.audit.sign(message, never), { code: 'keystore-failed' });
    open.resolve();
    await until(() => kept.fault() === undefined);
    assert.deepEqual(kept.audit.publicKey(), audit.publicKey);
    assert.deepEqual(await kept.audit.sign(message, never), Buffer.alloc(64, 9));
    const without = keepOpen(async () => keystore(async () => message), options());
    await until(() => without.fault() === undefined);
    await assert.rejects(without.audit.sign(message, never), { message: /no audit key is configured/ });
  });

  for (const code of ['key-unsafe', 'key-ambiguous', 'wrong-account', 'keystore-hung'] as const)
    it(`gives up for good on ${code} @security`, async () => {
      let attempts = 0;
      const kept = keepOpen(async () => {
        attempts++;
        throw keystoreFault(code, 'wrong key');
      }, options());
      await assert.rejects(kept.done, { code });
      assert.equal(attempts, 1);
    });
});
