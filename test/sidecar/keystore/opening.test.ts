import assert from 'node:assert/strict';
import { type Keystore, keystoreFault } from '../../../sidecar/keystore/keystore.ts';
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
    onChange: (fault?: string) => void faults.push(fault),
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
    assert.deepEqual(faults, ['no PIN', undefined]);
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

  it('keeps one that was only busy', async () => {
    const kept = keepOpen(
      async () => keystore(() => Promise.reject(keystoreFault('keystore-busy', 'busy'))),
      options(),
    );
    await until(() => kept.fault() === undefined);
    await assert.rejects(kept.sign(message, never), { code: 'keystore-busy' });
    assert.equal(kept.fault(), undefined);
    end.abort();
    await kept.done;
  });

  for (const code of ['key-unsafe', 'key-ambiguous', 'wrong-account'] as const)
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
