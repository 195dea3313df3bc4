import { StrKey } from '@stellar/stellar-sdk/base';
import { createVerifier } from '../keystore/ed25519.ts';
import { keystoreFault } from '../keystore/keystore.ts';
import { probeMessage } from '../keystore/probe.ts';
import { ceremonyError } from './errors.ts';

/** A key as its store shows it. */
export interface KeyFacts {
  /** Label or name; empty when it has none. */
  name: string;
  /** CKA_ID, hexadecimal. */
  id?: string;
  /** 32 bytes; undefined when the store does not show it. */
  publicKey: Buffer | undefined;
  /** As the store answers, in the words of the store. */
  attributes: Readonly<Record<string, unknown>>;
  /** Why the signer would refuse to use it. */
  fault: string | undefined;
}

/** A PKCS#11 token or a transit mount, for the ceremony: the one place where keys are made. */
export interface KeyStore {
  /** For people. */
  readonly place: string;
  /** All keys, or those of one name. */
  list(name?: string): Promise<KeyFacts[]>;
  /** Makes a key that never leaves the store. */
  generate(name: string): Promise<void>;
  /** Takes a key in so that it cannot be read again. */
  importSeed(name: string, seed: Buffer, publicKey: Buffer): Promise<void>;
  /** Pure Ed25519, not verified. */
  sign(name: string, message: Buffer): Promise<Buffer>;
  /** From the store's own source; undefined when it has none that is offered. */
  random: ((bytes: number) => Buffer) | undefined;
  close(): Promise<void>;
}

/** @throws CodedError `key-exists` */
export async function refuseTaken(store: KeyStore, name: string): Promise<void> {
  if ((await store.list(name)).length > 0)
    throw ceremonyError('key-exists', `${store.place} has a key ${name} already: choose another name`);
}

/**
 * The signer's own checks, and a signature over something that can be no transaction. Without `expected` the key must
 * be of the account that the store shows.
 * @throws CodedError saying which check failed
 */
export async function verifyKey(
  store: KeyStore,
  name: string,
  expected?: Buffer,
): Promise<KeyFacts & { publicKey: Buffer }> {
  const found = await store.list(name);
  const [facts] = found;
  if (facts === undefined) throw keystoreFault('key-missing', `${store.place} has no key ${name}`);
  if (found.length > 1)
    throw keystoreFault('key-ambiguous', `${found.length} keys have the name ${name} in ${store.place}`);
  if (facts.fault !== undefined) throw keystoreFault('key-unsafe', facts.fault);
  const publicKey = expected ?? facts.publicKey;
  if (publicKey === undefined)
    throw ceremonyError('usage', `${store.place} does not show the public key of ${name}: give --account`);
  if (facts.publicKey?.equals(publicKey) === false)
    throw ceremonyError('account-mismatch', `the key ${name} is of ${accountOf(facts.publicKey)}`);
  await signVerified(store, name, probeMessage(), publicKey);
  return { ...facts, publicKey };
}

/** @throws CodedError `signature-invalid` */
export async function signVerified(
  store: KeyStore,
  name: string,
  message: Buffer,
  publicKey: Buffer,
): Promise<Buffer> {
  const signature = await store.sign(name, message);
  if (!createVerifier(publicKey)(message, signature))
    throw ceremonyError('signature-invalid', `the key ${name} does not sign for ${accountOf(publicKey)}`);
  return signature;
}

export const accountOf = (publicKey: Buffer): string => StrKey.encodeEd25519PublicKey(publicKey);

/** @throws CodedError `usage` naming the option, which holds no secret: secrets were refused before */
export function publicKeyOfAccount(account: string): Buffer {
  if (!StrKey.isValidEd25519PublicKey(account))
    throw ceremonyError('usage', '--account must be an account (G…) with a right checksum');
  return Buffer.from(StrKey.decodeEd25519PublicKey(account));
}
