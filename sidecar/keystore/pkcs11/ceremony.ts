import { randomBytes } from 'node:crypto';
import graphene from 'graphene-pk11';
import type pkcs11js from 'pkcs11js';
import { messageOf } from '../../../common/errors.ts';
import type { Secret } from '../../../common/secret.ts';
import type { KeyFacts, KeyStore } from '../../keys/store.ts';
import { keystoreFault } from '../keystore.ts';
import { findKey, type KeyName } from './key.ts';
import { codeOf } from './ladder.ts';
import { finalize, findSlot, initialize, loadModule, login, type TokenName } from './token.ts';
import { type PointEncoding, parameterBytes, type Vendor } from './vendors.ts';

const PUBLIC = { token: true, verify: true } as const;

/** What the signer wants of a private key (its rules are in key.ts), asked for when it is made: a token gives rights that are not denied. */
export const PRIVATE = {
  token: true,
  private: true,
  sensitive: true,
  extractable: false,
  sign: true,
  signRecover: false,
  decrypt: false,
  unwrap: false,
  derive: false,
} as const;

export interface CeremonyTokenOptions {
  /** Path of the module. */
  module: string;
  token: TokenName;
  vendor: Vendor;
  /** CKA_ID of a key that is made; random if absent. */
  keyId?: Buffer | undefined;
}

/**
 * Opens a token to make keys in it, in a session that may write. The PIN is sent once: tokens lock after a few tries.
 * @throws KeystoreFault `module-unusable`, `token-missing`, `pin-refused`, `keystore-failed`
 */
export function openToken(options: CeremonyTokenOptions, pin: Secret): KeyStore {
  const lib = loadModule(options.module);
  initialize(lib);
  try {
    const slot = findSlot(lib, options.token);
    const session = slot.open(graphene.SessionFlag.SERIAL_SESSION | graphene.SessionFlag.RW_SESSION);
    if (!login(session, pin)) throw keystoreFault('pin-refused', 'the token refused the PIN');
    return createStore(lib, slot, session, options);
  } catch (error) {
    finalize(lib);
    throw error;
  }
}

function createStore(
  lib: pkcs11js.PKCS11,
  slot: graphene.Slot,
  session: graphene.Session,
  options: CeremonyTokenOptions,
): KeyStore {
  const { vendor } = options;
  const [keyType] = vendor.keyTypes;
  const newName = (label: string) => {
    const id = options.keyId ?? randomBytes(8);
    if (session.find({ class: graphene.ObjectClass.PRIVATE_KEY, id }).length > 0)
      throw keystoreFault('key-ambiguous', `a key has the id ${id.toString('hex')} already`);
    return { label, id, keyType: keyType! };
  };
  /** The first of the vendor's numbers that this token lists. */
  const mechanism = (numbers: readonly number[]): number => {
    const listed = lib.C_GetMechanismList(slot.handle);
    return numbers.find((number) => listed.includes(number)) ?? numbers[0]!;
  };

  return {
    place: 'the token',
    list: async (name) => attempt('C_FindObjects', () => listKeys(session, name, vendor)),
    generate: async (name) =>
      attempt('C_GenerateKeyPair', () => {
        const names = newName(name);
        session.generateKeyPair(
          mechanism(vendor.keyPairMechanisms) as graphene.MechanismEnum,
          { ...names, ...PUBLIC, paramsEC: vendor.ecParams },
          // Without the curve: the token takes it from the public half, and SoftHSM refuses it here.
          { ...names, ...PRIVATE },
        );
      }),
    importSeed: async (name, seed, publicKey) =>
      attempt('C_CreateObject', () => {
        const names = newName(name);
        const pointEC = Buffer.concat([pointPrefix(vendor.pointEncoding), publicKey]);
        const shown = session.create({
          class: graphene.ObjectClass.PUBLIC_KEY,
          ...names,
          ...PUBLIC,
          paramsEC: vendor.ecParams,
          pointEC,
        });
        try {
          session.create({
            class: graphene.ObjectClass.PRIVATE_KEY,
            ...names,
            ...PRIVATE,
            paramsEC: vendor.ecParams,
            value: seed,
          });
        } catch (error) {
          shown.destroy();
          throw error;
        }
      }),
    sign: async (name, message) =>
      attempt('C_Sign', () => {
        const { handle } = findKey(session, { label: name }, 'key', vendor);
        const parameter = parameterBytes(vendor.parameter);
        lib.C_SignInit(
          session.handle,
          { mechanism: mechanism(vendor.mechanisms), ...(parameter === undefined ? {} : { parameter }) },
          handle,
        );
        return Buffer.from(lib.C_Sign(session.handle, message, Buffer.alloc(64)));
      }),
    random: (bytes) => attempt('C_GenerateRandom', () => session.generateRandom(bytes)),
    close: async () => finalize(lib),
  };
}

/** An OCTET STRING where the vendor's form is not known: PKCS#11 2.40, section 2.3.3, and what most take. */
const pointPrefix = (encoding: PointEncoding): Buffer =>
  Buffer.from({ Raw: '', BitString: '032100', DerOctetString: '0420', Auto: '0420' }[encoding], 'hex');

function listKeys(session: graphene.Session, label: string | undefined, vendor: Vendor): KeyFacts[] {
  const filter = label === undefined ? {} : { label };
  const keys = session.find({ class: graphene.ObjectClass.PRIVATE_KEY, ...filter });
  return Array.from({ length: keys.length }, (_, i) => {
    const key = keys.items(i);
    const name = String(attribute(key, 'label') ?? '');
    const id = (attribute(key, 'id') as Buffer | undefined) ?? Buffer.alloc(0);
    return {
      name,
      id: id.toString('hex'),
      attributes: {
        sensitive: attribute(key, 'sensitive'),
        extractable: attribute(key, 'extractable'),
        sign: attribute(key, 'sign'),
        'always-sensitive': attribute(key, 'alwaysSensitive'),
        'never-extractable': attribute(key, 'neverExtractable'),
        local: attribute(key, 'local'),
      },
      ...judge(session, name === '' ? { id } : { label: name }, vendor),
    };
  });
}

/** The signer's own judgement, so that there is no other. */
function judge(
  session: graphene.Session,
  name: KeyName,
  vendor: Vendor,
): Pick<KeyFacts, 'publicKey' | 'fault'> {
  try {
    return { publicKey: findKey(session, name, 'key', vendor).publicKey, fault: undefined };
  } catch (error) {
    return { publicKey: undefined, fault: messageOf(error) };
  }
}

/** Tokens differ in the attributes that they know. */
function attribute(object: graphene.SessionObject, name: string): unknown {
  try {
    return object.getAttribute(name);
  } catch {
    return undefined;
  }
}

/** Names the function that failed; a template, which may hold a seed, is in no message of the binding. */
function attempt<Result>(what: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    throw keystoreFault('keystore-failed', `${what}: ${messageOf(error)}`);
  }
}
