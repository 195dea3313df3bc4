import { parseArgs } from 'node:util';
import { StrKey } from '@stellar/stellar-sdk/base';
import { VENDORS } from '../keystore/pkcs11/vendors.ts';
import { ceremonyError } from './errors.ts';
import { holdsMnemonic } from './mnemonic.ts';

interface Option {
  /** What its value is; a switch has none. */
  value?: string;
  /** Variable that gives it where it is not given; the signer's own. */
  env?: string;
  help: string;
}

const define = <Name extends string>(options: Record<Name, Option>): Readonly<Record<Name, Option>> =>
  options;

/** Every option of every command; a command names those it takes. */
export const OPTIONS = define({
  'pkcs11-module': { value: 'PATH', env: 'STELLAR_PKCS11_MODULE', help: 'PKCS#11 library of the token' },
  'token-label': { value: 'LABEL', env: 'STELLAR_PKCS11_TOKEN_LABEL', help: 'token by its label' },
  'token-serial': { value: 'SERIAL', env: 'STELLAR_PKCS11_TOKEN_SERIAL', help: 'token by its serial number' },
  'pin-file': {
    value: 'PATH',
    env: 'STELLAR_PKCS11_PIN_FILE',
    help: 'file with the PIN; without one it is asked for',
  },
  'key-id': { value: 'HEX', help: 'CKA_ID of the new key; random if absent' },
  vendor: {
    value: 'NAME',
    env: 'STELLAR_PKCS11_VENDOR',
    help: `whose token: ${Object.keys(VENDORS).join(', ')}`,
  },
  'vault-address': {
    value: 'URL',
    env: 'STELLAR_VAULT_ADDRESS',
    help: 'Vault or OpenBao; https, or http to loopback',
  },
  'vault-namespace': { value: 'NAME', env: 'STELLAR_VAULT_NAMESPACE', help: 'its namespace' },
  'vault-mount': {
    value: 'NAME',
    env: 'STELLAR_VAULT_MOUNT',
    help: 'mount of the transit engine, default transit',
  },
  'vault-token-file': {
    value: 'PATH',
    env: 'STELLAR_VAULT_TOKEN_FILE',
    help: 'file with the token; without one it is asked for',
  },
  'vault-ca-file': {
    value: 'PATH',
    env: 'STELLAR_VAULT_CA_FILE',
    help: 'PEM of the authorities of its certificate',
  },
  key: { value: 'NAME', help: 'label (PKCS#11) or name (Vault) of the key' },
  'audit-key': { value: 'NAME', help: 'makes a second key, which signs the journal’s checkpoints' },
  mnemonic: { help: 'makes a mnemonic instead of a key: shown once, on this terminal only' },
  words: { value: '12|24', help: 'length of the mnemonic, default 24' },
  entropy: { value: 'node|token', help: 'where it comes from, default node (the operating system)' },
  passphrase: { help: 'asks for a BIP-39 passphrase too; piped in: the second line' },
  index: { value: 'N', help: 'the account m/44’/148’/N’, default 0' },
  start: { value: 'N', help: 'the first account, default 0' },
  count: { value: 'N', help: 'how many, default 1' },
  account: { value: 'G…', env: 'STELLAR_ACCOUNT', help: 'the account that the key must be of' },
  channels: { value: 'N', help: 'how many channel accounts, 1 to 19' },
  balance: {
    value: 'XLM',
    help: 'starting balance of each, at least 1.5: it pays its own fees from the rest',
  },
  sequence: { value: 'N', help: 'sequence number that the account has now; the transaction takes the next' },
  fee: { value: 'STROOPS', help: 'bid for each operation; there are two for each channel' },
  'valid-minutes': { value: 'N', help: 'until when it can be submitted, default 30, at most 1440' },
  'network-passphrase': { value: 'TEXT', env: 'STELLAR_NETWORK_PASSPHRASE', help: 'of the network' },
  'journal-dir': { value: 'PATH', env: 'STELLAR_JOURNAL_DIR', help: 'folder of the signer’s journal' },
  socket: { value: 'PATH', env: 'STELLAR_SIGNER_SOCKET', help: 'the signer’s: nothing may answer there' },
});

export type OptionName = keyof typeof OPTIONS;

/** What a command was given: the text of an option, or `true` for a switch. */
export interface Options {
  has(name: OptionName): boolean;
  text(name: OptionName): string | undefined;
  /** @throws CodedError `usage` when it is absent */
  need(name: OptionName): string;
  /** @throws CodedError `usage` unless it is a whole number between the two, or absent with a fallback */
  integer(name: OptionName, range: { min: number; max: number; fallback?: number }): number;
}

/**
 * Reads the options of a command. What is not understood is never repeated in an error: it may be a secret.
 * @throws CodedError `usage`, `secret-exposed`
 */
export function readOptions(
  names: readonly OptionName[],
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Options {
  let given: Record<string, unknown>;
  try {
    const options = names.map((name) => [
      name,
      { type: OPTIONS[name].value === undefined ? ('boolean' as const) : ('string' as const) },
    ]);
    given = parseArgs({ args: [...args], options: Object.fromEntries(options), strict: true }).values;
  } catch {
    throw ceremonyError(
      'usage',
      'an argument is not understood (it is not repeated here, since it could be a secret); --help shows the options',
    );
  }
  const text = (name: OptionName): string | undefined => {
    const value = given[name];
    const variable = OPTIONS[name].env;
    if (typeof value === 'string') return value;
    return variable === undefined || !names.includes(name) ? undefined : env[variable];
  };
  const need = (name: OptionName): string => {
    const value = text(name);
    if (value === undefined || value === '') throw ceremonyError('usage', `--${name} must be given`);
    return value;
  };
  return {
    has: (name) => given[name] === true || text(name) !== undefined,
    text,
    need,
    integer(name, { min, max, fallback }) {
      const value = text(name) ?? (fallback === undefined ? need(name) : String(fallback));
      const number = Number(value);
      if (!/^\d{1,15}$/.test(value) || number < min || number > max)
        throw ceremonyError('usage', `--${name} must be a whole number from ${min} to ${max}`);
      return number;
    },
  };
}

/**
 * Arguments stand in the list of processes and in the shell's history, variables in /proc and in every child: a secret
 * found there is no longer one.
 * @throws CodedError `secret-exposed` naming where it is
 */
export function refuseExposed(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): void {
  const isSecret = (text: string): boolean =>
    holdsMnemonic(text) ||
    (text.match(/S[A-Z2-7]{55}/g) ?? []).some((word) => StrKey.isValidEd25519SecretSeed(word));
  const places = Object.entries(env).filter(([, value]) => value !== undefined && isSecret(value));
  const where = isSecret(args.join(' ')) ? 'the arguments hold' : `the variable ${places[0]?.[0]} holds`;
  if (places.length > 0 || where.startsWith('the arguments'))
    throw ceremonyError(
      'secret-exposed',
      `${where} a mnemonic or secret key: other processes, logs and the shell’s history may have it now. ` +
        'Use it for nothing; make a new one, and type it in or pipe it to stdin when asked',
    );
}

/** The lines of `--help` for options. */
export const describeOptions = (names: readonly OptionName[]): string =>
  names
    .map((name) => {
      const { value, env, help } = OPTIONS[name];
      const left = `--${name}${value === undefined ? '' : ` ${value}`}`;
      return `  ${left.padEnd(28)} ${help}${env === undefined ? '' : ` [${env}]`}\n`;
    })
    .join('');
