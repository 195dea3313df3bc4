import { readFile } from 'node:fs/promises';
import type { JournalRecord, LossReason, SavedState } from './entry.ts';
import { journalRecord } from './entry.ts';

/** What was found at a start. */
export type Found =
  | { is: 'nothing' }
  | { is: 'corrupt'; reason: string }
  | { is: 'intact'; checkpoint: number; state: Pick<SavedState, 'id' | 'isConfirmed' | 'loss'> };

/**
 * What must be found: as the operator recorded it (undefined: it recorded none); 'unread': its file is not there yet or
 * cannot be read. Outside Kubernetes 'init' says that a journal may begin here, and 'unsaid' that nobody says so.
 */
export type Expected = 'init' | 'unsaid' | 'unread' | { recorded: JournalRecord | undefined };

export type Verdict =
  /** Sign nothing until more is known. */
  | 'wait'
  /** A first start: sign with empty windows. */
  | 'first'
  | 'intact'
  /** Nobody recorded it, but it is whole and was in use. */
  | 'adopted'
  | { lost: LossReason }
  | { refused: string };

const NOT_INITIALIZED =
  'there is no journal here: say --init if this is the first start of a signer for this account, ' +
  'else put the journal back where it was';

/** Whether what was found is what must be there. Pure. */
export function judgeStart(found: Found, expected: Expected): Verdict {
  if (found.is === 'corrupt') return { lost: 'corrupt' };
  const isUsed = found.is === 'intact' && found.state.isConfirmed;
  if (expected === 'unread') return 'wait';
  if (expected === 'init') return isUsed ? 'intact' : 'first';
  if (expected === 'unsaid') return isUsed ? 'intact' : { refused: NOT_INITIALIZED };
  const { recorded } = expected;
  if (recorded === undefined) return isUsed ? 'adopted' : 'wait';
  if (found.is === 'nothing') return { lost: 'empty' };
  const { id, loss } = found.state;
  if (id === recorded.id && found.checkpoint >= recorded.checkpoint) return 'intact';
  // The loss of exactly this one has its line already, and what follows from it is on its way.
  if (loss?.expected?.id === recorded.id && loss.expected.checkpoint >= recorded.checkpoint) return 'intact';
  return { lost: id === recorded.id ? 'older' : 'another' };
}

/** Reads the operator's record; a file that is absent or half written is looked at again later. */
export async function readExpected(path: string): Promise<Expected> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (JSON.stringify(value) === '{}') return { recorded: undefined };
    return { recorded: journalRecord.parse(value) };
  } catch {
    return 'unread';
  }
}

/** How the configuration says what is expected. */
export const expectation =
  ({ init, expectedFile }: { init: boolean; expectedFile?: string | undefined }) =>
  async (): Promise<Expected> => {
    if (init) return 'init';
    return expectedFile === undefined ? 'unsaid' : readExpected(expectedFile);
  };

/** How far the signer may go. */
export type Standing =
  | { state: 'ready' }
  /** The operator has not handed back this journal's id yet. */
  | { state: 'unconfirmed' }
  /** After a loss: until nothing that was released before can apply. */
  | { state: 'waiting'; seconds: number }
  /** After that: every window but that of deletions counts as full until the loss is accepted. */
  | { state: 'full' };

/** The hard maximum of a time bound (120 s) and the grace of a live sequence (60 s). */
export const LOSS_WAIT_MS = 180_000;

/** `leftMs`: of the wait after a loss. Pure. */
export function standingOf({ loss }: Pick<SavedState, 'loss'>, isJudged: boolean, leftMs: number): Standing {
  if (loss !== undefined && !loss.isWaitedFor)
    return { state: 'waiting', seconds: Math.max(1, Math.ceil(leftMs / 1000)) };
  if (!isJudged) return { state: 'unconfirmed' };
  return loss !== undefined && !loss.isAccepted ? { state: 'full' } : { state: 'ready' };
}

/** Why nothing at all is signed, or undefined. */
export function whyNothing(standing: Standing): string | undefined {
  if (standing.state === 'unconfirmed')
    return 'the id of this journal has not come back as the expected one yet';
  return standing.state === 'waiting'
    ? `an earlier journal was lost: nothing is signed for another ${standing.seconds} s`
    : undefined;
}
