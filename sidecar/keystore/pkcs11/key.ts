import graphene from 'graphene-pk11';
import { keystoreFault } from '../keystore.ts';
import { rawPublicKey } from './point.ts';

export type KeyName = { label: string } | { id: Buffer };

/** CKK_EC_EDWARDS of PKCS#11 3.0, section 6.3; neither binding names it. */
const CKK_EC_EDWARDS = 0x40;

/**
 * Finds the one private key of that name and refuses one that is not safe in the token or not the pinned account's.
 * Labels are not unique in PKCS#11: with two keys of one name nobody knows which one signs.
 * @returns the key's handle, valid in every session while the login lasts, and whether the token showed its public key
 * @throws KeystoreFault `key-missing`, `key-ambiguous`, `key-unsafe`, `wrong-account`
 */
export function findKey(
  session: graphene.Session,
  name: KeyName,
  publicKey: Buffer,
): { handle: Buffer; compared: boolean } {
  const text = 'label' in name ? `label ${name.label}` : `id ${name.id.toString('hex')}`;
  const keys = session.find({ class: graphene.ObjectClass.PRIVATE_KEY, ...name });
  if (keys.length === 0) throw keystoreFault('key-missing', `no private key has the ${text}`);
  if (keys.length > 1)
    throw keystoreFault('key-ambiguous', `${keys.length} private keys have the ${text}, exactly one must`);
  const key = keys.items(0);
  checkAttributes(key, text);
  return { handle: key.handle, compared: checkPublicKey(session, name, publicKey) };
}

function checkAttributes(key: graphene.SessionObject, text: string): void {
  const wrong = [
    key.getAttribute('keyType') === CKK_EC_EDWARDS ? '' : 'CKA_KEY_TYPE is not CKK_EC_EDWARDS',
    key.getAttribute('sensitive') === true ? '' : 'CKA_SENSITIVE is not true',
    key.getAttribute('extractable') === false ? '' : 'CKA_EXTRACTABLE is not false',
    key.getAttribute('sign') === true ? '' : 'CKA_SIGN is not true',
  ].filter((fault) => fault !== '');
  if (wrong.length > 0)
    throw keystoreFault('key-unsafe', `the key with the ${text} is refused: ${wrong.join(', ')}`);
}

/**
 * Compares the token's public key object with the pinned account, for a clear message. Some tokens keep no such
 * object; the probe signature after opening decides then, as it does anyway.
 */
function checkPublicKey(session: graphene.Session, name: KeyName, publicKey: Buffer): boolean {
  const found = session.find({ class: graphene.ObjectClass.PUBLIC_KEY, ...name });
  for (let i = 0; i < found.length; i++) {
    const raw = rawPublicKey(found.items(i).getAttribute('pointEC'));
    if (raw?.equals(publicKey) !== true)
      throw keystoreFault('wrong-account', 'the public key in the token is not that of STELLAR_ACCOUNT');
  }
  return found.length > 0;
}
