import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StrKey } from '@stellar/stellar-sdk';
import { createVerifier } from '../../../../sidecar/keystore/ed25519.ts';
import type { Keystore } from '../../../../sidecar/keystore/keystore.ts';
import { keepOpen } from '../../../../sidecar/keystore/opening.ts';
import { createPkcs11Opener, type Pkcs11Options } from '../../../../sidecar/keystore/pkcs11/open.ts';
import { loadModule } from '../../../../sidecar/keystore/pkcs11/token.ts';
import { type FaultShim, useFaults } from '../../p11fault.ts';
import { sharedToken } from '../../shared-token.ts';
import type { Token } from '../../token.ts';

const OPEN_ONCE = fileURLToPath(new URL('open-once.ts', import.meta.url));
const signal = () => AbortSignal.timeout(30_000);

/** A real SoftHSM token behind a module that puts faults in between (p11fault.c). */
describe('PKCS#11 faults @security', function () {
  this.timeout(60_000);
  let dir: string;
  let token: Token;
  let shim: FaultShim;
  let keystore: Keystore | undefined;
  let verify: ReturnType<typeof createVerifier>;

  const optionsOf = (changes: Partial<Pkcs11Options>): Pkcs11Options => ({
    module: shim.module,
    token: { label: token.tokenLabel },
    key: { label: token.keyLabel },
    pinFile: token.pinFile,
    publicKey: Buffer.from(StrKey.decodeEd25519PublicKey(token.account)),
    ...changes,
  });
  const opener = (changes: Partial<Pkcs11Options> = {}) => createPkcs11Opener(optionsOf(changes));

  before(() => {
    token = sharedToken();
    process.env.SOFTHSM2_CONF = token.env.SOFTHSM2_CONF;
    dir = mkdtempSync(join(tmpdir(), 'faults-'));
    shim = useFaults(token.module, dir);
    verify = createVerifier(Buffer.from(StrKey.decodeEd25519PublicKey(token.account)));
  });
  afterEach(async () => {
    shim.set();
    await keystore?.close();
    keystore = undefined;
  });
  after(() => {
    shim.remove();
    delete process.env.SOFTHSM2_CONF;
    rmSync(dir, { recursive: true });
  });

  /** `count` signatures, 16 at a time; what they gave. */
  const signMany = async (sign: Keystore['sign'], count: number) => {
    const errors: Error[] = [];
    let signed = 0;
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count) {
        const message = Buffer.alloc(32, next++);
        try {
          assert.ok(verify(message, await sign(message, signal())));
          signed++;
        } catch (error) {
          errors.push(error as Error);
        }
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    return { signed, errors: errors.map(({ message }) => message) };
  };

  const survived: [what: string, count: number, logins: number, faults: string[]][] = [
    ['nothing', 500, 0, []],
    ['one SESSION_HANDLE_INVALID', 200, 0, ['C_Sign b3 1 0']],
    ['one SESSION_HANDLE_INVALID before the token', 200, 0, ['C_SignInit b3 1 0']],
    ['one DEVICE_ERROR', 200, 0, ['C_Sign 30 1 0']],
    ['one OPERATION_ACTIVE', 200, 0, ['C_SignInit 90 1 0']],
    ['a code of a vendor, once', 200, 0, ['C_Sign 80000bad 1 0']],
    ['two USER_NOT_LOGGED_IN', 200, 2, ['C_SignInit 101 2 0']],
    ['20 DEVICE_REMOVED', 200, 4, ['C_Sign 32 20 0']],
    [
      '20 DEVICE_REMOVED, also while it connects anew',
      200,
      4,
      ['C_Sign 32 10 0', 'C_OpenSession 32 5 0', 'C_Login 30 5 0'],
    ],
    ['a handle that is not valid any more', 200, 1, ['C_SignInit 82 1 0']],
  ];
  for (const [what, count, mostLogins, faults] of survived)
    it(`gives all ${count} signatures over ${what}`, async () => {
      // A budget that a busy machine does not use up.
      keystore = await opener({ recoveryMs: 20_000 })(signal());
      shim.forget();
      shim.set(...faults);
      assert.deepEqual(await signMany(keystore.sign, count), { signed: count, errors: [] });
      const logins = shim.calls('C_Login');
      if (mostLogins < 4) assert.ok(logins <= mostLogins, `${logins} logins`);
      else assert.ok(logins >= 1, `${logins} logins`);
      assert.equal(shim.calls('C_Initialize'), shim.calls('C_Finalize'));
    });

  it('makes one login for many requests that fail over one lost login', async () => {
    keystore = await opener({ sessions: 4 })(signal());
    shim.forget();
    shim.set('C_Sign 101 4 20000');
    assert.equal((await signMany(keystore.sign, 40)).signed, 40);
    assert.equal(shim.calls('C_Login'), 1);
    assert.equal(shim.calls('C_Initialize'), 1);
  });

  it('logs in once when the library answers with a code of its own, which may mean that it counts the PIN as wrong', async () => {
    keystore = await opener({ recoveryMs: 20_000 })(signal());
    shim.forget();
    shim.set('C_Sign 32 -1 0', 'C_Login 80000bad -1 0');
    await assert.rejects(keystore.sign(Buffer.alloc(32), signal()), { code: 'keystore-refused' });
    assert.equal(shim.calls('C_Login'), 1);
  });

  for (const [name, fault] of [
    ['KEY_FUNCTION_NOT_PERMITTED', 'C_SignInit 68 1 0'],
    ['MECHANISM_INVALID', 'C_SignInit 70 1 0'],
    ['FUNCTION_NOT_SUPPORTED', 'C_Sign 54 1 0'],
  ] as const)
    it(`tells one caller of ${name}, and tries nothing again`, async () => {
      const end = new AbortController();
      const kept = keepOpen(opener(), { signal: end.signal, retryMs: 10, onChange: () => undefined });
      while (kept.fault() !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
      shim.forget();
      shim.set(fault);
      const { signed, errors } = await signMany(kept.sign, 200);
      assert.deepEqual([signed, errors], [199, [`the token refused: CKR_${name}`]]);
      assert.equal(shim.calls('C_SignInit'), 200);
      assert.equal(shim.calls('C_Login') + shim.calls('C_Initialize'), 0);
      assert.equal(kept.fault(), undefined);
      end.abort();
      await kept.done;
    });

  it('says what failed while the device is down, is not asked by every caller, and works again after it', async () => {
    const end = new AbortController();
    const changes: (string | undefined)[] = [];
    const kept = keepOpen(opener({ recoveryMs: 100 }), {
      signal: end.signal,
      retryMs: 20,
      onChange: (fault) => void changes.push(fault?.message),
    });
    while (kept.fault() !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    shim.set('C_Sign 32 -1 0');
    const { signed, errors } = await signMany(kept.sign, 20);
    assert.equal(signed, 0);
    for (const error of errors) assert.match(error, /the token failed: CKR_DEVICE_REMOVED/);
    shim.forget();
    for (let i = 0; i < 50; i++)
      await assert.rejects(kept.sign(Buffer.alloc(32), signal()), { code: 'keystore-failed' });
    assert.ok(shim.calls('C_Sign') <= 10, 'callers are answered without the token');
    assert.match(kept.fault()!, /CKR_DEVICE_REMOVED/);
    shim.set();
    while (kept.fault() !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(await signMany(kept.sign, 20), { signed: 20, errors: [] });
    assert.deepEqual(changes, [undefined, 'the token failed: CKR_DEVICE_REMOVED', undefined]);
    end.abort();
    await kept.done;
  });

  it('comes back when the token’s folder was gone and is there again, by a new C_Initialize', async () => {
    const tokens = readFileSync(token.env.SOFTHSM2_CONF, 'utf8').match(/tokendir = (.*)/)![1]!;
    const end = new AbortController();
    const kept = keepOpen(opener({ recoveryMs: 50 }), {
      signal: end.signal,
      retryMs: 20,
      onChange: () => undefined,
    });
    while (kept.fault() !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    renameSync(tokens, `${tokens}-gone`);
    try {
      await assert.rejects(kept.sign(Buffer.alloc(32), signal()), { code: /token-missing|module-unusable/ });
      assert.notEqual(kept.fault(), undefined);
    } finally {
      rmSync(tokens, { recursive: true, force: true });
      renameSync(`${tokens}-gone`, tokens);
    }
    while (kept.fault() !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal((await kept.sign(Buffer.alloc(32), signal())).length, 64);
    end.abort();
    await kept.done;
  });

  it('survives the folder’s absence for a moment without an error to anybody', async () => {
    const tokens = readFileSync(token.env.SOFTHSM2_CONF, 'utf8').match(/tokendir = (.*)/)![1]!;
    keystore = await opener()(signal());
    renameSync(tokens, `${tokens}-gone`);
    const signature = keystore.sign(Buffer.alloc(32), signal());
    await new Promise((resolve) => setTimeout(resolve, 100));
    rmSync(tokens, { recursive: true, force: true });
    renameSync(`${tokens}-gone`, tokens);
    assert.ok(verify(Buffer.alloc(32), await signature));
  });

  it('signs in parallel on a slow device, and leaves the event loop free', async () => {
    keystore = await opener({ sessions: 4 })(signal());
    await signMany(keystore.sign, 16);
    shim.set('C_Sign 0 -1 100000');
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const started = performance.now();
    assert.equal((await signMany(keystore.sign, 24)).signed, 24);
    const elapsed = performance.now() - started;
    clearInterval(timer);
    // One after the other they would take 2.4 s, with one turn of the event loop each.
    assert.ok(elapsed < 2_000, `${elapsed} ms`);
    assert.ok(ticks > 100, `${ticks} ticks`);
  });

  it('gives no signature to a caller who left, and begins no other attempt for him', async () => {
    keystore = await opener({ sessions: 1 })(signal());
    shim.forget();
    shim.set('C_Sign 30 -1 30000');
    const caller = new AbortController();
    const signature = keystore.sign(Buffer.alloc(32), caller.signal);
    await new Promise((resolve) => setTimeout(resolve, 5));
    caller.abort(new Error('deadline'));
    await assert.rejects(signature, /deadline/);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(shim.calls('C_Sign'), 1);
  });

  it('recovers from a login and a library that somebody else in the process took away', async () => {
    let lib!: ReturnType<typeof loadModule>;
    const open = createPkcs11Opener(optionsOf({}), (path) => {
      lib = loadModule(path);
      return lib;
    });
    keystore = await open(signal());
    const slot = lib
      .C_GetSlotList(true)
      .find((id) => lib.C_GetTokenInfo(id).label.startsWith(token.tokenLabel))!;
    for (const take of [
      () => lib.C_Logout(lib.C_OpenSession(slot, 4)),
      () => lib.C_CloseAllSessions(slot),
      () => lib.C_Finalize(),
    ]) {
      take();
      assert.deepEqual(await signMany(keystore.sign, 20), { signed: 20, errors: [] });
    }
  });

  it('closes a session in which a signature failed, which its token would keep busy for ever', async () => {
    keystore = await opener({ sessions: 1 })(signal());
    shim.forget();
    shim.set('C_Sign 30 1 0');
    assert.equal((await keystore.sign(Buffer.alloc(32), signal())).length, 64);
    assert.equal(shim.calls('C_CloseSession'), 1);
    assert.equal(shim.calls('C_OpenSession'), 1);
    assert.equal(shim.calls('C_Login'), 0);
  });

  it('takes no call for hung that had returned while something else blocked the event loop', async () => {
    keystore = await opener({ hangMs: 100 })(signal());
    shim.forget();
    shim.set('C_Sign 0 1 20000');
    const signature = keystore.sign(Buffer.alloc(32), signal());
    while (shim.calls('C_Sign') === 0) await new Promise(setImmediate);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    const hung = keystore.failed!.then(() => 'hung');
    assert.equal((await signature).length, 64);
    const later = new Promise((resolve) => setTimeout(resolve, 20, 'not hung'));
    assert.equal(await Promise.race([hung, later]), 'not hung');
  });

  for (const [when, faults] of [
    ['later', []],
    ['at the start', ['C_Sign 0 -1 60000000']],
  ] as const)
    it(`ends the process when a call hangs ${when}, whoever still waits for it`, () => {
      shim.set(...faults);
      const { publicKey, ...rest } = optionsOf({ hangMs: 300 });
      const child = spawnSync(process.execPath, [OPEN_ONCE], {
        encoding: 'utf8',
        timeout: 30_000,
        env: {
          ...process.env,
          HANG: when,
          OPTIONS: JSON.stringify({ ...rest, publicKey: publicKey.toString('hex') }),
        },
      });
      assert.equal(child.stdout.trim(), 'keystore-hung C_Sign has not returned for 0.3 s');
      assert.equal(child.signal, 'SIGKILL');
    });
});
