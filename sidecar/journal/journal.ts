import { randomUUID } from 'node:crypto';
import { CodedError, isCoded } from '../../common/errors.ts';
import { createStepWatch } from '../clock.ts';
import type { SignCheckpoint } from './audit.ts';
import type { JournalEvent, JournalRecord, LossReason, SavedState } from './entry.ts';
import {
  type Expected,
  type Found,
  judgeStart,
  LOSS_WAIT_MS,
  type Standing,
  standingOf,
  type Verdict,
} from './identity.ts';
import { type Acceptance, lockJournal } from './lock.ts';
import { beginChain, goOn, type ReadJournal, readNewest } from './opening.ts';
import { createRefusals } from './refusals.ts';
import { type Disk, hasLost, disk as realDisk, setAside } from './segments.ts';
import type { State } from './state.ts';
import { createUpkeep } from './upkeep.ts';
import type { JournalWriter } from './writer.ts';

export interface Journal extends Pick<JournalWriter, 'append' | 'head' | 'fault' | 'close'> {
  /** Random, from the first line. */
  readonly id: string;
  /** What the lines that were found add up to. */
  readonly restored: SavedState;
  /** Writes a refusal, or counts it when there are too many. Nobody waits for it. */
  refuse(event: Extract<JournalEvent, { type: 'refused' }>): void;
  standing(): Standing;
  /** Number of the newest checkpoint, 0 before the first. */
  checkpoint(): number;
  /** What was last read as the operator's record. */
  expected(): Expected;
  /** Share of the file system that is free, 0 to 1. */
  freeShare(): number;
  /** To be called once a second: whatever is due. Never rejects. */
  tick(): Promise<void>;
}

export interface JournalOptions {
  dir: string;
  account: string;
  /** SHA-256 of the passphrase, hexadecimal. */
  network: string;
  now: () => Date;
  monotonicMs: () => number;
  /** Looks up which journal must be found. */
  expected: () => Promise<Expected>;
  /** How long lines before a signed checkpoint are kept. */
  retentionDays: number;
  /** Of the audit key; without one checkpoints are not signed and nothing is ever removed. */
  signCheckpoint?: SignCheckpoint | undefined;
  /** Told of what the journal writes of its own accord: losses, jumps of the clock and the like. */
  notice: (event: JournalEvent) => void;
  disk?: Disk;
}

/**
 * Opens the journal of a folder, or begins one where that may be. A journal that is lost or damaged is put aside, never
 * deleted; `standing` says what follows.
 * @throws CodedError `journal-locked`, `journal-foreign` for another account or network, `journal-missing` where nobody
 * says that one may begin here
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  let accept = async (_request: Acceptance): Promise<string> => {
    throw new Error('the journal is being opened; try again');
  };
  const lock = await lockJournal(options.dir, (request) => accept(request));
  try {
    const { disk = realDisk } = options;
    const start = await findOrBegin(options, disk);
    const restored = start.read.state.save();
    const writer = await goOn(start.read, { ...options, disk });
    const journal = createJournal(options, start, writer, disk);
    accept = journal.accept;
    await journal.settle(start.verdict);
    return {
      ...journal,
      restored,
      append: writer.append,
      head: writer.head,
      fault: writer.fault,
      async close() {
        journal.flush();
        await writer.close();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

interface Start {
  read: ReadJournal;
  verdict: Verdict;
  expected: Expected;
}

async function findOrBegin(options: JournalOptions, disk: Disk): Promise<Start> {
  const { dir, account, network, now } = options;
  const { read, found } = await find(dir);
  const facts = read?.state.facts();
  if (facts !== undefined && (facts.account !== account || facts.network !== network))
    throw new CodedError(
      'journal-foreign',
      `the journal of ${dir} is of account ${facts.account} or of another network: give the signer the volume of its own account`,
    );
  const expected = await options.expected();
  const verdict = judgeStart(found, expected);
  if (typeof verdict === 'object' && 'refused' in verdict)
    throw new CodedError('journal-missing', `${dir}: ${verdict.refused}`);
  if (read !== undefined) return { read, verdict, expected };
  if (found.is === 'corrupt') await setAside(dir, now());
  const isLost = typeof verdict === 'object';
  const detail = found.is === 'corrupt' ? found.reason : undefined;
  const loss = isLost ? [lossEvent(verdict.lost, expected, detail)] : [];
  await beginChain(disk, dir, now, [{ type: 'created', id: randomUUID(), account, network }, ...loss]);
  loss.forEach(options.notice);
  return { read: (await readNewest(dir))!, verdict: isLost ? 'intact' : verdict, expected };
}

async function find(dir: string): Promise<{ read: ReadJournal | undefined; found: Found }> {
  try {
    const read = await readNewest(dir);
    if (read !== undefined) return { read, found: foundOf(read.state) };
    const wasAside = await hasLost(dir);
    const reason = 'it was put aside before, and no other was begun';
    return { read, found: wasAside ? { is: 'corrupt', reason } : { is: 'nothing' } };
  } catch (error) {
    if (!isCoded(error, 'journal-corrupt')) throw error;
    return { read: undefined, found: { is: 'corrupt', reason: error.message } };
  }
}

const foundOf = (state: State): Found => ({
  is: 'intact',
  checkpoint: state.checkpoint()?.number ?? 0,
  state: state.facts(),
});

const recordOf = (expected: Expected): JournalRecord | undefined =>
  typeof expected === 'object' ? expected.recorded : undefined;

function lossEvent(
  reason: LossReason,
  expected: Expected,
  detail: string | undefined,
): Extract<JournalEvent, { type: 'loss' }> {
  const recorded = recordOf(expected);
  return {
    type: 'loss',
    reason,
    ...(recorded === undefined ? {} : { expected: recorded }),
    ...(detail === undefined ? {} : { detail: detail.slice(0, 1_000) }),
  };
}

function createJournal(options: JournalOptions, start: Start, writer: JournalWriter, disk: Disk) {
  const { monotonicMs, notice } = options;
  const { state } = start.read;
  const facts = state.facts;
  const checkpoint = (): number => state.checkpoint()?.number ?? 0;
  let expected = start.expected;
  let isJudged = false;
  let waitEndsMs = monotonicMs() + LOSS_WAIT_MS;

  const write = async (event: JournalEvent): Promise<void> => {
    await writer.append(event);
    notice(event);
  };
  /** What is due again later when the disk does not take it now. */
  const attempt = (work: Promise<unknown>): Promise<unknown> => work.catch(() => undefined);
  const refusals = createRefusals((event) => void attempt(writer.append(event)), monotonicMs);
  const upkeep = createUpkeep(options, { state, write, disk });
  const stepped = createStepWatch(() => options.now().getTime(), monotonicMs, state.time());

  const settle = async (verdict: Verdict): Promise<void> => {
    if (verdict === 'wait' || (typeof verdict === 'object' && 'refused' in verdict)) return;
    if (typeof verdict === 'object') {
      await write(lossEvent(verdict.lost, expected, undefined));
      waitEndsMs = monotonicMs() + LOSS_WAIT_MS;
    } else if (!facts().isConfirmed)
      await write({ type: 'confirmed', by: expected === 'init' ? 'init' : 'operator' });
    isJudged = true;
    // After an older copy: newer than the record from now on, also where a start before this one died too early for it.
    const recorded = recordOf(expected);
    if (recorded?.id === facts().id && recorded.checkpoint > checkpoint()) writer.rotate(recorded.checkpoint);
  };

  const judge = async (): Promise<void> => {
    expected = await options.expected();
    await settle(judgeStart(foundOf(state), expected));
  };

  const due = async (): Promise<void> => {
    await writer.recover();
    refusals.flush();
    const byMs = stepped();
    if (byMs !== undefined) await attempt(write({ type: 'clock-stepped', byMs }));
    if (!isJudged) await attempt(judge());
    if (facts().loss?.isWaitedFor === false && monotonicMs() >= waitEndsMs)
      await attempt(write({ type: 'loss-waited' }));
    await attempt(upkeep.tick());
  };

  const standing = (): Standing => standingOf(facts(), isJudged, waitEndsMs - monotonicMs());

  let ticking: Promise<void> | undefined;
  return {
    id: facts().id,
    refuse: refusals.add,
    flush: refusals.flush,
    standing,
    checkpoint,
    expected: () => expected,
    freeShare: upkeep.freeShare,
    settle: (verdict: Verdict) => attempt(settle(verdict)),
    async accept({ reason, by }: Acceptance) {
      const { loss } = facts();
      if (loss === undefined || loss.isAccepted) throw new Error('there is no loss to accept');
      await write({ type: 'loss-accepted', reason, by });
      const now = standing();
      return now.state === 'waiting'
        ? `nothing is signed for another ${now.seconds} s; its windows are open after that`
        : 'its windows are open';
    },
    tick(): Promise<void> {
      ticking ??= due().finally(() => {
        ticking = undefined;
      });
      return ticking;
    },
  };
}
