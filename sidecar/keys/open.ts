import { readSecretFile } from '../../common/config.ts';
import { Secret } from '../../common/secret.ts';
import { openToken } from '../keystore/pkcs11/ceremony.ts';
import { VENDORS, type VendorName } from '../keystore/pkcs11/vendors.ts';
import { openTransit } from '../keystore/vault/ceremony.ts';
import { ceremonyError } from './errors.ts';
import type { OptionName, Options } from './options.ts';
import type { KeyStore } from './store.ts';
import type { Terminal } from './terminal.ts';

const PKCS11_OPTIONS = ['pkcs11-module', 'token-label', 'token-serial', 'vendor', 'pin-file'] as const;
const VAULT_OPTIONS = [
  'vault-address',
  'vault-namespace',
  'vault-mount',
  'vault-token-file',
  'vault-ca-file',
] as const;

/** Where keys are: one of the two groups must be given. */
export const STORE_OPTIONS: readonly OptionName[] = [...PKCS11_OPTIONS, ...VAULT_OPTIONS];

/** Opens the token or mount that the options name, runs `work`, and gives it back whatever happens. */
export async function withStore<Result>(
  options: Options,
  terminal: Terminal,
  work: (store: KeyStore) => Promise<Result>,
): Promise<Result> {
  if (options.has('pkcs11-module') === options.has('vault-address'))
    throw ceremonyError('usage', 'give exactly one of --pkcs11-module and --vault-address');
  const store = options.has('pkcs11-module')
    ? await openPkcs11(options, terminal)
    : await openVault(options, terminal);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function openPkcs11(options: Options, terminal: Terminal): Promise<KeyStore> {
  if (options.has('token-label') === options.has('token-serial'))
    throw ceremonyError('usage', 'give exactly one of --token-label and --token-serial');
  const vendor = options.text('vendor') ?? 'generic';
  if (!Object.hasOwn(VENDORS, vendor))
    throw ceremonyError('usage', `--vendor must be one of ${Object.keys(VENDORS).join(', ')}`);
  const keyId = options.text('key-id');
  if (keyId !== undefined && !/^([0-9a-f]{2}){1,64}$/.test(keyId))
    throw ceremonyError('usage', '--key-id must be lower-case hexadecimal');
  const pin = await secret(options.text('pin-file'), 'PIN of the token: ', '--pin-file', terminal);
  try {
    const serial = options.text('token-serial');
    return openToken(
      {
        module: options.need('pkcs11-module'),
        token: serial === undefined ? { label: options.need('token-label') } : { serial },
        vendor: VENDORS[vendor as VendorName],
        keyId: keyId === undefined ? undefined : Buffer.from(keyId, 'hex'),
      },
      pin,
    );
  } finally {
    pin.erase();
  }
}

async function openVault(options: Options, terminal: Terminal): Promise<KeyStore> {
  const token = await secret(
    options.text('vault-token-file'),
    'Vault token: ',
    '--vault-token-file',
    terminal,
  );
  try {
    return openTransit(
      {
        address: options.need('vault-address'),
        namespace: options.text('vault-namespace'),
        mount: options.text('vault-mount'),
        caFile: options.text('vault-ca-file'),
      },
      token,
    );
  } finally {
    token.erase();
  }
}

/** From its file, or typed: a pipe is for the mnemonic alone. */
async function secret(
  file: string | undefined,
  prompt: string,
  option: string,
  terminal: Terminal,
): Promise<Secret> {
  if (file !== undefined) return readSecretFile(file);
  if (!terminal.typed) throw ceremonyError('not-a-terminal', `give ${option}, or run it on a terminal`);
  const typed = await terminal.ask(prompt);
  try {
    return new Secret(typed);
  } finally {
    typed.fill(0);
  }
}
