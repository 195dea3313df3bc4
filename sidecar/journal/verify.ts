import { setTimeout as sleep } from 'node:timers/promises';
import canonicalize from 'canonicalize';
import { messageOf } from '../../common/errors.ts';
import { type CheckpointSignature, isCheckpointSigned } from './audit.ts';
import { BrokenChain, followChain } from './chain.ts';
import type { JournalEvent, JournalHead, JournalLine } from './entry.ts';
import { listSegments, readSegment, type Segment } from './segments.ts';
import { type Checkpoint, createState, type Facts } from './state.ts';

/** What was noted elsewhere about a journal, to hold it to. */
export interface Noted {
  /** Raw public key, hexadecimal, that must have signed its checkpoints. */
  auditKey?: string | undefined;
  /** A line and its SHA-256, as `/status` or `export` gave them. */
  head?: JournalHead | undefined;
  /** Number of a checkpoint that was there. */
  checkpoint?: number | undefined;
}

interface Verified {
  ok: true;
  id: string;
  account: string;
  /** SHA-256 of the network's passphrase, hexadecimal. */
  network: string;
  /** Numbers of the first and the last line. */
  first: number;
  head: JournalHead;
  checkpoint: number;
  /** The newest checkpoint that is signed: it commits to all lines up to its own. */
  signed: (Checkpoint & CheckpointSignature) | undefined;
  /** Who signed, hexadecimal. */
  keys: string[];
  /** Bytes at the end that are no whole line, and were never released. */
  incompleteBytes: number;
}

/** `file` is a name in the folder; `line` counts from 1 in it, 0 means the file as a whole. */
export type Verification = Verified | { ok: false; file: string; line: number; reason: string };

/** Sees the lines as they are followed. */
interface Visitor {
  line?(line: JournalLine): void;
  /** Awaited before the next file is read. */
  fileEnd?(): Promise<void>;
}

const TRIES = 5;
const RETRY_MS = 200;

type Removed = Extract<JournalEvent, { type: 'segments-removed' }>;
type Signed = Extract<JournalEvent, { type: 'checkpoint-signed' }>;

/**
 * Follows a journal from its first line that is there to its last, whether or not a signer writes to it meanwhile. It finds
 * any edit, removal, insertion and reorder, a checkpoint that is not what the lines before it add up to, a signature that
 * is not of its checkpoint, lines missing at the front that no line says were removed, and, with what was noted, lines
 * missing at the end. One file is in memory at a time.
 */
export async function verifyFolder(
  dir: string,
  noted: Noted = {},
  visit: Visitor = {},
): Promise<Verification> {
  let seen = -1;
  const each = (line: JournalLine): void => {
    if (line.n > seen) visit.line?.(line);
    seen = Math.max(seen, line.n);
  };
  for (let tries = 1; ; tries++)
    try {
      return await follow(dir, noted, { ...visit, line: each });
    } catch (error) {
      // Removed by the signer while it was read: what is left says so.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === TRIES) throw error;
      await sleep(RETRY_MS);
    }
}

async function follow(dir: string, noted: Noted, visit: Visitor): Promise<Verification> {
  const segments = await listSegments(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const [oldest] = segments;
  if (oldest === undefined) return { ok: false, file: dir, line: 0, reason: 'there is no journal here' };
  const chain = createChain(noted);
  let head: JournalHead | undefined;
  let incompleteBytes = 0;
  for (const segment of segments) {
    const isLast = segment === segments.at(-1);
    try {
      const before = segment !== oldest ? head : segment.first === 0 ? undefined : 'unknown';
      const first = segment === oldest ? segment.first : head!.n + 1;
      const read = followChain(await readSegment(segment.path), first, before, (line, hash) => {
        chain.take(line, hash);
        visit.line?.(line);
      });
      await visit.fileEnd?.();
      head = read.head;
      incompleteBytes = read.incompleteBytes;
      checkFile(segment, first, read, isLast);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw error;
      const line = error instanceof BrokenChain ? error.line : 0;
      return { ok: false, file: segment.name, line, reason: messageOf(error) };
    }
  }
  const reason = chain.complaint(oldest, head!);
  const verified = { first: oldest.first, head: head!, incompleteBytes, ...chain.summary() };
  return reason === undefined
    ? { ok: true, ...verified }
    : { ok: false, file: segments.at(-1)!.name, line: head!.n - segments.at(-1)!.first + 1, reason };
}

function checkFile(
  segment: Segment,
  first: number,
  { head, incompleteBytes }: { head: JournalHead | undefined; incompleteBytes: number },
  isLast: boolean,
): void {
  if (head === undefined) throw new BrokenChain(1, 'it has no whole line');
  if (segment.first !== first)
    throw new BrokenChain(1, `its name says line ${segment.first}, it begins with line ${first}`);
  if (!isLast && incompleteBytes > 0)
    throw new BrokenChain(head.n - first + 2, 'its last line is not whole, and another file follows');
}

/** What is judged of the lines beside the links between them. */
function createChain({ auditKey, head: notedHead, checkpoint: notedCheckpoint }: Noted) {
  const state = createState();
  const checkpoints = new Map<number, Checkpoint>();
  const keys = new Set<string>();
  let isEmpty = true;
  let removed: Removed | undefined;
  /** Of each line that another file begins after. */
  const ends = new Map<number, string>();
  let signed: Verified['signed'];

  const checkState = (event: Extract<JournalEvent, { type: 'checkpoint' }>): void => {
    if (isEmpty) return;
    if (event.number <= (state.checkpoint()?.number ?? 0))
      throw new Error(`checkpoint ${event.number} comes after checkpoint ${state.checkpoint()?.number}`);
    if (canonicalize(state.save()) !== canonicalize(event.state))
      throw new Error('the state in this checkpoint is not what the lines before it add up to');
  };

  const checkSignature = (event: Signed): void => {
    const checkpoint = checkpoints.get(event.number);
    // Of a checkpoint whose file was removed.
    if (checkpoint === undefined) return;
    if (event.checkpoint !== checkpoint.hash)
      throw new Error(`checkpoint ${event.number} has another hash than the one that is signed`);
    if (auditKey !== undefined && event.key !== auditKey)
      throw new Error(`checkpoint ${event.number} is signed by another key, ${event.key}`);
    if (!isCheckpointSigned(checkpoint.hash, event))
      throw new Error(`the signature of checkpoint ${event.number} does not verify`);
    keys.add(event.key);
    if (checkpoint.n >= (signed?.n ?? 0)) {
      const { key, signature } = event;
      signed = { ...checkpoint, key, signature };
    }
  };

  return {
    take(line: JournalLine, hash: string): void {
      const { n, event } = line;
      if (event.type === 'checkpoint') {
        checkState(event);
        ends.set(n - 1, line.prev);
        checkpoints.set(event.number, { number: event.number, n, hash });
      }
      if (event.type === 'checkpoint-signed') checkSignature(event);
      if (event.type === 'segments-removed') removed = event;
      isEmpty = false;
      if (n === notedHead?.n && hash !== notedHead.hash)
        throw new Error(`it is not the line ${n} that was noted`);
      state.apply(line, hash);
    },
    /** What is wrong with it as a whole. */
    complaint(oldest: Segment, head: JournalHead): string | undefined {
      const checkpoint = state.checkpoint()?.number ?? 0;
      // A removal that is under way, or was cut off, has left some of what it names.
      const isExplained =
        removed !== undefined && removed.to >= oldest.first - 1 && ends.get(removed.to) === removed.head;
      if (oldest.first > 0 && !isExplained)
        return `lines 0 to ${oldest.first - 1} are missing, and no line says that they were removed`;
      if (notedHead !== undefined && notedHead.n > head.n)
        return `it is cut off: line ${notedHead.n} was noted, and this is the last`;
      if (notedHead !== undefined && notedHead.n < oldest.first)
        return `the noted line ${notedHead.n} was removed, so that nothing can be said of it: note a newer one`;
      if (notedCheckpoint !== undefined && notedCheckpoint > checkpoint)
        return `it is cut off: checkpoint ${notedCheckpoint} was noted, and the newest is ${checkpoint}`;
      if (auditKey !== undefined && signed === undefined)
        return `no checkpoint is signed by ${auditKey}: only a journal in its first hour has none`;
      // The newest may not be signed yet.
      const unsigned = [...checkpoints.values()].filter(({ n }) => n > (signed?.n ?? head.n));
      if (auditKey !== undefined && unsigned.length > 1)
        return `the last ${unsigned.length} checkpoints are not signed: the audit key did not work, or the lines after ${signed?.n} were written anew`;
      return undefined;
    },
    summary: () => ({
      ...identity(state.facts()),
      checkpoint: state.checkpoint()?.number ?? 0,
      signed,
      keys: [...keys],
    }),
  };
}

const identity = ({ id, account, network }: Facts): Pick<Verified, 'id' | 'account' | 'network'> => ({
  id,
  account,
  network,
});
