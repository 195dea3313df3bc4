import { CodedError, messageOf } from '../../common/errors.ts';
import { BrokenChain, followChain } from './chain.ts';
import { type JournalEvent, type JournalHead, nextLine, type WrittenLine } from './entry.ts';
import { createSegment, type Disk, listSegments, readSegment, type Segment } from './segments.ts';
import { createState, type State } from './state.ts';
import { createWriter, type JournalWriter, type WriterOptions } from './writer.ts';

/** The newest segment of a journal, read. */
export interface ReadJournal {
  segment: Segment;
  state: State;
  head: JournalHead;
  /** Bytes of whole lines, and of the first of them. */
  size: number;
  firstSize: number;
  /** Bytes after the last whole line: never released. */
  incompleteBytes: number;
}

/**
 * Reads the newest segment: its checkpoint and the lines after it. Those before are `signer journal verify`'s matter.
 * @returns undefined when there is no journal
 * @throws CodedError `journal-corrupt` naming file and line
 */
export async function readNewest(dir: string): Promise<ReadJournal | undefined> {
  const segment = (await listSegments(dir)).at(-1);
  if (segment === undefined) return undefined;
  const bytes = await readSegment(segment.path);
  const state = createState();
  try {
    const before = segment.first === 0 ? undefined : 'unknown';
    const { head, size, incompleteBytes } = followChain(bytes, segment.first, before, (line, hash) =>
      state.apply(line, hash),
    );
    if (head === undefined) throw new BrokenChain(1, 'it has no whole line');
    return { segment, state, head, size, firstSize: bytes.indexOf('\n') + 1, incompleteBytes };
  } catch (error) {
    const line = error instanceof BrokenChain ? `line ${error.line}: ` : '';
    throw new CodedError('journal-corrupt', `${segment.path} ${line}${messageOf(error)}`);
  }
}

/** Goes on with what was read. What was never released is cut off, with a line that says so. */
export async function goOn(
  { segment, state, head, size, firstSize, incompleteBytes }: ReadJournal,
  options: Pick<WriterOptions, 'dir' | 'disk' | 'now' | 'monotonicMs'>,
): Promise<JournalWriter> {
  const file = await options.disk.open(segment.path, false);
  if (incompleteBytes > 0) {
    await file.truncate(size);
    await file.datasync();
  }
  const writer = createWriter({ file, path: segment.path, size, firstSize }, { ...options, state, head });
  // A disk that is full now may have room later; the writer says so until then.
  if (incompleteBytes > 0)
    await writer.append({ type: 'incomplete-line-cut', bytes: incompleteBytes }).catch(() => undefined);
  return writer;
}

/** Begins a chain with these events, the first of them `created`: all of them are there, or none. */
export async function beginChain(
  disk: Disk,
  dir: string,
  now: () => Date,
  events: readonly JournalEvent[],
): Promise<void> {
  const lines: WrittenLine[] = [];
  for (const event of events) lines.push(nextLine(lines.at(-1)?.head, now(), event));
  const text = lines.map((line) => `${line.text}\n`).join('');
  const { file } = await createSegment(disk, dir, 0, text);
  await file.close();
}
