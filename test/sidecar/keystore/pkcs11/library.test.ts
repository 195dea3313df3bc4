import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedToken } from '../../shared-token.ts';
import type { Token } from '../../token.ts';
import { openersOf, signal } from './opener.ts';

/** A real SoftHSM token, whose library is made to misbehave. */
describe('PKCS#11 key store on a library that misbehaves @security', function () {
  this.timeout(60_000);
  let dir: string;
  let token: Token;
  const { opener, open, library } = openersOf(() => token);

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'token-'));
    token = sharedToken();
    process.env.SOFTHSM2_CONF = token.env.SOFTHSM2_CONF;
  });
  after(() => {
    delete process.env.SOFTHSM2_CONF;
    rmSync(dir, { recursive: true });
  });

  it('comes back after a C_Finalize that failed, and says why it failed before that', async () => {
    let isBroken = false;
    const pinFile = join(dir, 'later-right-pin');
    writeFileSync(pinFile, 'not the PIN\n', { mode: 0o600 });
    const reopen = opener({ pinFile }, (native) => {
      const finalize = native.C_Finalize.bind(native);
      native.C_Finalize = () => {
        if (isBroken) throw Object.assign(new Error('CKR_DEVICE_ERROR'), { code: 0x30 });
        finalize();
      };
    });
    isBroken = true;
    await assert.rejects(reopen(signal()), { code: 'pin-refused' });
    isBroken = false;
    writeFileSync(pinFile, readFileSync(token.pinFile), { mode: 0o600 });
    const keystore = await reopen(signal());
    assert.equal((await keystore.sign(Buffer.alloc(32), signal())).length, 64);
    isBroken = true;
    await keystore.close();
    isBroken = false;
    await (await reopen(signal())).close();
  });

  it('finds its token beside a slot that is broken, and says what broke when there is no other', async () => {
    const beside = (only: boolean) =>
      opener({}, (native) => {
        const original = native.C_GetSlotList.bind(native);
        native.C_GetSlotList = (present) => [Buffer.alloc(8, 0xee), ...(only ? [] : original(present))];
      })(signal());
    await (await beside(false)).close();
    await assert.rejects(beside(true), { code: 'keystore-failed', message: /CKR_SLOT_ID_INVALID/ });
  });

  it('does not finalize the library under a call, when opening is aborted meanwhile', async () => {
    const events: string[] = [];
    const [called, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const abort = new AbortController();
    const opening = opener({}, (native) => {
      const [sign, finalize] = [native.C_SignAsync.bind(native), native.C_Finalize.bind(native)];
      native.C_SignAsync = async (...args) => {
        called.resolve();
        await held.promise;
        const signature = await sign(...args);
        events.push('signed');
        return signature;
      };
      native.C_Finalize = () => {
        events.push('finalized');
        finalize();
      };
    })(abort.signal);
    await called.promise;
    abort.abort(new Error('stopping'));
    await new Promise(setImmediate);
    held.resolve();
    await assert.rejects(opening, /stopping/);
    assert.deepEqual(events, ['signed', 'finalized']);
  });

  it('closes a session after an error and signs in another', async () => {
    const keystore = await open();
    const sessions: string[] = [];
    const closed: string[] = [];
    const lib = library();
    const { C_SignAsync: sign, C_CloseSession: close } = lib;
    let faults = 1;
    lib.C_SignAsync = async (session, ...buffers) => {
      sessions.push(session.toString('hex'));
      if (faults-- > 0) throw Object.assign(new Error('CKR_DEVICE_ERROR'), { code: 0x30 });
      return sign.call(lib, session, ...buffers);
    };
    lib.C_CloseSession = (session) => {
      closed.push(session.toString('hex'));
      close.call(lib, session);
    };
    await keystore.sign(Buffer.alloc(32), signal());
    assert.equal(sessions.length, 2);
    assert.notEqual(sessions[0], sessions[1]);
    assert.deepEqual(closed, [sessions[0]]);
    await keystore.close();
  });

  it('gives no signature away that does not verify', async () => {
    const keystore = await open({ recoveryMs: 50 });
    const lib = library();
    const { C_SignAsync: sign } = lib;
    lib.C_SignAsync = (session, _input, output) => sign.call(lib, session, Buffer.alloc(32, 99), output);
    await assert.rejects(keystore.sign(Buffer.alloc(32), signal()), {
      code: 'keystore-failed',
      message: /does not verify/,
    });
    await keystore.close();
  });

  it('hands the native worker buffers of its own, outside the pool', async () => {
    const keystore = await open();
    const seen: Buffer[] = [];
    const lib = library();
    const { C_SignAsync: sign } = lib;
    lib.C_SignAsync = (session, input, output) => {
      seen.push(input, output);
      return sign.call(lib, session, input, output);
    };
    const message = Buffer.from('a message that Buffer.from puts into the pool');
    await keystore.sign(message, signal());
    assert.equal(seen.length, 2);
    for (const buffer of seen) assert.equal(buffer.buffer.byteLength, buffer.length);
    assert.notEqual(seen[0], message);
    await keystore.close();
  });
});
