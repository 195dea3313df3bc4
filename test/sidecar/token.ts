import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { StrKey } from '@stellar/stellar-sdk';
import graphene from 'graphene-pk11';
import { PRIVATE } from '../../sidecar/keystore/pkcs11/ceremony.ts';
import { rawPublicKey } from '../../sidecar/keystore/pkcs11/point.ts';
import { initialize, loadModule } from '../../sidecar/keystore/pkcs11/token.ts';
import { VENDORS } from '../../sidecar/keystore/pkcs11/vendors.ts';

/** A SoftHSM2 token of its own with one Ed25519 key that was made in it. */
export interface Token {
  /** Path of the PKCS#11 module. */
  module: string;
  tokenLabel: string;
  keyLabel: string;
  /** Holds the PIN, mode 0600. */
  pinFile: string;
  /** The key's account, G…. */
  account: string;
  /** What a process needs in its environment before it loads the module. */
  env: { SOFTHSM2_CONF: string };
}

const MODULES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
];
const TOKEN_LABEL = 'stellar';
const KEY_LABEL = 'trading';
const SOFTHSM = VENDORS.softhsm;

/**
 * Makes the token in `dir`, or returns the one that is there. In a process of its own: SoftHSM reads its configuration
 * once, and PKCS#11 state belongs to a process.
 */
export function createToken(dir: string): Token {
  const file = join(dir, 'token.json');
  if (!existsSync(file))
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--dir', dir], {
      env: { ...process.env, SOFTHSM2_CONF: writeConfiguration(dir) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  return JSON.parse(readFileSync(file, 'utf8')) as Token;
}

function writeConfiguration(dir: string): string {
  const tokens = join(dir, 'tokens');
  mkdirSync(tokens, { recursive: true, mode: 0o700 });
  const path = join(dir, 'softhsm2.conf');
  writeFileSync(path, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  return path;
}

/** A key pair's names and attributes of its private half; the defaults are what a trading key must be. */
export interface KeyOptions {
  label?: string;
  id?: Buffer;
  /** CKA_EC_PARAMS. */
  curve?: Buffer;
  token?: boolean;
  private?: boolean;
  sensitive?: boolean;
  extractable?: boolean;
  sign?: boolean;
  signRecover?: boolean;
  decrypt?: boolean;
  unwrap?: boolean;
  derive?: boolean;
}

/** Generates a key pair in the token; returns the raw public key. The session must be read-write and logged in. */
export function generateKey(session: graphene.Session, options: KeyOptions = {}): Buffer {
  const {
    label = KEY_LABEL,
    id = Buffer.from('01', 'hex'),
    curve = SOFTHSM.ecParams,
    ...attributes
  } = options;
  const keyType = SOFTHSM.keyTypes[0]!;
  const pair = session.generateKeyPair(
    SOFTHSM.keyPairMechanisms[0] as graphene.MechanismEnum,
    { keyType, token: true, verify: true, paramsEC: curve, label, id },
    { keyType, ...PRIVATE, ...attributes, label, id },
  );
  const raw = rawPublicKey(pair.publicKey.getAttribute('pointEC'));
  if (raw === undefined) throw new Error('the token gave a public key of unknown encoding');
  return raw;
}

/** Runs `work` with a logged-in read-write session of this process' SoftHSM (`SOFTHSM2_CONF` is set). */
export function withToken<Result>(pin: string, work: (session: graphene.Session) => Result): Result {
  const lib = loadModule(softhsm());
  initialize(lib);
  try {
    const slots = new graphene.Module(lib).getSlots(true);
    const labels = Array.from({ length: slots.length }, (_, i) => slots.items(i));
    let slot = labels.find((candidate) => candidate.getToken().label === TOKEN_LABEL);
    const isNew = slot === undefined;
    slot ??= labels.at(-1)!;
    // On the library itself: graphene's initToken fails on what the binding returns.
    if (isNew) lib.C_InitToken(slot.handle, 'so-pin-of-a-test', TOKEN_LABEL);
    const session = slot.open(graphene.SessionFlag.SERIAL_SESSION | graphene.SessionFlag.RW_SESSION);
    if (isNew) {
      session.login('so-pin-of-a-test', graphene.UserType.SO);
      session.initPin(pin);
      session.logout();
    }
    session.login(pin);
    return work(session);
  } finally {
    lib.C_Finalize();
  }
}

const softhsm = (): string => {
  const module = MODULES.find((path) => existsSync(path));
  if (module === undefined) throw new Error('SoftHSM2 is missing: install the package softhsm2');
  return module;
};

if (import.meta.main) {
  const { values } = parseArgs({ options: { dir: { type: 'string' }, help: { type: 'boolean' } } });
  if (values.dir === undefined) {
    console.log(
      'usage: node test/sidecar/token.ts --dir DIR   makes a SoftHSM2 token with one key, prints JSON',
    );
    process.exit(values.help === true ? 0 : 2);
  }
  const dir = resolve(values.dir);
  const file = join(dir, 'token.json');
  if (!existsSync(file)) {
    const configuration = writeConfiguration(dir);
    process.env.SOFTHSM2_CONF = configuration;
    const pinFile = join(dir, 'pin');
    const pin = randomBytes(8).toString('hex');
    writeFileSync(pinFile, pin, { mode: 0o600 });
    const raw = withToken(pin, (session) => generateKey(session));
    const token: Token = {
      module: softhsm(),
      tokenLabel: TOKEN_LABEL,
      keyLabel: KEY_LABEL,
      pinFile,
      account: StrKey.encodeEd25519PublicKey(raw),
      env: { SOFTHSM2_CONF: configuration },
    };
    writeFileSync(file, `${JSON.stringify(token, null, 2)}\n`);
  }
  console.log(readFileSync(file, 'utf8').trim());
}
