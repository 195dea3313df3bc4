import graphene from 'graphene-pk11';
import pkcs11js from 'pkcs11js';
import { keystoreFault } from '../keystore.ts';
import { codeOf } from './ladder.ts';
import { rawPublicKey } from './point.ts';
import { ED25519_NAME, ED25519_OID, type PointEncoding, type Vendor } from './vendors.ts';

export type KeyName = { label: string } | { id: Buffer };

export interface FoundKey {
  /** Valid in every session while the login lasts. */
  handle: Buffer;
  /** As the token shows it; undefined when it shows none. */
  publicKey: Buffer | undefined;
}

/** What a key must be so that it can sign, and do nothing but sign. */
const RULES = [
  { name: 'CKA_SENSITIVE', type: pkcs11js.CKA_SENSITIVE, value: true, mustBeKnown: true },
  { name: 'CKA_EXTRACTABLE', type: pkcs11js.CKA_EXTRACTABLE, value: false, mustBeKnown: true },
  { name: 'CKA_SIGN', type: pkcs11js.CKA_SIGN, value: true, mustBeKnown: true },
  { name: 'CKA_TOKEN', type: pkcs11js.CKA_TOKEN, value: true },
  { name: 'CKA_PRIVATE', type: pkcs11js.CKA_PRIVATE, value: true },
  { name: 'CKA_SIGN_RECOVER', type: pkcs11js.CKA_SIGN_RECOVER, value: false },
  { name: 'CKA_DECRYPT', type: pkcs11js.CKA_DECRYPT, value: false },
  { name: 'CKA_UNWRAP', type: pkcs11js.CKA_UNWRAP, value: false },
  { name: 'CKA_DERIVE', type: pkcs11js.CKA_DERIVE, value: false },
  // It would ask for the PIN at each signature.
  { name: 'CKA_ALWAYS_AUTHENTICATE', type: pkcs11js.CKA_ALWAYS_AUTHENTICATE, value: false },
] as const;

/**
 * Finds the one private key of that name and refuses one that is not safe in the token. Labels are not unique in
 * PKCS#11: with two keys of one name nobody knows which one signs.
 * @param what names it in messages: `key`, `audit key`
 * @throws KeystoreFault `key-missing`, `key-ambiguous`, `key-unsafe`, or what the binding throws
 */
export function findKey(
  session: graphene.Session,
  name: KeyName,
  what: string,
  vendor: Pick<Vendor, 'pointEncoding' | 'keyTypes' | 'alwaysTrue'>,
): FoundKey {
  const text = 'label' in name ? `label ${name.label}` : `id ${name.id.toString('hex')}`;
  const keys = session.find({ class: graphene.ObjectClass.PRIVATE_KEY, ...name });
  if (keys.length === 0)
    throw keystoreFault('key-missing', `the ${what} is missing: no private key has the ${text}`);
  if (keys.length > 1)
    throw keystoreFault(
      'key-ambiguous',
      `the ${what} is ambiguous: ${keys.length} private keys have the ${text}, exactly one must`,
    );
  const { handle } = keys.items(0);
  const wrong = wrongAttributes(session, handle, vendor);
  if (wrong.length > 0)
    throw keystoreFault('key-unsafe', `the ${what} with the ${text} is refused: ${wrong.join(', ')}`);
  const points = publicPoints(session, name, handle);
  const raw = points.map((point) => readPoint(point, vendor.pointEncoding, `${what} with the ${text}`));
  if (raw.some((publicKey) => !publicKey.equals(raw[0]!)))
    throw keystoreFault('key-ambiguous', `the ${what} is ambiguous: public keys of the ${text} differ`);
  return { handle, publicKey: raw[0] };
}

function wrongAttributes(
  session: graphene.Session,
  handle: Buffer,
  { keyTypes, alwaysTrue }: Pick<Vendor, 'keyTypes' | 'alwaysTrue'>,
): string[] {
  const wrong: string[] = [];
  const keyType = attribute(session, handle, pkcs11js.CKA_KEY_TYPE);
  if (keyType === undefined || !keyTypes.includes(Number(keyType.readBigUInt64LE())))
    wrong.push('CKA_KEY_TYPE is not CKK_EC_EDWARDS');
  const curve = attribute(session, handle, pkcs11js.CKA_EC_PARAMS);
  if (curve !== undefined && !curve.equals(ED25519_OID) && !curve.equals(ED25519_NAME))
    wrong.push('CKA_EC_PARAMS is not edwards25519');
  for (const rule of RULES) {
    const value = attribute(session, handle, rule.type);
    if (value === undefined ? !('mustBeKnown' in rule) : (value[0] !== 0) === rule.value) continue;
    if (value !== undefined && alwaysTrue.includes(rule.name)) continue;
    wrong.push(`${rule.name} is not ${rule.value}`);
  }
  return wrong;
}

/** CKA_EC_POINT of the public objects of that name; without one, of the private object, where some tokens have it too. */
function publicPoints(session: graphene.Session, name: KeyName, handle: Buffer): Buffer[] {
  const found = session.find({ class: graphene.ObjectClass.PUBLIC_KEY, ...name });
  const handles = Array.from({ length: found.length }, (_, i) => found.items(i).handle);
  return (handles.length > 0 ? handles : [handle])
    .map((object) => attribute(session, object, pkcs11js.CKA_EC_POINT))
    .filter((point) => point !== undefined);
}

function readPoint(point: Buffer, encoding: PointEncoding, key: string): Buffer {
  const raw = rawPublicKey(point, encoding);
  if (raw !== undefined) return raw;
  throw keystoreFault(
    'wrong-account',
    `the public key of the ${key} cannot be read: CKA_EC_POINT has ${point.length} bytes, begins with ` +
      `${point.subarray(0, 3).toString('hex')}, and pointEncoding is ${encoding}`,
  );
}

/**
 * By number, on the library itself: graphene gives undefined for CKA_EC_PARAMS under its own name, since it takes 0x180 for
 * another one. @returns undefined when the token does not know the attribute or does not show it
 */
function attribute(session: graphene.Session, object: Buffer, type: number): Buffer | undefined {
  try {
    const [first] = session.lib.C_GetAttributeValue(session.handle, object, [{ type }]);
    const value = first?.value;
    return Buffer.isBuffer(value) && value.length > 0 ? value : undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code === pkcs11js.CKR_ATTRIBUTE_TYPE_INVALID || code === pkcs11js.CKR_ATTRIBUTE_SENSITIVE)
      return undefined;
    throw error;
  }
}
