import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parameterBytes, sessionCount, VENDORS } from '../../../../sidecar/keystore/pkcs11/vendors.ts';

describe('PKCS#11 vendors', () => {
  it('opens no more sessions than libuv has threads, than asked for, than the vendor can', () => {
    assert.equal(sessionCount(undefined, 1024, undefined), 2);
    assert.equal(sessionCount(undefined, 1024, '2'), 1);
    assert.equal(sessionCount(4, 1024, undefined), 4);
    assert.equal(sessionCount(undefined, 1024, '16'), 8);
    assert.equal(sessionCount(12, 1024, '16'), 12);
    assert.equal(sessionCount(12, 1024, '8'), 8);
    assert.equal(sessionCount(2, 1024, '8'), 2);
    assert.equal(sessionCount(32, 16, '64'), 16);
    for (const nonsense of ['', 'x', '0', '-3']) assert.equal(sessionCount(undefined, 1024, nonsense), 1);
  });

  it('means pure Ed25519 with each parameter: none, empty, or not prehashed and without context', () => {
    assert.equal(parameterBytes('None'), undefined);
    assert.equal(parameterBytes('Empty')!.length, 0);
    assert.deepEqual(parameterBytes('EddsaParams'), Buffer.alloc(24));
  });

  it('has a row for each in the documentation, and none beside', () => {
    const page = readFileSync(new URL('../../../../docs/signer/pkcs11.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `([a-z0-9]+)` \|/gm)].map(([, name]) => name);
    assert.deepEqual(rows, Object.keys(VENDORS));
  });
});
