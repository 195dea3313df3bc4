import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import graphene from 'graphene-pk11';
import pkcs11js from 'pkcs11js';
import { finalize, findSlot, initialize, loadModule } from '../../../sidecar/keystore/pkcs11/token.ts';
import { sharedToken } from '../shared-token.ts';

/**
 * A token of its own, without any key, beside the shared one (SoftHSM reads its configuration once in a process).
 * @returns the variables that name it
 */
export function ownToken(): Record<string, string> {
  const { module, env } = sharedToken();
  process.env.SOFTHSM2_CONF = env.SOFTHSM2_CONF;
  const dir = mkdtempSync(join(tmpdir(), 'ceremony-token-'));
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  const pinFile = join(dir, 'pin');
  const label = `ceremony-${randomBytes(4).toString('hex')}`;
  const pin = randomBytes(8).toString('hex');
  writeFileSync(pinFile, pin, { mode: 0o600 });
  const lib = loadModule(module);
  initialize(lib);
  try {
    // The last slot holds the token that is not initialized yet.
    const slot = lib.C_GetSlotList(true).at(-1)!;
    lib.C_InitToken(slot, 'so-pin-of-a-test', label);
    const session = lib.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
    lib.C_Login(session, pkcs11js.CKU_SO, 'so-pin-of-a-test');
    lib.C_InitPIN(session, pin);
  } finally {
    finalize(lib);
  }
  return {
    STELLAR_PKCS11_MODULE: module,
    STELLAR_PKCS11_TOKEN_LABEL: label,
    STELLAR_PKCS11_PIN_FILE: pinFile,
    STELLAR_PKCS11_VENDOR: 'softhsm',
  };
}

/** Runs `work` in a logged-in session of that token that may write. */
export function inToken(env: Record<string, string>, work: (session: graphene.Session) => void): void {
  const lib = loadModule(env.STELLAR_PKCS11_MODULE!);
  initialize(lib);
  try {
    const slot = findSlot(lib, { label: env.STELLAR_PKCS11_TOKEN_LABEL! });
    const session = slot.open(graphene.SessionFlag.SERIAL_SESSION | graphene.SessionFlag.RW_SESSION);
    session.login(readFileSync(env.STELLAR_PKCS11_PIN_FILE!, 'utf8'));
    work(session);
  } finally {
    finalize(lib);
  }
}
