import { constants, type FileHandle, open, readdir, rename, rm, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../common/errors.ts';

/** A journal is a row of files. Each but the first begins with a checkpoint, so that a start reads the newest only. */
export interface Segment {
  path: string;
  name: string;
  /** Number of its first line. */
  first: number;
}

/**
 * What the writer needs of a file; given, so that tests can make it fail. A write is durable when it resolves, as if
 * fdatasync had followed (O_DSYNC): one way through the thread pool instead of two, while requests wait.
 */
export type SegmentFile = Pick<FileHandle, 'write' | 'datasync' | 'truncate' | 'close'>;

/** The file system as the journal writes to it. */
export interface Disk {
  /** Opens for appending; `isNew`: makes it, in place of whatever has that name. */
  open(path: string, isNew: boolean): Promise<SegmentFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Makes names durable. */
  syncFolder(dir: string): Promise<void>;
  /** Share of the file system that is free, 0 to 1. */
  freeShare(dir: string): Promise<number>;
}

const MODE = 0o600;
/** O_APPEND: what another process may have appended just now is never written over. No link leads out of the folder. */
const { O_RDONLY, O_RDWR, O_APPEND, O_DSYNC, O_NOFOLLOW, O_NONBLOCK, O_CREAT, O_EXCL, O_DIRECTORY } =
  constants;
const FLAGS = O_RDWR | O_APPEND | O_DSYNC | O_NOFOLLOW;
const NAME = /^journal-(\d{12})\.jsonl$/;
/** A segment is written under this name first, and has its own only when it is whole. */
const UNFINISHED = '.new';
/** No segment becomes so large: it is read into memory. */
const MAX_BYTES = 1_073_741_824;
const LOST = 'lost-';

const segmentName = (first: number): string => `journal-${String(first).padStart(12, '0')}.jsonl`;

export const disk: Disk = {
  async open(path, isNew) {
    if (isNew) await rm(path, { force: true });
    return open(path, isNew ? FLAGS | O_CREAT | O_EXCL : FLAGS, MODE);
  },
  rename,
  unlink,
  async syncFolder(dir) {
    const handle = await open(dir, O_RDONLY | O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  async freeShare(dir) {
    const { bavail, blocks } = await statfs(dir);
    return blocks === 0 ? 1 : bavail / blocks;
  },
};

/**
 * All of a segment.
 * @throws Error for what is no plain file: nothing of the signer makes that; CodedError `journal-corrupt` when it is too large
 */
export async function readSegment(path: string): Promise<Buffer> {
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ELOOP' ? new Error(`${path} is no plain file: see who put it there`) : error;
  });
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new Error(`${path} is no plain file: see who put it there`);
    if (stats.size > MAX_BYTES)
      throw new CodedError('journal-corrupt', `${path} is larger than any segment: ${stats.size} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** In their order. */
export async function listSegments(dir: string): Promise<Segment[]> {
  return (await readdir(dir))
    .map((name) => ({ name, path: join(dir, name), first: Number(NAME.exec(name)?.[1] ?? Number.NaN) }))
    .filter(({ first }) => !Number.isNaN(first))
    .sort((a, b) => a.first - b.first);
}

/** A new segment that begins with `text`: it is there wholly and durably, or not at all. */
export async function createSegment(
  { open: openFile, rename: renameFile, syncFolder }: Disk,
  dir: string,
  first: number,
  text: string,
): Promise<{ file: SegmentFile; path: string }> {
  const path = join(dir, segmentName(first));
  const file = await openFile(path + UNFINISHED, true);
  try {
    await writeFully(file, Buffer.from(text));
    await renameFile(path + UNFINISHED, path);
    await syncFolder(dir);
    return { file, path };
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
}

/** Appends all bytes, however short single writes are; they are durable then. */
export async function writeFully(file: SegmentFile, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written);
    if (bytesWritten === 0) throw new Error('the disk takes no more bytes');
    written += bytesWritten;
  }
}

/** Puts a damaged journal aside, oldest first: its end is there, and damaged, until all of it has another name. */
export async function setAside(dir: string, time: Date): Promise<void> {
  const prefix = `${LOST}${time.toISOString().replaceAll(/[:.]/g, '-')}-`;
  for (const { name, path } of await listSegments(dir)) await rename(path, join(dir, prefix + name));
  await disk.syncFolder(dir);
}

/** Whether a journal was put aside here. */
export const hasLost = async (dir: string): Promise<boolean> =>
  (await readdir(dir)).some((name) => name.startsWith(LOST));
