import { createClock } from '../clock.ts';
import type { JournalEvent, JournalLine, SavedState } from './entry.ts';
import { createSequences, endOf } from './sequences.ts';
import { createWindows } from './windows.ts';

/** The newest checkpoint of a chain: its number and its line. */
export interface Checkpoint {
  number: number;
  n: number;
  hash: string;
}

/**
 * What a journal's lines add up to. It depends on nothing but the lines: the process that wrote them, the next start and
 * whoever verifies come to the same.
 */
export interface State {
  /** Takes the next line; `hash` is the SHA-256 of its text. */
  apply(line: JournalLine, hash: string): void;
  /** The same from a checkpoint, as it stands in the next one. Not before the first line. */
  save(): SavedState;
  /** What `save` gives, without sequences and windows. */
  facts(): Facts;
  checkpoint(): Checkpoint | undefined;
  /** Milliseconds since the epoch, by the wall clock: when the last line was written. */
  time(): number;
}

type Signed = Extract<JournalEvent, { type: 'signed' }>;

export type Facts = Omit<SavedState, 'live' | 'windows'>;

/**
 * Clock, sequences and windows of a process that goes on after what was saved. How long the one before has been gone, only
 * the wall clock could say, and it may be wrong: a sequence stays taken for what was left of it, from now.
 */
export function resume(saved: SavedState, wallMs: () => number, monotonicMs: () => number) {
  const clock = createClock(wallMs, monotonicMs, saved.at);
  const sequences = createSequences(() => BigInt(Math.floor(wallMs() / 1000)), clock.windowMs);
  const windows = createWindows();
  sequences.load(saved.live);
  windows.load(saved.windows);
  sequences.postpone(Math.max(0, clock.windowMs() - saved.at));
  return { clock, sequences, windows };
}

/**
 * Lines between two looks at what is over, so that a long segment does not fill the memory. By line numbers: whoever adds the
 * lines up, from wherever, forgets the same at the same line.
 */
const PRUNE_LINES = 1_024;

export function createState(): State {
  let facts: Facts | undefined;
  let checkpoint: Checkpoint | undefined;
  let timeMs = 0;
  const wall = (): bigint => BigInt(Math.floor(timeMs / 1000));
  const noSequences = () => createSequences(wall, () => facts?.at ?? 0);
  let sequences = noSequences();
  const windows = createWindows();

  const take = (
    { source, sequence, maxTime, fee }: Pick<Signed, 'source' | 'sequence' | 'maxTime' | 'fee'>,
    hash: string,
    at: number,
  ): void => {
    sequences.load([{ source, sequence, hash, maxTime, fee, endsMs: endOf(BigInt(maxTime), wall(), at) }]);
  };

  return {
    apply({ n, time, event }, hash) {
      timeMs = Date.parse(time);
      if (event.type === 'checkpoint') {
        const { live, windows: series, ...rest } = event.state;
        // What was over when it was written is over for good, whatever a clock that jumps says later.
        sequences = noSequences();
        sequences.load(live);
        windows.load(series);
        facts = rest;
        checkpoint = { number: event.number, n, hash };
      }
      // As `resume` does it.
      if (event.type === 'started') sequences.postpone(Math.max(0, (event.at ?? 0) - (facts?.at ?? 0)));
      facts = next(facts, event, checkpoint, timeMs);
      if (event.type === 'signed') {
        take(event, event.inner ?? event.hash, event.at);
        windows.add(event.spends, event.at);
      }
      // Its room was the persons' matter who signed it; its sequence is taken like any other.
      if (event.type === 'ceremony') take(event, event.hash, facts.at);
      if (n % PRUNE_LINES === 0) sequences.prune();
    },
    save: () => ({ ...facts!, live: sequences.save(), windows: windows.save() }),
    facts: () => facts!,
    checkpoint: () => checkpoint,
    time: () => timeMs,
  };
}

/** What an event changes beside sequences and windows. Pure. */
function next(
  facts: Facts | undefined,
  event: JournalEvent,
  checkpoint: Checkpoint | undefined,
  timeMs: number,
): Facts {
  if (event.type === 'created') {
    const { id, account, network } = event;
    return { id, account, network, isConfirmed: false, at: 0, signedLine: -1 };
  }
  if (facts === undefined) throw new Error('only the first line says "created", or a checkpoint');
  const { loss } = facts;
  switch (event.type) {
    case 'confirmed':
      return { ...facts, isConfirmed: true };
    case 'signed':
    case 'started':
      return { ...facts, at: Math.max(facts.at, event.at ?? 0) };
    case 'ceremony':
      return { ...facts, at: Math.max(facts.at, timeMs) };
    case 'loss': {
      const { reason, expected } = event;
      const lost = { reason, ...(expected === undefined ? {} : { expected }) };
      return { ...facts, isConfirmed: true, loss: { ...lost, isWaitedFor: false, isAccepted: false } };
    }
    case 'loss-waited':
      return loss === undefined ? facts : { ...facts, loss: { ...loss, isWaitedFor: true } };
    case 'loss-accepted':
      return loss === undefined ? facts : { ...facts, loss: { ...loss, isAccepted: true } };
    case 'checkpoint-signed':
      return event.checkpoint === checkpoint?.hash ? { ...facts, signedLine: checkpoint.n } : facts;
    default:
      return facts;
  }
}
