import { CodedError } from '../../common/errors.ts';
import { networkId } from '../envelope.ts';
import type { JournalEvent, SavedState } from './entry.ts';
import { lockJournal } from './lock.ts';
import { goOn, readNewest } from './opening.ts';
import { disk } from './segments.ts';
import { GRACE_SECONDS } from './sequences.ts';

/**
 * Adds a line to a journal whose signer is stopped.
 * @param event the line, or what makes it of the journal's state and may throw instead
 * @throws CodedError `journal-locked` while a signer runs, `journal-missing`, `journal-corrupt`
 */
export async function appendOffline(
  dir: string,
  event: JournalEvent | ((state: SavedState) => JournalEvent),
  now: () => Date = () => new Date(),
): Promise<void> {
  const lock = await lockJournal(dir, async () => {
    throw new Error('another command has the journal just now; try again');
  });
  try {
    const read = await readNewest(dir);
    if (read === undefined) throw new CodedError('journal-missing', `${dir}: there is no journal here`);
    const line = typeof event === 'function' ? event(read.state.save()) : event;
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

type Ceremony = Extract<JournalEvent, { type: 'ceremony' }>;

/**
 * Writes what a ceremony signs, so that the signer lets no other body out for its sequence.
 * @throws also CodedError `journal-foreign`, `sequence-live`
 */
export function appendCeremony(
  { dir, account, networkPassphrase }: { dir: string; account: string; networkPassphrase: string },
  event: Ceremony,
): Promise<void> {
  return appendOffline(dir, ({ account: own, network, live }) => {
    if (own !== account || network !== networkId(networkPassphrase).toString('hex'))
      throw new CodedError('journal-foreign', `the journal of ${dir} is of another account or network`);
    const { source, sequence, hash } = event;
    const taken = live.find((one) => one.source === source && one.sequence === sequence);
    if (taken !== undefined && taken.hash !== hash)
      throw new CodedError(
        'sequence-live',
        `sequence ${sequence} is taken by transaction ${taken.hash} until ${BigInt(taken.maxTime) + GRACE_SECONDS}; try again then`,
      );
    return event;
  });
}
