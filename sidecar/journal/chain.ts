import { messageOf } from '../../common/errors.ts';
import { hashLine, type JournalHead, type JournalLine, NO_PREVIOUS, readLine } from './entry.ts';

/** Where a chain is broken: `line` counts from 1 within its file. */
export class BrokenChain extends Error {
  readonly line: number;

  constructor(line: number, reason: string) {
    super(reason);
    this.name = 'BrokenChain';
    this.line = line;
  }
}

const LINE_END = 0x0a;

/**
 * Follows the lines of one file, whose first has the number `first`. Any edit, removal in the middle, reorder or
 * insertion breaks the chain at a line. Bytes after the last line end were never released; they are counted, not judged.
 *
 * @param before the line before the file; undefined at the chain's beginning, 'unknown' where it is not there
 * @param onLine may throw, with what is wrong with the line
 * @throws BrokenChain
 */
export function followChain(
  bytes: Buffer,
  first: number,
  before: JournalHead | undefined | 'unknown',
  onLine: (line: JournalLine, hash: string, position: number) => void,
): { head: JournalHead | undefined; size: number; incompleteBytes: number } {
  let head = before === 'unknown' ? undefined : before;
  let start = 0;
  let position = 0;
  for (let end = bytes.indexOf(LINE_END); end >= 0; start = end + 1, end = bytes.indexOf(LINE_END, start)) {
    const text = bytes.subarray(start, end);
    position++;
    try {
      const line = readLine(text.toString('utf8'));
      const isFollowing =
        (position === 1 && before === 'unknown') || line.prev === (head?.hash ?? NO_PREVIOUS);
      if (line.n !== first + position - 1) throw new Error(`its number is ${line.n}`);
      if (!isFollowing) {
        if (position > 1 && isFollowed(bytes, start, end))
          throw new BrokenChain(position - 1, 'it was changed: the lines after it follow another');
        throw new Error('it does not follow the line before: one of the two was changed');
      }
      const opens = line.event.type === 'created' || line.event.type === 'checkpoint';
      if (opens !== (position === 1))
        throw new Error('a file begins with "created" or "checkpoint", and has no other');
      if ((line.event.type === 'created') !== (line.n === 0)) throw new Error('only line 0 says "created"');
      const hash = hashLine(text);
      onLine(line, hash, position);
      head = { n: line.n, hash };
    } catch (error) {
      throw error instanceof BrokenChain ? error : new BrokenChain(position, messageOf(error));
    }
  }
  return { head: position === 0 ? undefined : head, size: start, incompleteBytes: bytes.length - start };
}

/** Whether the line after the one from `start` to `end` has its hash: then it is as it was written. */
function isFollowed(bytes: Buffer, start: number, end: number): boolean {
  const next = bytes.subarray(end + 1, Math.max(end + 1, bytes.indexOf(LINE_END, end + 1)));
  return next.includes(`"prev":"${hashLine(bytes.subarray(start, end))}"`);
}
