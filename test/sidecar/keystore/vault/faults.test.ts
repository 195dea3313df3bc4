import assert from 'node:assert/strict';
import { faultOfAnswer, faultOfTransport } from '../../../../sidecar/keystore/vault/faults.ts';
import { publicKeyOf } from '../../../../sidecar/keystore/vault/key.ts';
import { vaultOptions } from '../../../../sidecar/keystore/vault/options.ts';

const SECRET_TEXT = 'internal: mount secret-team on host 10.0.0.7';

describe('faults of Vault', () => {
  const answers: [number, string[], string][] = [
    [307, [], 'vault-unreachable'],
    [400, [SECRET_TEXT], 'keystore-failed'],
    [403, ['permission denied'], 'vault-denied'],
    [404, [SECRET_TEXT], 'key-missing'],
    [412, [], 'keystore-failed'],
    [429, [SECRET_TEXT], 'vault-throttled'],
    [473, [], 'vault-unreachable'],
    [500, [SECRET_TEXT], 'keystore-failed'],
    [502, [], 'vault-unreachable'],
    [503, [SECRET_TEXT], 'vault-unreachable'],
    [503, ['Vault is sealed'], 'vault-sealed'],
  ];
  for (const [status, errors, code] of answers)
    it(`${status} ${errors.includes('Vault is sealed') ? 'sealed ' : ''}is ${code}, without Vault's own text @security`, () => {
      const fault = faultOfAnswer(status, errors, { what: 'a signature' });
      assert.equal(fault.code, code);
      assert.doesNotMatch(fault.message, /internal|10\.0\.0\.7|secret-team/);
      assert.match(fault.message, /^(Vault|the node)/);
    });

  it('errors that are no texts are of no harm @security', () => {
    for (const errors of [[{ toString: 1 }], [null], [['sealed']]])
      assert.equal(faultOfAnswer(503, errors, { what: 'a signature' }).code, 'vault-unreachable');
  });

  it('a public key of another length is none, whatever else the answer says @security', () => {
    for (const length of [0, 31, 33]) {
      const public_key = Buffer.alloc(length).toString('base64');
      const data = {
        type: 'ed25519',
        exportable: false,
        allow_plaintext_backup: false,
        derived: false,
        latest_version: 1,
        min_encryption_version: 0,
        keys: { 1: { public_key } },
      };
      assert.throws(() => publicKeyOf({ data }, { mount: 'transit', name: 'audit', version: 1 }), {
        code: 'keystore-failed',
        message: /32 bytes/,
      });
    }
  });

  it('a login that is refused is that, and neither a denied signature nor a missing key', () => {
    for (const status of [400, 401, 403, 404])
      assert.equal(
        faultOfAnswer(status, [], { what: 'the login', isLogin: true }).code,
        'login-refused',
        `${status}`,
      );
    assert.equal(faultOfAnswer(500, [], { what: 'the login', isLogin: true }).code, 'keystore-failed');
    assert.equal(faultOfAnswer(429, [], { what: 'the login', isLogin: true }).code, 'vault-throttled');
  });

  const errors: [string, RegExp, string][] = [
    ['ECONNREFUSED', /refused/, 'vault-unreachable'],
    ['ECONNRESET', /cut/, 'vault-unreachable'],
    ['ENOTFOUND', /resolve/, 'vault-unreachable'],
    ['UND_ERR_CONNECT_TIMEOUT', /in time/, 'vault-unreachable'],
    ['SELF_SIGNED_CERT_IN_CHAIN', /TLS failed \(SELF_SIGNED_CERT_IN_CHAIN\)/, 'vault-unreachable'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /TLS failed/, 'vault-unreachable'],
    ['UND_ERR_RES_EXCEEDED_MAX_SIZE', /too large/, 'keystore-failed'],
    ['HPE_INVALID_CONSTANT', /HTTP/, 'keystore-failed'],
    ['EOTHER', /EOTHER/, 'vault-unreachable'],
  ];
  for (const [code, text, fault] of errors)
    it(`${code} is ${fault}, without the error's text or bytes @security`, () => {
      const seen = faultOfTransport(Object.assign(new Error(SECRET_TEXT), { code, data: SECRET_TEXT }));
      assert.equal(seen.code, fault);
      assert.match(seen.message, text);
      assert.doesNotMatch(seen.message, /internal/);
      assert.equal(seen.cause, undefined);
    });
});

describe('options of Vault', () => {
  const valid = {
    address: 'https://vault.example:8200',
    key: 'stellar-trading',
  };
  const fieldOf = (options: object): string =>
    vaultOptions
      .safeParse({ ...valid, ...options })
      .error?.issues.map(({ path }) => path.join('.'))
      .join() ?? '';

  for (const address of ['http://127.0.0.1:8200', 'http://[::1]:8200', 'http://localhost:8200', 'https://a'])
    it(`takes ${address}`, () => assert.equal(fieldOf({ address }), ''));

  for (const address of [
    'http://vault.example:8200',
    'http://127.0.0.1.example:8200',
    'http://10.0.0.1',
    'https://user:pass@vault.example',
    'https://vault.example/prefix',
    'https://vault.example/?a=b',
    'ftp://127.0.0.1',
    'vault',
  ])
    it(`refuses the address ${address} @security`, () => assert.equal(fieldOf({ address }), 'address'));

  for (const [field, name] of [
    ['key', '../sys'],
    ['key', 'a/b'],
    ['key', 'a%2fb'],
    ['key', ''],
    ['mount', 'transit/keys'],
    ['mount', 'x'.repeat(65)],
    ['namespace', '../root'],
    ['namespace', 'a\r\nX-Vault-Token: b'],
  ] as const)
    it(`refuses ${JSON.stringify(name)} as ${field} @security`, () =>
      assert.equal(fieldOf({ [field]: name }), field));
});
