import { createHash, pbkdf2Sync } from 'node:crypto';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { ceremonyError } from './errors.ts';

/** In alphabetical order, which in ASCII is the order of the bytes. */
const WORDS = wordlist.map((word) => Buffer.from(word));
const BITS_PER_WORD = 11;
const WORD_COUNTS: readonly number[] = [12, 15, 18, 21, 24];

/**
 * BIP-0039 with the English list. A mnemonic is bytes from its entry to its end, never a string, because bytes can be
 * overwritten. That is also why the library gives only the words: its functions take strings, and its errors repeat them.
 * @param entropy 16, 20, 24, 28 or 32 bytes
 * @returns the words with one space between them; the caller overwrites it
 */
export function mnemonicOf(entropy: Buffer): Buffer {
  const bits = Buffer.concat([entropy, createHash('sha256').update(entropy).digest()]);
  const words: Buffer[] = [];
  for (let at = 0; at < entropy.length * 8.25; at += BITS_PER_WORD) {
    let index = 0;
    for (let i = at; i < at + BITS_PER_WORD; i++) index = index * 2 + ((bits[i >> 3]! >> (7 - (i & 7))) & 1);
    words.push(WORDS[index]!, SPACE);
  }
  bits.fill(0);
  return Buffer.concat(words.slice(0, -1));
}

const SPACE = Buffer.from(' ');

/**
 * What was typed as BIP-0039 wants it (lower case, one space), when its words and checksum are right.
 * @param typed is put in lower case in place
 * @returns a copy, which the caller overwrites
 * @throws CodedError `mnemonic-invalid`, which tells places of words but never a word
 */
export function checkMnemonic(typed: Buffer): Buffer {
  for (const [i, byte] of typed.entries()) if (byte >= 0x41 && byte <= 0x5a) typed[i] = byte + 0x20;
  const words = splitWords(typed);
  if (!WORD_COUNTS.includes(words.length))
    throw invalid(`a mnemonic has 12, 15, 18, 21 or 24 words, ${words.length} were given`);
  const unknown = words.flatMap((word, i) => (indexOf(word) < 0 ? [i + 1] : []));
  if (unknown.length > 0) throw invalid(`not in the English word list: word ${unknown.join(', ')}`);
  const bits = Buffer.alloc(words.length * 2);
  for (const [n, word] of words.entries())
    for (let i = 0; i < BITS_PER_WORD; i++) {
      const at = n * BITS_PER_WORD + i;
      bits[at >> 3]! |= ((indexOf(word) >> (BITS_PER_WORD - 1 - i)) & 1) << (7 - (at & 7));
    }
  const mnemonic = mnemonicOf(bits.subarray(0, (words.length * 4) / 3));
  bits.fill(0);
  const last = splitWords(mnemonic).at(-1)!;
  if (last.equals(words.at(-1)!)) return mnemonic;
  mnemonic.fill(0);
  throw invalid('the checksum does not match: a word is wrong or in another place');
}

const invalid = (message: string): Error => ceremonyError('mnemonic-invalid', message);

/** The words as views of `text`, at any white space. */
export function splitWords(text: Buffer): Buffer[] {
  const words: Buffer[] = [];
  let start = 0;
  for (let i = 0; i <= text.length; i++)
    if (i === text.length || text[i]! <= 0x20) {
      if (i > start) words.push(text.subarray(start, i));
      start = i + 1;
    }
  return words;
}

/** Place in the list, by halving: no string and no hash of the word is made; negative when it is not there. */
function indexOf(word: Buffer): number {
  let low = 0;
  let high = WORDS.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const order = Buffer.compare(word, WORDS[middle]!);
    if (order === 0) return middle;
    if (order < 0) high = middle - 1;
    else low = middle + 1;
  }
  return -1;
}

/**
 * The 64-byte seed of BIP-0039. The caller overwrites it.
 * @throws CodedError `passphrase-invalid` when the passphrase is not UTF-8
 */
export function seedOf(mnemonic: Buffer, passphrase: Buffer): Buffer {
  const salt = Buffer.concat([Buffer.from('mnemonic'), normalized(passphrase)]);
  try {
    return pbkdf2Sync(mnemonic, salt, 2048, 64, 'sha512');
  } finally {
    salt.fill(0);
  }
}

/** NFKD. ASCII is that already; other passphrases become a string for a moment, which cannot be overwritten. */
function normalized(passphrase: Buffer): Buffer {
  if (passphrase.every((byte) => byte < 0x80)) return passphrase;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(passphrase);
    return Buffer.from(text.normalize('NFKD'));
  } catch {
    throw ceremonyError('passphrase-invalid', 'the passphrase is not UTF-8');
  }
}

/** True for text that holds at least 12 words in a row, all of the list: it may be a mnemonic. */
export function holdsMnemonic(text: string): boolean {
  const known = text.split(/[^A-Za-z]+/).map((word) => indexOf(Buffer.from(word.toLowerCase())) >= 0);
  return known.some((_, i) => i + 12 <= known.length && known.slice(i, i + 12).every(Boolean));
}
