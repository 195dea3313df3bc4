import { createHmac, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { messageOf } from '../../../common/errors.ts';
import type { Secret } from '../../../common/secret.ts';
import { keystoreFault } from '../keystore.ts';
import type { TokenName } from './token.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const schema = z.strictObject({ key: digest, refused: z.array(digest) });
type Refusals = z.infer<typeof schema>;

export interface PinMemory {
  readonly file: string | undefined;
  /** Whether this token refused this PIN before. @throws KeystoreFault `pin-memory-unusable` */
  has(pin: Secret): boolean;
  /**
   * Runs `login` and remembers the PIN when it answers false. @returns what `login` returned
   * @throws KeystoreFault `pin-memory-unusable`; `login` is not run then
   */
  guard(pin: Secret, login: () => boolean): boolean;
}

/**
 * Remembers refused PINs as an HMAC-SHA256 under a random key, for one token: what one token refuses may be right for
 * another. In `file` (mode 0600, beside the journal) it outlives the process, since a container that is restarted again
 * and again would lock the token; without a file it lasts as long as the process.
 *
 * A file that cannot be read may hold the very PIN, so no PIN is tried then. What is to be remembered is on the disk
 * before the login, under another name: a full disk is noticed while no harm is done, and to remember takes a rename.
 */
export function createPinMemory(token: TokenName, file?: string): PinMemory {
  const ownKey = randomBytes(32).toString('hex');
  /** Under a key of this process: all when there is no file, else those that could not be written to it. */
  const unrecorded = new Set<string>();

  const mark = (key: string, pin: Secret): string =>
    createHmac('sha256', Buffer.from(key, 'hex'))
      .update(`${JSON.stringify(token)}\0`)
      .update(pin.reveal())
      .digest('hex');

  const usable = <Result>(work: (path: string) => Result): Result | undefined => {
    try {
      return file === undefined ? undefined : work(file);
    } catch (cause) {
      throw keystoreFault(
        'pin-memory-unusable',
        `no PIN is tried, since the record of refused PINs ${file} cannot be used (${messageOf(cause)}): ` +
          'mend the volume, or remove that file if the PIN is right',
        cause,
      );
    }
  };

  return {
    file,
    has(pin) {
      const stored = usable(read);
      return unrecorded.has(mark(ownKey, pin)) || stored?.refused.includes(mark(stored.key, pin)) === true;
    },
    guard(pin, login) {
      const { key, refused } = usable(read) ?? { key: randomBytes(32).toString('hex'), refused: [] };
      const prepared = `${file}.next`;
      usable(() => write(prepared, { key, refused: [...refused, mark(key, pin)] }));
      try {
        if (login()) return true;
        const own = mark(ownKey, pin);
        unrecorded.add(own);
        usable((path) => {
          renameSync(prepared, path);
          sync(dirname(path));
          unrecorded.delete(own);
        });
        return false;
      } finally {
        usable(() => rmSync(prepared, { force: true }));
      }
    },
  };
}

function read(file: string): Refusals | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const parsed = schema.safeParse(parse(text));
  if (!parsed.success) throw new Error('it is not what this program wrote');
  return parsed.data;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function write(file: string, refusals: Refusals): void {
  rmSync(file, { force: true });
  const handle = openSync(file, 'wx', 0o600);
  try {
    const text = Buffer.from(`${JSON.stringify(refusals)}\n`);
    if (writeSync(handle, text) !== text.length) throw new Error('short write');
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function sync(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
