import { lstatSync } from 'node:fs';
import { messageOf } from '../../common/errors.ts';
import { signerError } from '../errors.ts';
import { checkEvent, type JournalEvent, type JournalHead, nextLine, type WrittenLine } from './entry.ts';
import { createSegment, type Disk, type SegmentFile, writeFully } from './segments.ts';
import type { State } from './state.ts';

export interface JournalWriter {
  /**
   * Resolves when the line is on the disk.
   * @throws SignerError `journal-unavailable`, also when the signal is aborted first: the line may come to be there all the
   * same; TypeError for an event that no line can hold, which is not written
   */
  append(event: JournalEvent, signal?: AbortSignal): Promise<void>;
  /** Begins a new segment with what waits next; its checkpoint has a number above `atLeast`. */
  rotate(atLeast: number): void;
  /** The last durable line. */
  head(): JournalHead;
  /** Undefined while it works, else why it does not. */
  fault(): string | undefined;
  /** After a fault of the disk: cuts off what was never released and tries again. To be called now and then. */
  recover(): Promise<void>;
  /** Waits for what is being written and closes. */
  close(): Promise<void>;
}

/** The newest segment, to be gone on with. */
interface OpenSegment {
  file: SegmentFile;
  path: string;
  /** Bytes of whole lines. */
  size: number;
  /** Of them, those of its first line. */
  firstSize: number;
}

export interface WriterOptions {
  dir: string;
  disk: Disk;
  now: () => Date;
  monotonicMs: () => number;
  /** What the durable lines add up to; goes on with each. */
  state: State;
  head: JournalHead;
}

interface Waiting {
  event: JournalEvent;
  done(): void;
  failed(error: Error): void;
}

/** A segment is full when it has this many bytes, and four times those of its own checkpoint: so checkpoints are a quarter at most. */
const SEGMENT_BYTES = 1_048_576;
const CHECKPOINT_SHARE = 4;
/** Also a small one, after this time: a restored copy older than that is noticed. */
const SEGMENT_MS = 3_600_000;
/** A disk that confirms nothing for so long is called a fault, until it does. */
const SLOW_MS = 2_000;

const MEDDLED = 'somebody else changed the journal; see that one signer uses it, then restart the signer';

/**
 * Appends lines after `head`. Lines that wait are written together, by one durable write (group commit). A file that is
 * longer or shorter than what was written here, gone or another one has another user: nothing more is written then, for
 * good, since two would break the chain. That is looked at before each write and again before anything of it is released,
 * so of two processes that write at once none releases. After a failed write nobody knows what of it is on the disk:
 * nothing of it is released, and it is cut off before anything else is written.
 */
export function createWriter(segment: OpenSegment, options: WriterOptions): JournalWriter {
  const { dir, disk, state, now, monotonicMs } = options;
  let { file, path, size, firstSize } = segment;
  let { ino } = lstatSync(path);
  let head = options.head;
  let openedMs = monotonicMs();
  let fault: string | undefined;
  let isMeddled = false;
  let rotateAbove: number | undefined;
  let waiting: Waiting[] = [];
  let busySinceMs: number | undefined;
  let written = Promise.resolve();

  const isFull = (): boolean =>
    rotateAbove !== undefined ||
    (size >= CHECKPOINT_SHARE * firstSize &&
      (size >= SEGMENT_BYTES || (monotonicMs() - openedMs >= SEGMENT_MS && head.n > 0)));

  const advance = (lines: readonly WrittenLine[]): void => {
    for (const { line, head: next } of lines) {
      state.apply(line, next.hash);
      head = next;
    }
  };

  /** At once: it asks the kernel's memory, not the disk, and a way through the thread pool costs a thousand times more. */
  const checkFile = (isOurs: (found: number) => boolean): void => {
    const found = lstatSync(path, { throwIfNoEntry: false });
    isMeddled = found === undefined || found.ino !== ino || !isOurs(found.size);
    if (isMeddled) throw new Error(MEDDLED);
  };

  const beginSegment = async (): Promise<void> => {
    const number = Math.max(state.checkpoint()?.number ?? 0, rotateAbove ?? 0) + 1;
    const checkpoint = nextLine(head, now(), { type: 'checkpoint', number, state: state.save() });
    const bytes = Buffer.byteLength(checkpoint.text) + 1;
    const created = await createSegment(disk, dir, checkpoint.line.n, `${checkpoint.text}\n`);
    await file.close().catch(() => undefined);
    ({ file, path } = created);
    ({ ino } = lstatSync(path));
    size = bytes;
    firstSize = bytes;
    openedMs = monotonicMs();
    rotateAbove = undefined;
    advance([checkpoint]);
  };

  const write = async (events: readonly JournalEvent[]): Promise<void> => {
    checkFile((found) => found === size);
    if (isFull()) await beginSegment();
    let last = head;
    const lines = events.map((event) => {
      const next = nextLine(last, now(), event);
      last = next.head;
      return next;
    });
    const bytes = Buffer.from(lines.map(({ text }) => `${text}\n`).join(''));
    await writeFully(file, bytes);
    checkFile((found) => found === size + bytes.length);
    size += bytes.length;
    advance(lines);
  };

  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      busySinceMs = monotonicMs();
      try {
        if (fault !== undefined) throw new Error(fault);
        await write(batch.map(({ event }) => event));
        for (const { done } of batch) done();
      } catch (cause) {
        fault ??= `the journal cannot be written: ${messageOf(cause)}`;
        for (const { failed } of batch)
          failed(signerError('journal-unavailable', 'the journal cannot be written', { cause }));
      }
    }
    // In the same turn as the last look at what waits: a line that comes now starts the next round.
    busySinceMs = undefined;
  };

  const append: JournalWriter['append'] = async (event, signal) => {
    checkEvent(event);
    const { promise, resolve: done, reject: failed } = Promise.withResolvers<void>();
    waiting.push({ event, done, failed });
    const late = (): void =>
      failed(signerError('journal-unavailable', 'the journal did not confirm the line in time'));
    signal?.addEventListener('abort', late);
    if (signal?.aborted) late();
    if (busySinceMs === undefined) {
      busySinceMs = monotonicMs();
      written = writeAll();
    }
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', late);
    }
  };

  /** Back to the last durable line. A segment that was begun and not finished is begun anew under the same name. */
  const cutBack = async (): Promise<void> => {
    await file.close().catch(() => undefined);
    file = await disk.open(path, false);
    checkFile((found) => found >= size);
    await file.truncate(size);
    await file.datasync();
  };

  return {
    append,
    rotate(atLeast) {
      rotateAbove = atLeast;
    },
    head: () => head,
    fault() {
      if (fault !== undefined || busySinceMs === undefined) return fault;
      const seconds = Math.floor((monotonicMs() - busySinceMs) / 1000);
      return seconds * 1000 < SLOW_MS
        ? undefined
        : `the disk of the journal has confirmed nothing for ${seconds} s`;
    },
    async recover() {
      if (fault === undefined || isMeddled || busySinceMs !== undefined) return;
      const reason = fault.slice(0, 1_000);
      try {
        await cutBack();
        fault = undefined;
        await append({ type: 'write-recovered', reason });
      } catch (error) {
        fault ??= `the journal cannot be written: ${messageOf(error)}`;
      }
    },
    async close() {
      await written;
      await file.close().catch(() => undefined);
    },
  };
}
