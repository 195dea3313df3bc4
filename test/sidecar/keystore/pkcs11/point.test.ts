import assert from 'node:assert/strict';
import { rawPublicKey } from '../../../../sidecar/keystore/pkcs11/point.ts';

describe('CKA_EC_POINT', () => {
  const raw = Buffer.from(Array.from({ length: 32 }, (_, i) => i));

  it('is read raw, as an OCTET STRING and as a BIT STRING', () => {
    for (const prefix of ['', '0420', '032100'])
      assert.deepEqual(rawPublicKey(Buffer.concat([Buffer.from(prefix, 'hex'), raw])), raw);
  });

  it('is read in one form alone when that form is given', () => {
    const forms = { Raw: '', DerOctetString: '0420', BitString: '032100' } as const;
    for (const [encoding, prefix] of Object.entries(forms))
      for (const given of Object.keys(forms) as (keyof typeof forms)[])
        assert.equal(
          rawPublicKey(Buffer.concat([Buffer.from(prefix, 'hex'), raw]), given)?.equals(raw) ?? false,
          given === encoding,
        );
  });

  it('is nothing else', () => {
    for (const prefix of ['04', '0520', '0421', '032101', '042000', '04200420'])
      assert.equal(rawPublicKey(Buffer.concat([Buffer.from(prefix, 'hex'), raw])), undefined);
    assert.equal(rawPublicKey(Buffer.alloc(0)), undefined);
  });
});
