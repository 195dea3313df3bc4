import { randomBytes, randomInt } from 'node:crypto';
import { accountLine, withAccount, withPassphrase } from './derive.ts';
import { ceremonyError } from './errors.ts';
import { report } from './list.ts';
import { mnemonicOf, splitWords } from './mnemonic.ts';
import { withStore } from './open.ts';
import type { Options } from './options.ts';
import { refuseTaken, verifyKey } from './store.ts';
import { needPerson, type Terminal } from './terminal.ts';

/** How many words are asked for again, each at a place drawn at random. */
const CONFIRMED = 3;
const ENTROPY_BYTES: Readonly<Record<string, number>> = { '12': 16, '24': 32 };

/** `signer keys init`: a key that is made where it stays, or a mnemonic for a person. */
export async function init(options: Options, terminal: Terminal): Promise<void> {
  if (options.has('mnemonic')) return initMnemonic(options, terminal);
  const names = [options.need('key'), options.text('audit-key')].filter((name) => name !== undefined);
  if (new Set(names).size < names.length)
    throw ceremonyError('usage', '--key and --audit-key must have different names');
  await withStore(options, terminal, async (store) => {
    for (const name of names) await refuseTaken(store, name);
    for (const name of names) {
      await store.generate(name);
      await report(terminal, await verifyKey(store, name));
    }
  });
}

async function initMnemonic(options: Options, terminal: Terminal): Promise<void> {
  const length = ENTROPY_BYTES[options.text('words') ?? '24'];
  if (length === undefined) throw ceremonyError('usage', '--words must be 12 or 24');
  needPerson(terminal, 'a mnemonic is shown once and to a person only');
  const entropy = await drawEntropy(options, terminal, length);
  const mnemonic = mnemonicOf(entropy);
  entropy.fill(0);
  try {
    await terminal.showOnce(numbered(mnemonic));
    await confirm(mnemonic, terminal);
    await withPassphrase(options, terminal, mnemonic, (seed) =>
      withAccount(seed, 0, (_, publicKey) => terminal.show(accountLine(0, publicKey))),
    );
  } finally {
    mnemonic.fill(0);
  }
  terminal.note('Nothing was stored. `signer keys import` takes an account of it into a token or Vault.');
}

/** The token's bytes are mixed with those of the operating system: the result is never worse than the better of them. */
async function drawEntropy(options: Options, terminal: Terminal, length: number): Promise<Buffer> {
  const from = options.text('entropy') ?? 'node';
  if (from !== 'node' && from !== 'token') throw ceremonyError('usage', '--entropy must be node or token');
  const own = randomBytes(length);
  if (from === 'node') return own;
  return withStore(options, terminal, async ({ random, place }) => {
    if (random === undefined)
      throw ceremonyError('usage', `${place} gives no random bytes: only a token does`);
    const drawn = random(length);
    for (const [i, byte] of drawn.entries()) own[i]! ^= byte;
    drawn.fill(0);
    return own;
  });
}

/** One word a line with its number. */
function numbered(mnemonic: Buffer): Buffer {
  const lines = splitWords(mnemonic).flatMap((word, i) => [
    Buffer.from(`${String(i + 1).padStart(4)}  `),
    word,
    Buffer.from('\n'),
  ]);
  return Buffer.concat(lines);
}

async function confirm(mnemonic: Buffer, terminal: Terminal): Promise<void> {
  const words = splitWords(mnemonic);
  const places = new Set<number>();
  while (places.size < CONFIRMED) places.add(randomInt(words.length));
  for (const place of places) {
    const typed = await terminal.ask(`Word ${place + 1} (it is not shown): `);
    const isRight = splitWords(typed)[0]?.equals(words[place]!) === true;
    typed.fill(0);
    if (!isRight)
      throw ceremonyError(
        'not-confirmed',
        'that is another word: nothing was kept, start again with new words',
      );
  }
}
