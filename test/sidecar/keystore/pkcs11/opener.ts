import { StrKey } from '@stellar/stellar-sdk';
import type pkcs11js from 'pkcs11js';
import { createPkcs11Opener, type Pkcs11Options } from '../../../../sidecar/keystore/pkcs11/open.ts';
import { loadModule } from '../../../../sidecar/keystore/pkcs11/token.ts';
import type { Token } from '../../token.ts';

export const signal = (): AbortSignal => AbortSignal.timeout(30_000);

/** Opens the key of a token that is made later, with other options or a library that `prepare` has put faults into. */
export function openersOf(token: () => Token) {
  let last: pkcs11js.PKCS11;
  const opener = (
    changes: Partial<Pkcs11Options> = {},
    prepare: (lib: pkcs11js.PKCS11) => void = () => undefined,
  ) =>
    createPkcs11Opener(optionsOf(token(), changes), (path) => {
      last = loadModule(path);
      prepare(last);
      return last;
    });
  return {
    opener,
    open: (changes: Partial<Pkcs11Options> = {}) => opener(changes)(signal()),
    /** The library that was loaded last, so that a test can put faults into it later. */
    library: () => last,
  };
}

const optionsOf = (token: Token, changes: Partial<Pkcs11Options>): Pkcs11Options => ({
  module: token.module,
  token: { label: token.tokenLabel },
  key: { label: token.keyLabel },
  pinFile: token.pinFile,
  publicKey: Buffer.from(StrKey.decodeEd25519PublicKey(token.account)),
  ...changes,
});
