import pkcs11js from 'pkcs11js';

/**
 * What comes after a signature failed:
 * - `other-session`: the same again in another session; the one in which it failed is closed
 * - `fresh-session`: the same in a session that was opened for it
 * - `reconnect`: C_Finalize, C_Initialize, login, find the key again; then once more
 * - `give-up`: the token failed for good, as far as this process can tell
 * - `refuse`: the token works and does not want to: trying again would change nothing
 */
export type Rung = 'other-session' | 'fresh-session' | 'reconnect' | 'give-up' | 'refuse';

const LADDER = ['other-session', 'fresh-session', 'reconnect', 'reconnect', 'give-up'] as const;
const RECONNECT = LADDER.indexOf('reconnect');

/** The login, the key's handle, the token or the library is gone: no session of this login will do. */
const LOST: readonly number[] = [
  pkcs11js.CKR_USER_NOT_LOGGED_IN,
  pkcs11js.CKR_KEY_HANDLE_INVALID,
  pkcs11js.CKR_OBJECT_HANDLE_INVALID,
  pkcs11js.CKR_CRYPTOKI_NOT_INITIALIZED,
  pkcs11js.CKR_DEVICE_REMOVED,
  pkcs11js.CKR_TOKEN_NOT_PRESENT,
  pkcs11js.CKR_TOKEN_NOT_RECOGNIZED,
  pkcs11js.CKR_SLOT_ID_INVALID,
];

/** About the key, the mechanism or the request, which would be the same the next time. */
const REFUSED: readonly number[] = [
  pkcs11js.CKR_ARGUMENTS_BAD,
  pkcs11js.CKR_DATA_INVALID,
  pkcs11js.CKR_DATA_LEN_RANGE,
  pkcs11js.CKR_FUNCTION_NOT_SUPPORTED,
  pkcs11js.CKR_FUNCTION_REJECTED,
  pkcs11js.CKR_KEY_FUNCTION_NOT_PERMITTED,
  pkcs11js.CKR_KEY_SIZE_RANGE,
  pkcs11js.CKR_KEY_TYPE_INCONSISTENT,
  pkcs11js.CKR_MECHANISM_INVALID,
  pkcs11js.CKR_MECHANISM_PARAM_INVALID,
  pkcs11js.CKR_BUFFER_TOO_SMALL,
  pkcs11js.CKR_PIN_EXPIRED,
  pkcs11js.CKR_PIN_INCORRECT,
  pkcs11js.CKR_PIN_INVALID,
  pkcs11js.CKR_PIN_LEN_RANGE,
  pkcs11js.CKR_PIN_LOCKED,
];

/**
 * The next rung of one request's ladder. Every code that no table names, a vendor's own too, starts at the bottom: the
 * rungs are few, so a wrong guess costs little.
 * @param code the CK_RV; undefined when the token answered something that is no signature
 * @param steps how far up the request already is: 0 at first, then `steps` of the answer before
 */
export function nextRung(code: number | undefined, steps: number): { rung: Rung; steps: number } {
  if (code !== undefined && REFUSED.includes(code)) return { rung: 'refuse', steps };
  const start = code !== undefined && LOST.includes(code) ? RECONNECT : 0;
  const at = Math.min(Math.max(start, steps), LADDER.length - 1);
  return { rung: LADDER[at]!, steps: at + 1 };
}

/** The CK_RV of an error of the binding. */
export function codeOf(error: unknown): number | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}
