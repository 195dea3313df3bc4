import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StrKey } from '@stellar/stellar-sdk';
import graphene from 'graphene-pk11';
import pkcs11js from 'pkcs11js';
import { createVerifier } from '../../../../sidecar/keystore/ed25519.ts';
import type { Pkcs11Options } from '../../../../sidecar/keystore/pkcs11/open.ts';
import {
  ED25519_NAME,
  ED25519_OID,
  VENDORS,
  type VendorName,
} from '../../../../sidecar/keystore/pkcs11/vendors.ts';
import { sharedToken } from '../../shared-token.ts';
import { generateKey, type KeyOptions, type Token, withToken } from '../../token.ts';
import { openersOf, signal } from './opener.ts';

/** One wrong attribute each, and how the refusal names it. */
const UNSAFE: Record<string, KeyOptions> = {
  CKA_EXTRACTABLE: { extractable: true },
  CKA_SENSITIVE: { sensitive: false },
  CKA_SIGN: { sign: false },
  CKA_SIGN_RECOVER: { signRecover: true },
  CKA_DECRYPT: { decrypt: true },
  CKA_UNWRAP: { unwrap: true },
  CKA_DERIVE: { derive: true },
};
/** DER of the OID of P-256. */
const P256 = Buffer.from('06082a8648ce3d030107', 'hex');

/** Against a real SoftHSM token, in this process. */
describe('PKCS#11 key store @security', function () {
  this.timeout(60_000);
  let dir: string;
  let token: Token;
  const keys: Record<string, Buffer> = {};

  const { opener, open, library } = openersOf(() => token);

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'token-'));
    token = sharedToken();
    process.env.SOFTHSM2_CONF = token.env.SOFTHSM2_CONF;
    withToken(readFileSync(token.pinFile, 'utf8'), (session) => {
      keys.byId = generateKey(session, { label: 'by-id', id: Buffer.from('beef', 'hex') });
      keys.twice = generateKey(session, { label: 'twice' });
      generateKey(session, { label: 'twice' });
      for (const [label, options] of Object.entries(UNSAFE))
        keys[label] = generateKey(session, { label, ...options });
      keys.audit = generateKey(session, { label: 'audit', id: Buffer.from('aa', 'hex') });
      keys['by-name'] = generateKey(session, { label: 'by-name', curve: ED25519_NAME });
      keys['by-oid'] = generateKey(session, { label: 'by-oid', curve: ED25519_OID });
      keys.lonely = generateKey(session, { label: 'lonely' });
      const { lib: native, handle } = session;
      const publics = session.find({ class: graphene.ObjectClass.PUBLIC_KEY, label: 'lonely' });
      native.C_DestroyObject(handle, publics.items(0).handle);
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
    ...Object.keys(UNSAFE).map((label): (typeof refusals)[number] => [
      `a key whose ${label} is wrong`,
      'key-unsafe',
      new RegExp(`: ${label} is not (true|false)$`),
      () => ({ key: { label }, publicKey: keys[label]! }),
    ]),
    ['a key of another curve', 'key-unsafe', /CKA_KEY_TYPE/, () => ({ key: { label: 'p256' } })],
    [
      'the key of another account',
      'wrong-account',
      /not that of STELLAR_ACCOUNT/,
      () => ({ publicKey: keys.byId! }),
    ],
    [
      'an audit key that is not there',
      'key-missing',
      /the audit key is missing: no private key has the label other/,
      () => ({ auditKey: { label: 'other' } }),
    ],
    [
      'the trading key as audit key',
      'key-unsafe',
      /audit key is refused: it is the trading key/,
      () => ({ auditKey: { label: token.keyLabel } }),
    ],
    [
      'an audit key that may do more than sign',
      'key-unsafe',
      /audit key with the label CKA_DECRYPT/,
      () => ({ auditKey: { label: 'CKA_DECRYPT' } }),
    ],
    [
      'an audit key whose public half the token does not show',
      'key-missing',
      /audit key’s public half/,
      () => ({ auditKey: { label: 'lonely' } }),
    ],
    [
      'a public key in another encoding than the one given',
      'wrong-account',
      /CKA_EC_POINT has 34 bytes, begins with 0420.*pointEncoding is Raw/,
      () => ({ pointEncoding: 'Raw' }),
    ],
  ];
  for (const [what, code, message, changes] of refusals)
    it(`refuses ${what}: ${code}`, () => assert.rejects(open(changes()), { code, message }));

  /** An opener whose token shows these attributes in another way; undefined: it does not know them. */
  const showing = (shown: Map<number, Buffer | undefined>, changes: Partial<Pkcs11Options> = {}) =>
    opener(changes, (native) => {
      const original = native.C_GetAttributeValue.bind(native);
      native.C_GetAttributeValue = (session, object, template) => {
        const type = template[0]!.type;
        if (!shown.has(type)) return original(session, object, template);
        const value = shown.get(type);
        if (value === undefined) throw new pkcs11js.Pkcs11Error('CKR_ATTRIBUTE_TYPE_INVALID:18');
        return [{ type, value }];
      };
    });

  for (const [name, value, message] of [
    ['CKA_TOKEN', '00', /: CKA_TOKEN is not true$/],
    ['CKA_PRIVATE', '00', /: CKA_PRIVATE is not true$/],
    ['CKA_ALWAYS_AUTHENTICATE', '01', /: CKA_ALWAYS_AUTHENTICATE is not false$/],
    ['CKA_EC_PARAMS', '06032b6571', /: CKA_EC_PARAMS is not edwards25519$/],
    ['CKA_KEY_TYPE', '4100000000000000', /: CKA_KEY_TYPE is not CKK_EC_EDWARDS$/],
  ] as const)
    it(`refuses a key that shows ${name} as ${value}`, () =>
      assert.rejects(showing(new Map([[pkcs11js[name], Buffer.from(value, 'hex')]]))(signal()), {
        code: 'key-unsafe',
        message,
      }));

  it('names every wrong attribute, and takes one that the token does not know only where nothing rests on it', async () => {
    const { CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE, CKA_SIGN_RECOVER, CKA_ALWAYS_AUTHENTICATE } = pkcs11js;
    const unknown = new Map<number, undefined>();
    for (const type of [CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE, CKA_SIGN_RECOVER, CKA_ALWAYS_AUTHENTICATE])
      unknown.set(type, undefined);
    unknown.set(pkcs11js.CKA_EC_PARAMS, undefined);
    const reopen = showing(unknown);
    await (await reopen(signal())).close();
    for (const type of [pkcs11js.CKA_SENSITIVE, pkcs11js.CKA_EXTRACTABLE, pkcs11js.CKA_SIGN])
      unknown.set(type, undefined);
    await assert.rejects(reopen(signal()), {
      code: 'key-unsafe',
      message: /CKA_SENSITIVE is not true, CKA_EXTRACTABLE is not false, CKA_SIGN is not true$/,
    });
  });

  it('knows a key that a token shows no public half of by its signature alone', async () => {
    const keystore = await open({ key: { label: 'lonely' }, publicKey: keys.lonely! });
    assert.equal((await keystore.sign(Buffer.alloc(32), signal())).length, 64);
    await keystore.close();
    await assert.rejects(open({ key: { label: 'lonely' } }), {
      code: 'wrong-account',
      message: /does not sign/,
    });
  });

  for (const [encoding, prefix] of [
    ['Raw', ''],
    ['DerOctetString', '0420'],
    ['BitString', '032100'],
  ] as const)
    it(`reads a public key that the token shows as ${encoding}, given so or found out`, async () => {
      const raw = Buffer.from(StrKey.decodeEd25519PublicKey(token.account));
      const shown = new Map([[pkcs11js.CKA_EC_POINT, Buffer.concat([Buffer.from(prefix, 'hex'), raw])]]);
      for (const pointEncoding of ['Auto', encoding] as const)
        await (await showing(shown, { pointEncoding })(signal())).close();
      const other = encoding === 'Raw' ? 'BitString' : 'Raw';
      await assert.rejects(showing(shown, { pointEncoding: other })(signal()), { code: 'wrong-account' });
    });

  for (const vendor of Object.keys(VENDORS) as VendorName[])
    it(`signs with what the row of ${vendor} says, as far as SoftHSM is like it`, async () => {
      const used: unknown[] = [];
      const keystore = await opener({ vendor }, (native) => {
        const original = native.C_SignInit.bind(native);
        native.C_SignInit = (session, mechanism, key) => {
          used.push(mechanism);
          original(session, mechanism, key);
        };
      })(signal());
      assert.equal((await keystore.sign(Buffer.alloc(32), signal())).length, 64);
      await keystore.close();
      for (const mechanism of used) assert.deepEqual(mechanism, { mechanism: 0x1057 });
    });

  it('uses the number of a mechanism that the token lists', async () => {
    const used: number[] = [];
    const reopen = opener({ vendor: 'luna' }, (native) => {
      native.C_GetMechanismList = () => [0x80000c03];
      const original = native.C_SignInit.bind(native);
      native.C_SignInit = (session, mechanism, key) => {
        used.push(mechanism.mechanism);
        original(session, { ...mechanism, mechanism: 0x1057 }, key);
      };
    });
    await (await reopen(signal())).close();
    assert.deepEqual(used, [0x80000c03]);
  });

  for (const mechanismParameter of ['None', 'Empty', 'EddsaParams'] as const)
    it(`makes the same pure Ed25519 signature with the parameter ${mechanismParameter}`, async () => {
      const keystore = await open({ mechanismParameter });
      const message = Buffer.from('one message');
      assert.ok(createVerifier(keystore.publicKey)(message, await keystore.sign(message, signal())));
      await keystore.close();
    });

  it('takes a key of either form of CKA_EC_PARAMS, and CKA_DERIVE where a module says it of every key', async () => {
    for (const label of ['by-name', 'by-oid'])
      await (await open({ key: { label }, publicKey: keys[label]! })).close();
    const derives = { key: { label: 'CKA_DERIVE' }, publicKey: keys.CKA_DERIVE! };
    await (await open({ ...derives, vendor: 'nethsm' })).close();
    await assert.rejects(open({ ...derives, vendor: 'yubihsm2' }), { code: 'key-unsafe' });
  });

  it('signs with the audit key too, and keeps the one that it saw first', async () => {
    const reopen = opener({ auditKey: { label: 'audit' } });
    const keystore = await reopen(signal());
    const { audit } = keystore;
    assert.deepEqual(audit?.publicKey, keys.audit);
    const message = Buffer.from('a checkpoint');
    assert.ok(createVerifier(keys.audit!)(message, await audit!.sign(message, signal())));
    assert.ok(createVerifier(keystore.publicKey)(message, await keystore.sign(message, signal())));
    await keystore.close();
    const lib = library();
    const { C_FindObjectsInit: find } = lib;
    lib.C_FindObjectsInit = (session, template) =>
      find.call(
        lib,
        session,
        template?.map((entry) =>
          entry.value?.toString() === 'audit' ? { ...entry, value: 'by-id' } : entry,
        ),
      );
    await assert.rejects(reopen(signal()), { code: 'key-unsafe', message: /another one than before/ });
    assert.equal((await open()).audit, undefined);
    library().C_Finalize();
  });
});
