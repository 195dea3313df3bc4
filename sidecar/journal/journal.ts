import { randomUUID } from 'node:crypto';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, messageOf } from '../../common/errors.ts';
import { signerError } from '../errors.ts';
import { hashLine, type JournalEvent, type JournalHead, type JournalLine, writeLine } from './entry.ts';
import { verifyJournal } from './verify.ts';

export interface Journal {
  /**
   * Resolves when the line is on the disk (fdatasync). Lines that are waiting share one write.
   * @throws SignerError `journal-unavailable`, from the first failure on for good
   */
  append(event: JournalEvent): Promise<void>;
  /** The last durable line. */
  head(): JournalHead;
  /** Random, from the first line. */
  readonly id: string;
  /** Undefined while it works, else why it does not. */
  fault(): string | undefined;
  /** Flushes and closes. */
  close(): Promise<void>;
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

interface Waiting {
  event: JournalEvent;
  done(): void;
  failed(error: Error): void;
}

function createWriter(
  file: FileHandle,
  size: number,
  last: JournalHead | undefined,
  now: () => Date,
): Omit<Journal, 'id'> {
  let head = last;
  let position = size;
  let fault: string | undefined;
  let waiting: Waiting[] = [];
  let writing: Promise<void> | undefined;

  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        if (fault !== undefined) throw signerError('journal-unavailable', fault);
        let next = head;
        const lines = batch.map(({ event }) => {
          const text = writeLine(next, now(), event);
          next = { n: (next?.n ?? -1) + 1, hash: hashLine(text) };
          return `${text}\n`;
        });
        position += await writeFully(file, Buffer.from(lines.join('')), position);
        await file.datasync();
        head = next;
        for (const { done } of batch) done();
      } catch (cause) {
        // After a failed write or fsync nobody knows what is on the disk: nothing more is signed by this process.
        fault ??= `the journal cannot be written: ${messageOf(cause)}`;
        for (const { failed } of batch)
          failed(signerError('journal-unavailable', 'the journal cannot be written', { cause }));
      }
    }
  };

  return {
    append: (event) =>
      new Promise((done, failed) => {
        waiting.push({ event, done, failed });
        writing ??= writeAll().finally(() => {
          writing = undefined;
        });
      }),
    head: () => head!,
    fault: () => fault,
    async close() {
      await writing;
      await file.close();
    },
  };
}

async function writeFully(file: FileHandle, bytes: Buffer, position: number): Promise<number> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
  return bytes.length;
}
