import { StrKey } from '@stellar/stellar-sdk/base';

/** The account of a G… or M… address. */
export const accountOf = (address: string): string =>
  address.startsWith('M')
    ? StrKey.encodeEd25519PublicKey(StrKey.decodeMed25519PublicKey(address).subarray(0, 32))
    : address;

/** A signed payload that signs nothing: 32 bytes of key, a length of zero and the checksum give a strkey of this length. */
export const isEmptyPayload = (key: string): boolean => key.startsWith('P') && key.length === 63;
