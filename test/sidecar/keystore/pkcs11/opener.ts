import { StrKey } from '@stellar/stellar-sdk';
import type pkcs11js from 'pkcs11js';
import { createPkcs11Opener, type Pkcs11Options } from '../../../../sidecar/keystore/pkcs11/open.ts';
import { loadModule } from '../../../../sidecar/keystore/pkcs11/token.ts';
import type { Token } from '../../token.ts';

export const signal = (): AbortSignal => AbortSignal.timeout(30_000);

/**
 * Openers of a token's key with other options, or with a library that `prepare` has put faults into. `loaded` is told of each
 * library, so that a test can put faults into it later.
 */
export const openerFor =
  (token: Token, loaded: (lib: pkcs11js.PKCS11) => void) =>
  (changes: Partial<Pkcs11Options> = {}, prepare: (lib: pkcs11js.PKCS11) => void = () => undefined) =>
    createPkcs11Opener(
      {
        module: token.module,
        token: { label: token.tokenLabel },
        key: { label: token.keyLabel },
        pinFile: token.pinFile,
        publicKey: Buffer.from(StrKey.decodeEd25519PublicKey(token.account)),
        ...changes,
      },
      (path) => {
        const lib = loadModule(path);
        prepare(lib);
        loaded(lib);
        return lib;
      },
    );
