import { messageOf } from '../../common/errors.ts';
import { hashLine, type JournalHead, type JournalLine, NO_PREVIOUS, readLine } from './entry.ts';

export type Verification =
  | { ok: true; head: JournalHead | undefined; incompleteBytes: number }
  | { ok: false; line: number; reason: string };

/**
 * Follows the chain of a journal's text. Any edit, removal in the middle, reorder or insertion breaks it at the line
 * named (from 1). Cutting off whole lines at the end is visible only against a head noted elsewhere (`/status` shows
 * it). Bytes after the last line end were never released; they are counted, not judged.
 */
export function verifyJournal(
  text: string,
  onLine: (line: JournalLine) => void = () => undefined,
): Verification {
  let head: JournalHead | undefined;
  let start = 0;
  for (let end = text.indexOf('\n'); end >= 0; start = end + 1, end = text.indexOf('\n', start)) {
    const current = text.slice(start, end);
    const number = (head?.n ?? -1) + 1;
    try {
      const line = readLine(current);
      if (line.n !== number) throw new Error(`its number is ${line.n}`);
      if (line.prev !== (head?.hash ?? NO_PREVIOUS)) throw new Error('it does not follow the line before');
      if ((line.event.type === 'created') !== (number === 0))
        throw new Error('only the first line says "created"');
      onLine(line);
    } catch (error) {
      return { ok: false, line: number + 1, reason: messageOf(error) };
    }
    head = { n: number, hash: hashLine(current) };
  }
  return { ok: true, head, incompleteBytes: Buffer.byteLength(text.slice(start)) };
}
