import { randomUUID } from 'node:crypto';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../common/errors.ts';
import type { JournalLine } from './entry.ts';
import { verifyJournal } from './verify.ts';
import { createWriter, type JournalWriter } from './writer.ts';

export interface Journal extends JournalWriter {
  /** Random, from the first line. */
  readonly id: string;
}

export interface JournalOptions {
  dir: string;
  account: string;
  /** SHA-256 of the passphrase, hexadecimal. */
  network: string;
  now: () => Date;
  /** Called for each line that is there at the start, in order: the state is rebuilt from them. */
  onLine: (line: JournalLine) => void;
}

export const JOURNAL_FILE = 'journal.jsonl';

/**
 * Opens the journal of `dir` or begins one. The chain is verified to its end; an incomplete last line was never
 * released and is cut off, with a line that says so.
 * @throws CodedError `journal-corrupt` naming the line, `journal-foreign` for another account or network
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const path = join(options.dir, JOURNAL_FILE);
  const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    if (!(await file.stat()).isFile()) throw new CodedError('journal-corrupt', `${path} is not a file`);
    return await readJournal(file, path, options);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readJournal(file: FileHandle, path: string, options: JournalOptions): Promise<Journal> {
  const text = (await file.readFile()).toString('utf8');
  let id: string | undefined;
  const verified = verifyJournal(text, (line) => {
    if (line.event.type === 'created') {
      if (line.event.account !== options.account || line.event.network !== options.network)
        throw new Error('this journal is of another account or network');
      id = line.event.id;
    }
    options.onLine(line);
  });
  if (!verified.ok)
    throw new CodedError('journal-corrupt', `${path} line ${verified.line}: ${verified.reason}`);
  const size = Buffer.byteLength(text) - verified.incompleteBytes;
  const writer = createWriter(file, size, verified.head, options.now);
  if (verified.incompleteBytes > 0) {
    await file.truncate(size);
    if (id !== undefined)
      await writer.append({ type: 'incomplete-line-cut', bytes: verified.incompleteBytes });
  }
  if (id === undefined) {
    id = randomUUID();
    await writer.append({ type: 'created', id, account: options.account, network: options.network });
    await syncDirectory(options.dir);
  }
  return { id, ...writer };
}

/** A new file is durable only when its directory entry is. */
async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
