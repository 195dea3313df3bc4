import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { isCoded, messageOf } from '../../common/errors.ts';
import { explain, optionTable } from '../../sidecar/config/explain.ts';
import { listOptions } from '../../sidecar/config/options.ts';
import { gather } from '../../sidecar/config/sources.ts';
import { loadSignerConfig } from '../../sidecar/config.ts';
import type { VaultOptions } from '../../sidecar/keystore/vault/options.ts';
import { exposureOf } from '../../sidecar/startup/facts.ts';
import { ISSUER } from './transactions.ts';

const COMMON = {
  networkPassphrase: 'Test SDF Network ; September 2015',
  account: ISSUER,
  signerSocket: '/run/s.sock',
  policyDir: '/policy',
  journal: { dir: '/journal' },
  tls: { certFile: '/tls.crt', keyFile: '/tls.key' },
};
const PKCS11 = { module: '/m.so', tokenLabel: 't', keyLabel: 'k', pinFile: '/pin' };
const VAULT = { address: 'https://vault.example:8200', key: 'hot', tokenFile: '/token' };
const PAGE = new URL('../../docs/signer/configuration.md', import.meta.url);

describe('the signer’s configuration', () => {
  let dir: string;
  let file: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'signer-config-'));
    file = join(dir, 'signer.yaml');
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  type Env = Record<string, string>;
  const load = (document: object | string, env: Env = {}) => {
    writeFileSync(file, typeof document === 'string' ? document : stringify(document));
    return loadSignerConfig({ env, file });
  };
  const refusal = (document: object | string, env: Env = {}): string => {
    try {
      load(document, env);
    } catch (error) {
      assert.ok(isCoded(error, 'config-invalid'), messageOf(error));
      assert.ok(!error.message.includes('hunter2'), error.message);
      return error.message.replaceAll(file, 'FILE');
    }
    return 'taken';
  };
  const pkcs11 = (changes: object = {}) => ({ ...COMMON, pkcs11: { ...PKCS11, ...changes } });
  const vault = (changes: object = {}) => ({ ...COMMON, vault: { ...VAULT, ...changes } });

  it('takes a token from a file, with the defaults', () => {
    assert.deepEqual(load(pkcs11({ auditKeyLabel: 'a' })), {
      ...COMMON,
      journal: { dir: '/journal', init: false, retentionDays: 30 },
      healthAddress: { host: '::', port: 15889 },
      logLevel: 'info',
      backend: {
        type: 'pkcs11',
        module: '/m.so',
        token: { label: 't' },
        key: { label: 'k' },
        auditKey: { label: 'a' },
        pinFile: '/pin',
        vendor: 'generic',
      },
    });
  });

  it('takes Vault from a file, in the form that its key store takes', () => {
    const { backend } = load(vault({ auditKey: 'audit' }));
    assert.ok(backend.type === 'vault');
    const { type: _, ...options } = backend;
    assert.deepEqual(options satisfies VaultOptions, {
      address: 'https://vault.example:8200',
      mount: 'transit',
      key: 'hot',
      keyVersion: 1,
      auditKey: { name: 'audit', version: 1 },
      auth: { tokenFile: '/token' },
    });
  });

  for (const [name, given, auth] of [
    [
      'kubernetes',
      { role: 'signer', jwtFile: '/jwt' },
      { kubernetes: { role: 'signer', mount: 'kubernetes', jwtFile: '/jwt' } },
    ],
    [
      'approle',
      { roleIdFile: '/role', secretIdFile: '/secret', mount: 'own' },
      { appRole: { roleIdFile: '/role', secretIdFile: '/secret', mount: 'own' } },
    ],
  ] as const)
    it(`logs in to Vault by ${name}`, () => {
      const { backend } = load(vault({ tokenFile: undefined, auth: { [name]: given } }));
      assert.deepEqual(backend.type === 'vault' && backend.auth, auth);
    });

  it('takes every option by its variable as well, which wins over the file', () => {
    const env = {
      STELLAR_PKCS11_TOKEN_LABEL: 'other',
      STELLAR_JOURNAL_INIT: 'true',
      STELLAR_JOURNAL_RETENTION_DAYS: '90',
      STELLAR_PKCS11_SESSIONS: '2',
      STELLAR_HEALTH_ADDRESS: '127.0.0.1:1',
    };
    const { backend, journal, healthAddress } = load(pkcs11(), env);
    assert.deepEqual(journal, { dir: '/journal', init: true, retentionDays: 90 });
    assert.deepEqual(healthAddress, { host: '127.0.0.1', port: 1 });
    assert.ok(backend.type === 'pkcs11');
    assert.deepEqual([backend.token, backend.sessions], [{ label: 'other' }, 2]);
  });

  it('takes the file’s name from STELLAR_CONFIG_FILE, and --init', () => {
    writeFileSync(file, stringify(pkcs11()));
    const { journal } = loadSignerConfig({ env: { STELLAR_CONFIG_FILE: file }, init: true });
    assert.deepEqual([journal.dir, journal.init], ['/journal', true]);
  });

  for (const [what, document, env, says] of [
    ['an unknown variable', pkcs11(), { STELLAR_ACOUNT: 'hunter2' }, /STELLAR_ACOUNT: unknown variable/],
    ['an unknown field', { ...pkcs11(), acount: 'hunter2' }, {}, /acount in FILE: unknown field/],
    ['an unknown field within', pkcs11({ pims: 1 }), {}, /pkcs11\.pims in FILE: unknown field/],
    ['one named like a property of objects', { ...pkcs11(), toString: 1 }, {}, /toString in FILE: unknown/],
    ['__proto__', `__proto__: {account: hunter2}\n${stringify(pkcs11())}`, {}, /__proto__ in FILE: unknown/],
    ['what is missing', { pkcs11: PKCS11 }, {}, /STELLAR_JOURNAL_DIR \(journal\.dir\): is missing/],
    [
      'a wrong variable',
      pkcs11(),
      { STELLAR_ACCOUNT: 'hunter2' },
      /\n {2}STELLAR_ACCOUNT: must be an account/,
    ],
    ['a wrong field', { ...pkcs11(), account: 'hunter2' }, {}, /account in FILE: must be an account/],
    ['a variable that is empty', pkcs11(), { STELLAR_PKCS11_KEY_LABEL: '' }, /STELLAR_PKCS11_KEY_LABEL: /],
    [
      'a number where text is meant',
      pkcs11({ keyLabel: 12 }),
      {},
      /keyLabel in FILE: must be text; put it in q/,
    ],
    ['text where a section is meant', { ...pkcs11(), journal: 'hunter2' }, {}, /journal.* must be a section/],
    [
      'a variable into what is no section',
      { ...COMMON, pkcs11: 'hunter2' },
      { STELLAR_PKCS11_MODULE: '/m' },
      /pkcs11/,
    ],
    [
      'a PIN as variable',
      pkcs11(),
      { STELLAR_PKCS11_PIN: 'hunter2' },
      /PKCS11_PIN: a secret is never a value; .*_FILE/,
    ],
    [
      'a PIN as field',
      pkcs11({ pin: 'hunter2' }),
      {},
      /pkcs11\.pin: a secret is never a value; .* pkcs11\.pinFile/,
    ],
    [
      'a Vault token as variable',
      vault(),
      { STELLAR_VAULT_TOKEN: 'hunter2' },
      /VAULT_TOKEN: a secret is never/,
    ],
    ['both backends', { ...pkcs11(), vault: VAULT }, {}, /exactly one of .*pkcs11.* must be given/],
    ['no backend', COMMON, {}, /exactly one of .*vault.* must be given/],
    ['two names of the token', pkcs11({ tokenSerial: '1' }), {}, /exactly one of STELLAR_PKCS11_TOKEN_LABEL/],
    [
      'no name of the token',
      pkcs11({ tokenLabel: undefined }),
      {},
      /exactly one of STELLAR_PKCS11_TOKEN_LABEL/,
    ],
    [
      'two names of the key',
      pkcs11(),
      { STELLAR_PKCS11_KEY_ID: '01' },
      /exactly one of STELLAR_PKCS11_KEY_LABEL/,
    ],
    ['no login', vault({ tokenFile: undefined }), {}, /exactly one of .*kubernetes.*approle.*TOKEN_FILE/],
    [
      'two logins',
      vault({ auth: { kubernetes: { role: 'r', jwtFile: '/j' } } }),
      {},
      /exactly one of .*approle/,
    ],
    [
      'a role id twice',
      vault({
        tokenFile: undefined,
        auth: { approle: { roleId: 'r', roleIdFile: '/r', secretIdFile: '/s' } },
      }),
      {},
      /exactly one of STELLAR_VAULT_AUTH_APPROLE_ROLE_ID/,
    ],
    [
      'an address with a user',
      vault({ address: 'https://hunter2@vault' }),
      {},
      /vault\.address in FILE: must be https/,
    ],
    [
      'an address with a path',
      vault({ address: 'https://vault/ui' }),
      {},
      /vault\.address in FILE: must be https/,
    ],
    ['a mount that climbs', vault({ mount: '../sys' }), {}, /vault\.mount in FILE: must be letters/],
    ['a relative path', pkcs11({ pinFile: 'hunter2' }), {}, /pinFile in FILE: must be an absolute path/],
    [
      'no whole number',
      pkcs11(),
      { STELLAR_JOURNAL_RETENTION_DAYS: '1e3' },
      /RETENTION_DAYS: must be a whole number/,
    ],
    [
      'neither true nor false',
      pkcs11(),
      { STELLAR_JOURNAL_INIT: 'yes' },
      /JOURNAL_INIT: must be true or false/,
    ],
    ['no YAML, by line', 'account: x\nhunter2: [', {}, /FILE: line \d is not YAML/],
    [
      'a field twice',
      `${stringify(pkcs11())}account: hunter2\n`,
      {},
      /FILE: line \d+ is not YAML .*DUPLICATE_KEY/,
    ],
    ['a list', '- hunter2', {}, /FILE: must be a map of options/],
  ] as const)
    it(`@security refuses ${what}, by name and without its value`, () =>
      assert.match(refusal(document, env), says));

  it('@security shows the value of no option in a refusal, wherever it was given', () => {
    for (const { name, variable } of listOptions()) {
      const nested = name.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), 'hunter2 {');
      assert.notEqual(refusal(nested as object), 'taken', name);
      assert.notEqual(refusal({}, { [variable]: 'hunter2 {' }), 'taken', name);
    }
  });

  it('knows which files hold secrets', () => {
    const login = (auth: object) => exposureOf(load(vault({ tokenFile: undefined, auth }))).secretFiles;
    assert.deepEqual(exposureOf(load(pkcs11())), { secretFiles: ['/tls.key', '/pin'] });
    assert.deepEqual(exposureOf(load(vault())), {
      secretFiles: ['/tls.key', '/token'],
      vaultAddress: 'https://vault.example:8200',
    });
    assert.deepEqual(login({ kubernetes: { role: 'r', jwtFile: '/jwt' } }), ['/tls.key', '/jwt']);
    const approle = { secretIdFile: '/secret' };
    assert.deepEqual(login({ approle: { ...approle, roleId: 'r' } }), ['/tls.key', '/secret']);
    assert.deepEqual(login({ approle: { ...approle, roleIdFile: '/role' } }), [
      '/tls.key',
      '/secret',
      '/role',
    ]);
  });

  it('says of a file with aliases, and of a section that is none, what it must be instead', () => {
    writeFileSync(file, 'account: &a GABC\nsignerSocket: *a\n');
    assert.throws(() => loadSignerConfig({ env: {}, file }), {
      code: 'config-invalid',
      message: `configuration refused:\n  ${file}: aliases (*name) are not resolved: write the value out`,
    });
    writeFileSync(file, 'tls: /etc/tls\n');
    assert.throws(() => loadSignerConfig({ env: {}, file }), {
      message: /STELLAR_TLS_… \(tls\): must be a section with options of its own/,
    });
  });

  it('names a file that is not there', () => {
    assert.throws(() => loadSignerConfig({ env: {}, file: '/nowhere.yaml' }), {
      code: 'config-invalid',
      message: /\/nowhere\.yaml: ENOENT/,
    });
  });

  it('describes every option, with an example that it would take', () => {
    const all = listOptions();
    assert.equal(new Set(all.map(({ description }) => description)).size, all.length);
    for (const { name, schema, example, description } of all) {
      assert.ok(schema.safeParse(example).success, `${name} does not take its example`);
      assert.match(description, /^[A-Z].*\.$/, name);
    }
  });

  it('has the variables that were promised', () => {
    const variables = listOptions().map(({ variable }) => variable);
    for (const name of [
      'NETWORK_PASSPHRASE',
      'SIGNER_SOCKET',
      'POLICY_DIR',
      'JOURNAL_EXPECTED_FILE',
      'TLS_KEY_FILE',
    ])
      assert.ok(variables.includes(`STELLAR_${name}`), name);
    for (const name of [
      'PKCS11_POINT_ENCODING',
      'VAULT_AUTH_KUBERNETES_JWT_FILE',
      'VAULT_AUTH_APPROLE_ROLE_ID_FILE',
    ])
      assert.ok(variables.includes(`STELLAR_${name}`), name);
  });

  it('@security explains what is in force and where it came from, and shows nothing that it refuses', () => {
    writeFileSync(file, stringify(pkcs11({ keyId: 'hunter2' })));
    const env = { STELLAR_LOG_LEVEL: 'debug', STELLAR_PKCS11_PIN_FILE: 'hunter2', STELLAR_X: 'hunter2' };
    const { text, fault } = explain(gather({ env, file, init: true }));
    assert.ok(!`${text}${fault}`.includes('hunter2'));
    for (const line of [
      'now: debug (STELLAR_LOG_LEVEL)',
      `now: /journal (journal.dir in ${file})`,
      'now: true (--init)',
      'now: [::]:15889 (the default)',
      'now: refused (STELLAR_PKCS11_PIN_FILE)',
      `now: refused (pkcs11.keyId in ${file})`,
      'now: not set',
    ])
      assert.ok(text.includes(line), line);
    assert.match(fault ?? '', /STELLAR_X: unknown/);
  });

  it('is documented as it is', () => {
    const table = optionTable();
    assert.ok(readFileSync(PAGE, 'utf8').includes(table), `put this into ${PAGE.pathname}:\n${table}`);
  });
});
