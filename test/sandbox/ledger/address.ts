import { StrKey } from '@stellar/stellar-sdk/base';

/** The account of a G… or M… address. */
export const accountOf = (address: string): string =>
  address.startsWith('M')
    ? StrKey.encodeEd25519PublicKey(StrKey.decodeMed25519PublicKey(address).subarray(0, 32))
    : address;
