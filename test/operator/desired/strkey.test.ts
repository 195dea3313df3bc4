import assert from 'node:assert/strict';
import { StrKey } from '@stellar/stellar-sdk';
import fc from 'fast-check';
import { isAccount } from '../../../operator/desired/strkey.ts';

describe('the checksum of an account', () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 });

  it('is right for every public key that the Stellar SDK writes', () => {
    fc.assert(
      fc.property(key, (bytes) => assert.ok(isAccount(StrKey.encodeEd25519PublicKey(Buffer.from(bytes))))),
    );
  });

  it('is wrong when any letter is another', () => {
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'];
    fc.assert(
      fc.property(key, fc.nat(55), fc.constantFrom(...letters), (bytes, at, letter) => {
        const account = StrKey.encodeEd25519PublicKey(Buffer.from(bytes));
        fc.pre(account[at] !== letter);
        const changed = account.slice(0, at) + letter + account.slice(at + 1);
        assert.equal(isAccount(changed), false);
        assert.equal(StrKey.isValidEd25519PublicKey(changed), false);
      }),
    );
  });

  it('is of an account: no seed, no other key, no other length @security', () => {
    fc.assert(
      fc.property(key, (bytes) => {
        const seed = StrKey.encodeEd25519SecretSeed(Buffer.from(bytes));
        assert.equal(isAccount(seed), false);
        assert.equal(isAccount(StrKey.encodePreAuthTx(Buffer.from(bytes))), false);
        assert.equal(isAccount(StrKey.encodeEd25519PublicKey(Buffer.from(bytes)).slice(0, 55)), false);
      }),
    );
  });
});
