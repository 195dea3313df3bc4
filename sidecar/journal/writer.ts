import type { FileHandle } from 'node:fs/promises';
import { messageOf } from '../../common/errors.ts';
import { signerError } from '../errors.ts';
import { checkEvent, hashLine, type JournalEvent, type JournalHead, writeLine } from './entry.ts';

export interface JournalWriter {
  /**
   * Resolves when the line is on the disk (fdatasync).
   * @throws SignerError `journal-unavailable`, from the first failure on for good; TypeError for an event that no line
   * can hold, which is not written
   */
  append(event: JournalEvent): Promise<void>;
  /** The last durable line. */
  head(): JournalHead;
  /** Undefined while it works, else why it does not. */
  fault(): string | undefined;
  /** Waits for what is being written and closes. */
  close(): Promise<void>;
}

interface Waiting {
  event: JournalEvent;
  done(): void;
  failed(error: Error): void;
}

/**
 * Appends lines after `last`, the line that ends at byte `size`. Lines that wait are written together and share one
 * fdatasync (group commit). A file that is longer or shorter than what was written here has another writer: nothing more
 * is written then, since two would break the chain.
 */
export function createWriter(
  file: Pick<FileHandle, 'stat' | 'write' | 'datasync' | 'close'>,
  size: number,
  last: JournalHead | undefined,
  now: () => Date,
): JournalWriter {
  let head = last;
  let position = size;
  let fault: string | undefined;
  let waiting: Waiting[] = [];
  let isWriting = false;
  let written = Promise.resolve();

  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        if (fault !== undefined) throw signerError('journal-unavailable', fault);
        if ((await file.stat()).size !== position) throw new Error('another process writes it');
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
    // In the same turn as the last look at what waits: a line that comes now starts the next round.
    isWriting = false;
  };

  return {
    append: (event) =>
      new Promise((done, failed) => {
        checkEvent(event);
        waiting.push({ event, done, failed });
        if (isWriting) return;
        isWriting = true;
        written = writeAll();
      }),
    head: () => head!,
    fault: () => fault,
    async close() {
      await written;
      await file.close();
    },
  };
}

async function writeFully(file: Pick<FileHandle, 'write'>, bytes: Buffer, position: number): Promise<number> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
  return bytes.length;
}
