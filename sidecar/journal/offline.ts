import { CodedError } from '../../common/errors.ts';
import type { JournalEvent } from './entry.ts';
import { lockJournal } from './lock.ts';
import { goOn, readNewest } from './opening.ts';
import { disk } from './segments.ts';
import type { Facts } from './state.ts';

/**
 * Adds a line to a journal whose signer is stopped.
 * @param event the line, or what makes it of the journal's state and may throw instead
 * @throws CodedError `journal-locked` while a signer runs, `journal-missing`, `journal-corrupt`
 */
export async function appendOffline(
  dir: string,
  event: JournalEvent | ((facts: Facts) => JournalEvent),
  now: () => Date = () => new Date(),
): Promise<void> {
  const lock = await lockJournal(dir, async () => {
    throw new Error('another command has the journal just now; try again');
  });
  try {
    const read = await readNewest(dir);
    if (read === undefined) throw new CodedError('journal-missing', `${dir}: there is no journal here`);
    const line = typeof event === 'function' ? event(read.state.facts()) : event;
    const writer = await goOn(read, { dir, disk, now, monotonicMs: () => performance.now() });
    try {
      await writer.append(line);
    } finally {
      await writer.close();
    }
  } finally {
    await lock.release();
  }
}
