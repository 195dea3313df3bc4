import { ceremonyError } from './errors.ts';
import { checkMnemonic, seedOf } from './mnemonic.ts';
import type { Options } from './options.ts';
import { deriveKey, publicKeyOf, stellarPath } from './slip10.ts';
import { accountOf } from './store.ts';
import type { Terminal } from './terminal.ts';

/** The last index that SLIP-0010 knows, hardened. */
export const MAX_INDEX = 2 ** 31 - 1;

/**
 * Asks for the mnemonic, and with `--passphrase` for that too, and gives their seed to `work`. All of it is overwritten
 * afterwards, whatever happens.
 */
export async function withSeed<Result>(
  options: Options,
  terminal: Terminal,
  work: (seed: Buffer) => Promise<Result>,
): Promise<Result> {
  const typed = await terminal.ask('Mnemonic (it is not shown): ');
  let mnemonic: Buffer = Buffer.alloc(0);
  try {
    mnemonic = checkMnemonic(typed);
    return await withPassphrase(options, terminal, mnemonic, work);
  } finally {
    typed.fill(0);
    mnemonic.fill(0);
  }
}

/** A passphrase has no checksum: on a terminal it is asked for twice. */
export async function withPassphrase<Result>(
  options: Options,
  terminal: Terminal,
  mnemonic: Buffer,
  work: (seed: Buffer) => Promise<Result>,
): Promise<Result> {
  let passphrase: Buffer = Buffer.alloc(0);
  let again: Buffer = Buffer.alloc(0);
  let seed: Buffer = Buffer.alloc(0);
  try {
    if (options.has('passphrase')) {
      passphrase = await terminal.ask('BIP-39 passphrase (it is not shown): ');
      if (terminal.typed) {
        again = await terminal.ask('The same again: ');
        if (!again.equals(passphrase)) throw ceremonyError('not-confirmed', 'the two passphrases differ');
      }
    }
    seed = seedOf(mnemonic, passphrase);
    return await work(seed);
  } finally {
    for (const secret of [passphrase, again, seed]) secret.fill(0);
  }
}

/** The key of m/44'/148'/index', overwritten afterwards. */
export async function withAccount<Result>(
  seed: Buffer,
  index: number,
  work: (key: Buffer, publicKey: Buffer) => Promise<Result>,
): Promise<Result> {
  const { key, chainCode } = deriveKey(seed, stellarPath(index));
  try {
    return await work(key, publicKeyOf(key));
  } finally {
    key.fill(0);
    chainCode.fill(0);
  }
}

/** `m/44'/148'/0' G…`, as SEP-0005 writes it. */
export const accountLine = (index: number, publicKey: Buffer): string =>
  `m/44'/148'/${index}' ${accountOf(publicKey)}\n`;

/** `signer keys derive`: addresses only. */
export async function derive(options: Options, terminal: Terminal): Promise<void> {
  const start = options.integer('start', { min: 0, max: MAX_INDEX, fallback: 0 });
  const count = options.integer('count', { min: 1, max: 1000, fallback: 1 });
  await withSeed(options, terminal, async (seed) => {
    for (let index = start; index < start + count && index <= MAX_INDEX; index++)
      await withAccount(seed, index, (_, publicKey) => terminal.show(accountLine(index, publicKey)));
  });
}
