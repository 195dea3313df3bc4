import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { generateKey } from '../token.ts';
import { run } from './command.ts';
import { inToken, ownToken } from './own-token.ts';
import { SEP5 } from './vectors.ts';

const [{ mnemonic, accounts }] = SEP5 as [(typeof SEP5)[0]];
const { account, secret } = accounts[0]!;

describe('what the ceremony refuses @security', function () {
  this.timeout(60_000);

  it('a secret in any variable, by the name of the variable', async () => {
    for (const value of [mnemonic, mnemonic.toUpperCase(), `words: ${mnemonic}`, secret, `key=${secret}`]) {
      const { code, stdout, stderr } = await run(['derive'], {
        env: { HOME: '/', NOTE: value },
        stdin: mnemonic,
      });
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, /the variable NOTE holds a mnemonic or secret key/);
      assertNoWord(stderr);
    }
  });

  it('a secret as the value of any option', async () => {
    for (const args of [
      ['list', '--pin-file', mnemonic],
      ['list', `--token-label=${secret}`],
      ['import', '--passphrase', mnemonic],
      [mnemonic],
    ]) {
      const { code, stderr } = await run(args);
      assert.equal(code, 2);
      assert.match(stderr, /the arguments hold/);
      assertNoWord(stderr);
    }
  });

  it('two places for keys, none, and half of one', async () => {
    const vault = { STELLAR_VAULT_ADDRESS: 'https://127.0.0.1:1' };
    const token = { STELLAR_PKCS11_MODULE: '/none.so' };
    for (const [env, message] of [
      [{}, /exactly one of --pkcs11-module and --vault-address/],
      [{ ...vault, ...token }, /exactly one of --pkcs11-module and --vault-address/],
      [token, /exactly one of --token-label and --token-serial/],
      [{ ...token, STELLAR_PKCS11_TOKEN_LABEL: 'a' }, /give --pin-file, or run it on a terminal/],
      [vault, /give --vault-token-file, or run it on a terminal/],
    ] as const) {
      const { code, stderr } = await run(['list'], { env });
      assert.ok(code === 1 || code === 2);
      assert.match(stderr, message);
    }
  });

  it('plain HTTP to Vault beyond loopback', async () => {
    const env = { STELLAR_VAULT_ADDRESS: 'http://vault.example:8200' };
    const { code, stderr } = await run(['list'], { env, type: [[/Vault token/, 'root\r']] });
    assert.equal(code, 2);
    assert.match(stderr, /^signer keys: --vault-address must be .*http only to loopback$/m);
  });

  it('a PIN after one try, typed or from a file', async () => {
    const { STELLAR_PKCS11_PIN_FILE: pinFile, ...withoutPin } = ownToken();
    const typed = await run(['list'], {
      env: withoutPin,
      type: [[/PIN/, 'wrong-pin\r']],
    });
    assert.deepEqual([typed.code, typed.stdout], [1, '']);
    assert.match(typed.stderr, /the token refused the PIN/);
    assert.ok(!typed.stderr.includes('wrong-pin'));
    const right = await run(['list'], {
      env: withoutPin,
      type: [[/PIN/, `${readFileSync(pinFile!, 'utf8')}\r`]],
    });
    assert.equal(right.code, 0);
  });

  it('to import without an account to compare with', async () => {
    const { code, stderr } = await run(['import', '--key', 'a'], { stdin: mnemonic });
    assert.equal(code, 2);
    assert.match(stderr, /--account must be given/);
    const mistyped = await run(['import', '--key', 'a', '--account', `${account.slice(0, -1)}A`]);
    assert.match(mistyped.stderr, /right checksum/);
  });

  it('to tell a key safe that the signer would not take', async () => {
    const env = ownToken();
    const before = await run(['verify', '--key', 'loose'], { env });
    assert.match(before.stderr, /has no key loose/);
    inToken(env, (session) => {
      generateKey(session, { label: 'loose', id: Buffer.from('aa', 'hex'), extractable: true });
      generateKey(session, { label: 'twin', id: Buffer.from('bb', 'hex') });
      generateKey(session, { label: 'twin', id: Buffer.from('cc', 'hex') });
    });
    const shown = await run(['list'], { env });
    assert.match(
      shown.stdout,
      /loose id aa\n.*\n.*extractable=true.*\n {2}NOT SAFE: .*CKA_EXTRACTABLE is not false/,
    );
    assert.match(shown.stdout, /twin id bb\n.*\n.*\n {2}NOT SAFE: .*2 private keys/);
    for (const name of ['loose', 'twin']) {
      const { code, stdout } = await run(['verify', '--key', name], { env });
      assert.deepEqual([code, stdout], [1, '']);
    }
  });
});

function assertNoWord(text: string): void {
  for (const word of [...new Set(mnemonic.split(' ')), secret])
    assert.ok(!new RegExp(`\\b${word}\\b`, 'i').test(text), `${word} in ${text}`);
}
