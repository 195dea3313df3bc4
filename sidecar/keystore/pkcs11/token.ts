import graphene from 'graphene-pk11';
import pkcs11js from 'pkcs11js';
import { messageOf } from '../../../common/errors.ts';
import type { Secret } from '../../../common/secret.ts';
import { keystoreFault } from '../keystore.ts';
import { codeOf } from './ladder.ts';

/** How a token is named: slot numbers change when a token is initialized, so they are never used. */
export type TokenName = { label: string } | { serial: string };

/** @throws KeystoreFault `module-unusable` */
export function loadModule(path: string): pkcs11js.PKCS11 {
  const lib = new pkcs11js.PKCS11();
  try {
    lib.load(path);
  } catch (cause) {
    throw keystoreFault('module-unusable', `cannot load the PKCS#11 module ${path}`, cause);
  }
  return lib;
}

/**
 * C_Initialize. CKF_OS_LOCKING_OK is not optional: without it the module does no locking and asynchronous signatures
 * in several sessions corrupt its memory. Called on the library itself, since graphene's `initialize` takes "already
 * initialized" (by someone with other flags) for success. What is initialized still was left by a C_Finalize of ours
 * that failed.
 */
export function initialize(lib: pkcs11js.PKCS11): void {
  const attempt = (): void => lib.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
  try {
    try {
      attempt();
    } catch (error) {
      if (codeOf(error) !== pkcs11js.CKR_CRYPTOKI_ALREADY_INITIALIZED) throw error;
      lib.C_Finalize();
      attempt();
    }
  } catch (cause) {
    throw keystoreFault('module-unusable', `C_Initialize: ${messageOf(cause)}`, cause);
  }
}

/** C_Finalize of a module that may be broken: why it failed matters less than why it is given back. */
export function finalize(lib: pkcs11js.PKCS11): void {
  try {
    lib.C_Finalize();
  } catch {
    // The next `initialize` tries again.
  }
}

/** @throws KeystoreFault `token-missing` unless exactly one slot holds such a token */
export function findSlot(lib: pkcs11js.PKCS11, name: TokenName): graphene.Slot {
  const slots = new graphene.Module(lib).getSlots(true);
  const found: graphene.Slot[] = [];
  let broken: unknown;
  for (let i = 0; i < slots.length; i++) {
    try {
      const slot = slots.items(i);
      const token = slot.getToken();
      if ('label' in name ? token.label === name.label : token.serialNumber.trim() === name.serial)
        found.push(slot);
    } catch (error) {
      // Another one's card that is broken or pulled out just now is no reason not to use ours.
      broken ??= error;
    }
  }
  const [slot] = found;
  const text = 'label' in name ? `label ${name.label}` : `serial ${name.serial}`;
  if (slot === undefined && broken !== undefined) throw broken;
  if (slot === undefined || found.length > 1)
    throw keystoreFault('token-missing', `${found.length} tokens have the ${text}, exactly one must`);
  return slot;
}

/** From here on codes are the vendor's own (PKCS#11 3.1, section 3.6); the binding has no name for it. */
const CKR_VENDOR_DEFINED = 0x80000000;

const PIN_REFUSALS: readonly number[] = [
  pkcs11js.CKR_PIN_INCORRECT,
  pkcs11js.CKR_PIN_INVALID,
  pkcs11js.CKR_PIN_LEN_RANGE,
  pkcs11js.CKR_PIN_EXPIRED,
  pkcs11js.CKR_PIN_LOCKED,
];

/**
 * C_Login in this session, which holds for all sessions of the process while one is open.
 * @returns false when the token refused the PIN
 * @throws KeystoreFault for anything else that went wrong: `keystore-failed`, or `keystore-refused` for a code of the
 *   vendor's own. That may mean that the token counts the PIN as wrong, so it must not be tried again in a hurry.
 */
export function login(session: graphene.Session, pin: Secret): boolean {
  try {
    // The binding takes a string, so V8 keeps a copy of the PIN until it is collected: it cannot be overwritten.
    session.login(pin.reveal().toString('utf8'));
    return true;
  } catch (cause) {
    const code = codeOf(cause);
    if (code === pkcs11js.CKR_USER_ALREADY_LOGGED_IN) return true;
    if (code !== undefined && PIN_REFUSALS.includes(code)) return false;
    const isVendors = code !== undefined && code >= CKR_VENDOR_DEFINED;
    throw keystoreFault(
      isVendors ? 'keystore-refused' : 'keystore-failed',
      `C_Login: ${messageOf(cause)}${isVendors ? ` 0x${code.toString(16)}` : ''}`,
      cause,
    );
  }
}
