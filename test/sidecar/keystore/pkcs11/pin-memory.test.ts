import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Secret } from '../../../../common/secret.ts';
import { createPkcs11Opener, type Pkcs11Options } from '../../../../sidecar/keystore/pkcs11/open.ts';
import { createPinMemory } from '../../../../sidecar/keystore/pkcs11/pin-memory.ts';
import { type FaultShim, useFaults } from '../../p11fault.ts';
import { sharedToken } from '../../shared-token.ts';
import type { Token } from '../../token.ts';

const OPEN_ONCE = fileURLToPath(new URL('open-once.ts', import.meta.url));
const signal = () => AbortSignal.timeout(30_000);
const pin = (text: string) => new Secret(Buffer.from(text));
/** As a Secret is mounted: for its reader alone. */
const writePin = (path: string, content: string | Buffer) => writeFileSync(path, content, { mode: 0o600 });
const label = { label: 'stellar' };

describe('memory of refused PINs @security', function () {
  this.timeout(60_000);
  let dir: string;
  let file: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'pin-memory-'));
    file = join(dir, 'refused-pins.json');
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('outlives the process, holds no PIN, and is for its owner alone', () => {
    assert.equal(
      createPinMemory(label, file).guard(pin('wrong'), () => false),
      false,
    );
    assert.equal(
      createPinMemory(label, file).guard(pin('wrong too'), () => false),
      false,
    );
    const after = createPinMemory(label, file);
    assert.deepEqual(
      ['wrong', 'wrong too', 'right'].map((text) => after.has(pin(text))),
      [true, true, false],
    );
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.doesNotMatch(readFileSync(file, 'utf8'), /wrong/);
    assert.ok(!existsSync(`${file}.next`));
  });

  it('is of one token: another may take the same PIN', () => {
    createPinMemory(label, file).guard(pin('wrong'), () => false);
    assert.equal(createPinMemory({ label: 'other' }, file).has(pin('wrong')), false);
    assert.equal(createPinMemory({ serial: 'stellar' }, file).has(pin('wrong')), false);
  });

  it('writes nothing for a PIN that was taken, or when it is not known', () => {
    const memory = createPinMemory(label, file);
    assert.equal(
      memory.guard(pin('right'), () => true),
      true,
    );
    assert.throws(
      () =>
        memory.guard(pin('right'), () => {
          throw new Error('CKR_DEVICE_ERROR');
        }),
      /CKR_DEVICE_ERROR/,
    );
    assert.ok(!existsSync(file) && !existsSync(`${file}.next`));
  });

  it('lasts as long as the process without a file', () => {
    const memory = createPinMemory(label);
    memory.guard(pin('wrong'), () => false);
    assert.deepEqual([memory.has(pin('wrong')), createPinMemory(label).has(pin('wrong'))], [true, false]);
  });

  for (const [what, spoil] of [
    ['is torn', () => writeFileSync(file, '{"key":"00')],
    ['has other content', () => writeFileSync(file, '{"key":"00","refused":[]}')],
    ['is a folder', () => mkdirSync(file)],
    ['cannot be written', () => mkdirSync(`${file}.next`)],
  ] as const)
    it(`tries no PIN when the file ${what}, names it and says what to do`, () => {
      spoil();
      const memory = createPinMemory(label, file);
      let logins = 0;
      const guarded = () =>
        memory.guard(pin('any'), () => {
          logins++;
          return true;
        });
      assert.throws(
        guarded,
        ({ code, message }) =>
          code === 'pin-memory-unusable' && message.includes(file) && /remove that file/.test(message),
      );
      assert.equal(logins, 0);
    });

  it('still knows the PIN when the file could not be put in its place', () => {
    const memory = createPinMemory(label, file);
    assert.throws(
      () =>
        memory.guard(pin('wrong'), () => {
          mkdirSync(join(file, 'in the way'), { recursive: true });
          return false;
        }),
      { code: 'pin-memory-unusable' },
    );
    rmSync(file, { recursive: true });
    assert.equal(memory.has(pin('wrong')), true);
  });

  describe('over restarts, against a real token', () => {
    let token: Token;
    let shim: FaultShim;
    let pinFile: string;
    const open = (changes: Partial<Pkcs11Options> = {}) =>
      createPkcs11Opener({
        module: shim.module,
        token: { label: token.tokenLabel },
        key: { label: token.keyLabel },
        pinFile,
        pinMemoryFile: file,
        publicKey: Buffer.alloc(32),
        ...changes,
      })(signal());

    before(() => {
      token = sharedToken();
      process.env.SOFTHSM2_CONF = token.env.SOFTHSM2_CONF;
    });
    beforeEach(() => {
      shim = useFaults(token.module, dir);
      pinFile = join(dir, 'pin');
      writePin(pinFile, 'not the PIN\n');
    });
    afterEach(() => shim.remove());
    after(() => {
      delete process.env.SOFTHSM2_CONF;
    });

    it('makes one C_Login in twenty starts with a wrong PIN, five of them processes of their own', async () => {
      for (let i = 0; i < 5; i++) {
        const answer = execFileSync(process.execPath, [OPEN_ONCE], {
          encoding: 'utf8',
          env: {
            ...process.env,
            OPTIONS: JSON.stringify({
              module: shim.module,
              token: { label: token.tokenLabel },
              key: { label: token.keyLabel },
              pinFile,
              pinMemoryFile: file,
            }),
          },
        });
        assert.equal(answer.trim(), 'pin-refused');
      }
      for (let i = 0; i < 15; i++) await assert.rejects(open(), { code: 'pin-refused', message: /removed/ });
      assert.equal(shim.calls('C_Login'), 1);
    });

    it('tries a PIN file that was changed, once again', async () => {
      await assert.rejects(open(), { code: 'pin-refused' });
      writePin(pinFile, 'not the PIN either');
      for (let i = 0; i < 3; i++) await assert.rejects(open(), { code: 'pin-refused' });
      assert.equal(shim.calls('C_Login'), 2);
      writePin(pinFile, readFileSync(token.pinFile));
      await assert.rejects(open(), { code: 'wrong-account' });
      assert.equal(shim.calls('C_Login'), 3);
      writePin(pinFile, 'not the PIN');
      await assert.rejects(open(), { code: 'pin-refused' });
      assert.equal(shim.calls('C_Login'), 3);
    });

    for (const [name, code] of [
      ['PIN_LOCKED', 'a4'],
      ['PIN_EXPIRED', 'a3'],
      ['PIN_LEN_RANGE', 'a2'],
      ['PIN_INVALID', 'a1'],
    ] as const)
      it(`remembers ${name} in the same way, until the file is removed`, async () => {
        shim.set(`C_Login ${code} 1 0`);
        for (let i = 0; i < 3; i++) await assert.rejects(open(), { code: 'pin-refused' });
        assert.equal(shim.calls('C_Login'), 1);
        writePin(pinFile, readFileSync(token.pinFile));
        rmSync(file);
        await assert.rejects(open(), { code: 'wrong-account' });
      });

    it('does not remember a PIN over a fault of the token', async () => {
      writePin(pinFile, readFileSync(token.pinFile));
      shim.set('C_Login 30 1 0');
      await assert.rejects(open(), { code: 'keystore-failed', message: /C_Login: CKR_DEVICE_ERROR/ });
      await assert.rejects(open(), { code: 'wrong-account' });
    });

    it('does not even initialize the token for a PIN that it may not try', async () => {
      writeFileSync(file, 'torn');
      chmodSync(file, 0o600);
      await assert.rejects(open(), { code: 'pin-memory-unusable' });
      assert.equal(shim.calls('C_Initialize') + shim.calls('C_Login'), 0);
    });
  });
});
