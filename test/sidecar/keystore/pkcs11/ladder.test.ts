import assert from 'node:assert/strict';
import pkcs11js from 'pkcs11js';
import { codeOf, nextRung } from '../../../../sidecar/keystore/pkcs11/ladder.ts';

/** All rungs of one request that fails with `code` again and again. */
function climb(code: number | undefined): string[] {
  const rungs: string[] = [];
  for (let steps = 0; rungs.length < 10; ) {
    const next = nextRung(code, steps);
    steps = next.steps;
    rungs.push(next.rung);
    if (next.rung === 'give-up' || next.rung === 'refuse') break;
  }
  return rungs;
}

describe('PKCS#11 recovery ladder', () => {
  const whole = ['other-session', 'fresh-session', 'reconnect', 'reconnect', 'give-up'];

  it('begins with another session when a session or the device failed, or the code is unknown', () => {
    const codes = [
      'SESSION_HANDLE_INVALID',
      'SESSION_CLOSED',
      'OPERATION_ACTIVE',
      'DEVICE_ERROR',
      'GENERAL_ERROR',
    ];
    for (const name of codes) assert.deepEqual(climb(pkcs11js[`CKR_${name}` as 'CKR_OK']), whole, name);
    assert.deepEqual(climb(0x80000bad), whole);
    assert.deepEqual(climb(undefined), whole);
  });

  it('connects anew at once when login, handle, token or library is gone', () => {
    const codes = ['USER_NOT_LOGGED_IN', 'OBJECT_HANDLE_INVALID', 'KEY_HANDLE_INVALID', 'DEVICE_REMOVED'];
    for (const name of [...codes, 'TOKEN_NOT_PRESENT', 'CRYPTOKI_NOT_INITIALIZED', 'SLOT_ID_INVALID'])
      assert.deepEqual(climb(pkcs11js[`CKR_${name}` as 'CKR_OK']), whole.slice(2), name);
  });

  it('tries nothing again that was refused, a PIN least of all @security', () => {
    const codes = [
      'KEY_FUNCTION_NOT_PERMITTED',
      'MECHANISM_INVALID',
      'KEY_TYPE_INCONSISTENT',
      'DATA_LEN_RANGE',
    ];
    for (const name of [
      ...codes,
      'PIN_INCORRECT',
      'PIN_LOCKED',
      'PIN_EXPIRED',
      'PIN_INVALID',
      'PIN_LEN_RANGE',
    ])
      for (const steps of [0, 1, 2, 3, 4])
        assert.equal(nextRung(pkcs11js[`CKR_${name}` as 'CKR_OK'], steps).rung, 'refuse', name);
  });

  it('never goes down again, whatever comes in between', () => {
    const { steps } = nextRung(pkcs11js.CKR_DEVICE_REMOVED, 0);
    assert.equal(nextRung(pkcs11js.CKR_DEVICE_ERROR, steps).rung, 'reconnect');
    assert.equal(nextRung(pkcs11js.CKR_DEVICE_ERROR, steps + 1).rung, 'give-up');
    assert.equal(nextRung(pkcs11js.CKR_DEVICE_ERROR, 99).rung, 'give-up');
  });

  it('reads the number of an error, since unknown codes all have one name', () => {
    assert.equal(codeOf(new pkcs11js.Pkcs11Error('CKR_VENDOR_DEFINED:2147486637')), 0x80000bad);
    for (const other of [new Error('x'), undefined, null, 'x', { code: 'ENOENT' }])
      assert.equal(codeOf(other), undefined);
  });
});
