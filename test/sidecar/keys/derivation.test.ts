import assert from 'node:assert/strict';
import { entropyToMnemonic, mnemonicToSeedSync } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { StrKey } from '@stellar/stellar-sdk';
import fc from 'fast-check';
import { checkMnemonic, holdsMnemonic, mnemonicOf, seedOf } from '../../../sidecar/keys/mnemonic.ts';
import { deriveKey, publicKeyOf, stellarPath } from '../../../sidecar/keys/slip10.ts';
import { SEP5, SLIP10 } from './vectors.ts';

const check = (text: string): string => checkMnemonic(Buffer.from(text)).toString();

describe('key derivation @security', () => {
  it('reads all vectors', () => {
    assert.deepEqual(
      SEP5.map(({ accounts }) => accounts.length),
      [10, 10, 10, 10, 10],
    );
    assert.equal(SLIP10.length, 12);
  });

  for (const vector of SLIP10)
    it(`SLIP-0010, seed of ${vector.seed.length} bytes, ${vector.path}`, () => {
      const { key, chainCode } = deriveKey(vector.seed, vector.indexes);
      assert.deepEqual(
        [key.toString('hex'), chainCode.toString('hex'), publicKeyOf(key).toString('hex')],
        [vector.key, vector.chainCode, vector.publicKey],
      );
    });

  for (const [i, vector] of SEP5.entries())
    it(`SEP-0005, test ${i + 1}`, () => {
      const seed = seedOf(checkMnemonic(Buffer.from(vector.mnemonic)), Buffer.from(vector.passphrase));
      assert.equal(seed.toString('hex'), vector.seed);
      assert.equal(deriveKey(seed, [44, 148]).key.toString('hex'), vector.coinKey);
      for (const [index, { path, account, secret }] of vector.accounts.entries()) {
        assert.equal(path, `m/44'/148'/${index}'`);
        const { key } = deriveKey(seed, stellarPath(index));
        assert.equal(StrKey.encodeEd25519SecretSeed(key), secret);
        assert.equal(StrKey.encodeEd25519PublicKey(publicKeyOf(key)), account);
      }
    });

  it('knows no index that is not hardened', () => {
    for (const index of [-1, 0.5, 2 ** 31, Number.NaN])
      assert.throws(() => deriveKey(Buffer.alloc(64), [index]), RangeError);
  });

  it('makes and reads the mnemonics that an independent implementation makes', () => {
    const entropy = fc
      .constantFrom(16, 20, 24, 28, 32)
      .chain((n) => fc.uint8Array({ minLength: n, maxLength: n }));
    fc.assert(
      fc.property(entropy, (bytes) => {
        const expected = entropyToMnemonic(bytes, wordlist);
        assert.equal(mnemonicOf(Buffer.from(bytes)).toString(), expected);
        assert.equal(check(`  ${expected.toUpperCase().replaceAll(' ', '\r\n\t ')}\n`), expected);
      }),
      { numRuns: 100 },
    );
  });

  it('normalizes the passphrase as an independent implementation does', () => {
    const [{ mnemonic }] = SEP5 as [(typeof SEP5)[0]];
    for (const passphrase of ['', 'p4ss phrase', 'Ångström ﬁ ㍍', 'パスワード', '\u{1f511}'])
      assert.deepEqual(
        seedOf(Buffer.from(mnemonic), Buffer.from(passphrase)),
        Buffer.from(mnemonicToSeedSync(mnemonic, passphrase)),
      );
    assert.throws(() => seedOf(Buffer.from(mnemonic), Buffer.from([0xff, 0xfe])), {
      code: 'passphrase-invalid',
    });
  });

  it('refuses a mnemonic that is wrong, and repeats no word of it', () => {
    const words = SEP5[0]!.mnemonic.split(' ');
    const cases: [string, RegExp][] = [
      ['', /12, 15, 18, 21 or 24 words, 0 were given/],
      [words.slice(1).join(' '), /11 were given/],
      [[...words, 'toe'].join(' '), /13 were given/],
      [[...words.slice(0, 6), 'braim', ...words.slice(7, 11), 'toes'].join(' '), /word 7, 12$/],
      [words.toReversed().join(' '), /checksum/],
      [[...words.slice(0, 11), 'zoo'].join(' '), /checksum/],
    ];
    for (const [text, message] of cases)
      assert.throws(
        () => check(text),
        (error: Error & { code: string }) => {
          assert.match(error.message, message);
          assert.equal(error.code, 'mnemonic-invalid');
          for (const word of [...words, 'braim', 'toes'])
            assert.ok(!new RegExp(`\\b${word}\\b`).test(error.message), word);
          return true;
        },
      );
  });

  it('overwrites nothing that a caller still needs, and gives a copy', () => {
    const typed = Buffer.from(SEP5[0]!.mnemonic);
    const mnemonic = checkMnemonic(typed);
    typed.fill(0);
    assert.equal(mnemonic.toString(), SEP5[0]!.mnemonic);
  });

  it('sees a mnemonic in a text', () => {
    for (const { mnemonic } of SEP5) {
      assert.ok(holdsMnemonic(mnemonic));
      assert.ok(holdsMnemonic(`--words=${mnemonic.toUpperCase().replaceAll(' ', ',')} # mine`));
    }
    assert.ok(!holdsMnemonic(SEP5[0]!.mnemonic.split(' ').slice(1).join(' ')));
    assert.ok(!holdsMnemonic('/usr/lib/softhsm/libsofthsm2.so'));
  });
});
