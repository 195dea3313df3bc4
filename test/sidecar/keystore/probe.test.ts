import assert from 'node:assert/strict';
import { createProbe, probeMessage } from '../../../sidecar/keystore/probe.ts';

describe('readiness probe of the key @security', () => {
  it('signs what can be no transaction hash: another length, and never the same', () => {
    const messages = Array.from({ length: 5 }, () => probeMessage());
    for (const message of messages) {
      assert.equal(message.length, 56);
      assert.ok(message.subarray(0, 24).equals(Buffer.from('stellar-signer probe v1\0')));
    }
    assert.equal(new Set(messages.map((message) => message.toString('hex'))).size, 5);
  });

  it('makes one signature a second, however many ask, and remembers a failure as long', async () => {
    let now = 0;
    let count = 0;
    let fails = false;
    const probe = createProbe(
      {
        sign: async () => {
          count++;
          if (fails) throw new Error('token gone');
          return Buffer.alloc(64);
        },
      },
      { maxAgeMs: 1_000, deadlineMs: 1_000, now: () => now },
    );
    await Promise.all([probe(), probe(), probe()]);
    now = 999;
    await probe();
    assert.equal(count, 1);
    now = 1_000;
    fails = true;
    await assert.rejects(probe(), /token gone/);
    fails = false;
    now = 1_999;
    await assert.rejects(probe(), /token gone/);
    assert.equal(count, 2);
    now = 2_000;
    await probe();
    assert.equal(count, 3);
  });
});
