import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StrKey } from '@stellar/stellar-sdk';
import graphene from 'graphene-pk11';
import pkcs11js from 'pkcs11js';
import { createVerifier } from '../../../../sidecar/keystore/ed25519.ts';
import { createPkcs11Opener, type Pkcs11Options } from '../../../../sidecar/keystore/pkcs11/open.ts';
import { loadModule } from '../../../../sidecar/keystore/pkcs11/token.ts';
import { sharedToken } from '../../shared-token.ts';
import { generateKey, type Token, withToken } from '../../token.ts';

/** DER of the OID of P-256. */
const P256 = Buffer.from('06082a8648ce3d030107', 'hex');
const signal = () => AbortSignal.timeout(30_000);

/** Against a real SoftHSM token, in this process. */
describe('PKCS#11 key store @security', function () {
  this.timeout(60_000);
  let dir: string;
  let token: Token;
  const keys: Record<string, Buffer> = {};
  /** The library of the last `open`; tests put faults into it. */
  let lib: pkcs11js.PKCS11;

  const options = (changes: Partial<Pkcs11Options> = {}): Pkcs11Options => ({
    module: token.module,
    token: { label: token.tokenLabel },
    key: { label: token.keyLabel },
    pinFile: token.pinFile,
    publicKey: Buffer.from(StrKey.decodeEd25519PublicKey(token.account)),
    ...changes,
  });
  const opener = (changes: Partial<Pkcs11Options> = {}, prepare = (_lib: pkcs11js.PKCS11) => {}) =>
    createPkcs11Opener(options(changes), (path) => {
      lib = loadModule(path);
      prepare(lib);
      return lib;
    });
  const open = (changes: Partial<Pkcs11Options> = {}) => opener(changes)(signal());

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'token-'));
    token = sharedToken();
    process.env.SOFTHSM2_CONF = token.env.SOFTHSM2_CONF;
    withToken(readFileSync(token.pinFile, 'utf8'), (session) => {
      keys.byId = generateKey(session, { label: 'by-id', id: Buffer.from('beef', 'hex') });
      keys.twice = generateKey(session, { label: 'twice' });
      generateKey(session, { label: 'twice' });
      keys.extractable = generateKey(session, { label: 'extractable', extractable: true });
      keys.insensitive = generateKey(session, { label: 'insensitive', sensitive: false });
      keys.unsigning = generateKey(session, { label: 'unsigning', sign: false });
      session.generateKeyPair(
        graphene.MechanismEnum.EC_KEY_PAIR_GEN,
        { keyType: graphene.KeyType.EC, token: true, paramsECDSA: P256, label: 'p256' },
        {
          keyType: graphene.KeyType.EC,
          token: true,
          sensitive: true,
          extractable: false,
          sign: true,
          label: 'p256',
        },
      );
    });
  });
  after(() => {
    delete process.env.SOFTHSM2_CONF;
    rmSync(dir, { recursive: true });
  });

  it('signs, many at once, with locking on', async () => {
    const flags: unknown[] = [];
    const keystore = await opener({}, (native) => {
      const original = native.C_Initialize.bind(native);
      native.C_Initialize = (initialization) => {
        flags.push(initialization?.flags);
        original(initialization);
      };
    })(signal());
    const verify = createVerifier(keystore.publicKey);
    const messages = Array.from({ length: 100 }, (_, i) => Buffer.alloc(32, i));
    const signatures = await Promise.all(messages.map((message) => keystore.sign(message, signal())));
    for (const [i, signature] of signatures.entries()) assert.ok(verify(messages[i]!, signature));
    await keystore.close();
    assert.deepEqual(flags, [pkcs11js.CKF_OS_LOCKING_OK]);
  });

  it('finds a token by serial and a key by id, and opens again after it was closed', async () => {
    const serial = withToken(readFileSync(token.pinFile, 'utf8'), ({ slot }) => slot.getToken().serialNumber);
    const reopen = opener({
      token: { serial },
      key: { id: Buffer.from('beef', 'hex') },
      publicKey: keys.byId!,
    });
    for (let i = 0; i < 2; i++) {
      const keystore = await reopen(signal());
      assert.equal((await keystore.sign(Buffer.alloc(32), signal())).length, 64);
      await keystore.close();
    }
  });

  const refusals: [string, string, RegExp, () => Partial<Pkcs11Options>][] = [
    ['a module that cannot be loaded', 'module-unusable', /cannot load/, () => ({ module: '/nowhere.so' })],
    ['another token', 'token-missing', /0 tokens/, () => ({ token: { label: 'other' } })],
    ['a PIN file that is not there', 'pin-missing', /nowhere/, () => ({ pinFile: '/nowhere' })],
    ['a key that is not there', 'key-missing', /label other/, () => ({ key: { label: 'other' } })],
    [
      'two keys of one label',
      'key-ambiguous',
      /2 private keys/,
      () => ({ key: { label: 'twice' }, publicKey: keys.twice! }),
    ],
    [
      'an extractable key',
      'key-unsafe',
      /CKA_EXTRACTABLE/,
      () => ({ key: { label: 'extractable' }, publicKey: keys.extractable! }),
    ],
    [
      'a key that is not sensitive',
      'key-unsafe',
      /CKA_SENSITIVE/,
      () => ({ key: { label: 'insensitive' }, publicKey: keys.insensitive! }),
    ],
    [
      'a key that may not sign',
      'key-unsafe',
      /CKA_SIGN/,
      () => ({ key: { label: 'unsigning' }, publicKey: keys.unsigning! }),
    ],
    ['a key of another curve', 'key-unsafe', /CKA_KEY_TYPE/, () => ({ key: { label: 'p256' } })],
    [
      'the key of another account',
      'wrong-account',
      /not that of STELLAR_ACCOUNT/,
      () => ({ publicKey: keys.byId! }),
    ],
  ];
  for (const [what, code, message, changes] of refusals)
    it(`refuses ${what}: ${code}`, () => assert.rejects(open(changes()), { code, message }));

  it('never sends a refused PIN again, until the file holds another', async () => {
    let logins = 0;
    const pinFile = join(dir, 'wrong-pin');
    writeFileSync(pinFile, 'not the PIN\n', { mode: 0o600 });
    const reopen = opener({ pinFile }, (native) => {
      const original = native.C_Login.bind(native);
      native.C_Login = (...args) => {
        logins++;
        original(...args);
      };
    });
    for (let i = 0; i < 20; i++)
      await assert.rejects(reopen(signal()), { code: 'pin-refused', message: /wrong-pin/ });
    assert.equal(logins, 1);
    writeFileSync(pinFile, `${readFileSync(token.pinFile, 'utf8')}\r\n`);
    await (await reopen(signal())).close();
    assert.equal(logins, 2);
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
    writeFileSync(pinFile, readFileSync(token.pinFile));
    const keystore = await reopen(signal());
    assert.equal((await keystore.sign(Buffer.alloc(32), signal())).length, 64);
    isBroken = true;
    await keystore.close();
    isBroken = false;
    await (await reopen(signal())).close();
  });

  it('closes a session after an error and signs in another', async () => {
    const keystore = await open();
    const sessions: string[] = [];
    const closed: string[] = [];
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
    faults = 2;
    await assert.rejects(keystore.sign(Buffer.alloc(32), signal()), {
      code: 'keystore-failed',
      message: /CKR_DEVICE_ERROR/,
    });
    assert.equal(sessions.length, 4);
    await keystore.close();
  });

  it('gives no signature away that does not verify', async () => {
    const keystore = await open();
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
