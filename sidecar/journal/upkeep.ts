import { checkpointMessage, isCheckpointSigned } from './audit.ts';
import type { JournalEvent } from './entry.ts';
import type { JournalOptions } from './journal.ts';
import { findOld } from './retention.ts';
import { type Disk, listSegments } from './segments.ts';
import type { State } from './state.ts';

const SPACE_INTERVAL_MS = 10_000;
/** Share of the disk below which the journal warns, once until there is more than enough again. */
const LOW_SPACE = 0.2;
const ENOUGH_SPACE = 0.25;
const SIGN_RETRY_MS = 30_000;
const RETENTION_INTERVAL_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** What /status says of the disk's space, as a share. */
export const spaceWarning = (free: number): string | undefined =>
  free < LOW_SPACE
    ? `only ${Math.floor(free * 100)} % of the journal’s disk is free: make room, nothing is signed when it is full`
    : undefined;

/** What a journal does beside taking lines: has its checkpoints signed, removes what is old, looks at the disk's space. */
export function createUpkeep(
  { dir, now, monotonicMs, retentionDays, signCheckpoint }: JournalOptions,
  { state, write, disk }: { state: State; write: (event: JournalEvent) => Promise<void>; disk: Disk },
) {
  let free = 1;
  let isLow = false;
  let isSigning = false;

  /** Signing never waits for it, and it never for signing: the signature is a later line. */
  const signNewest = async (): Promise<void> => {
    const checkpoint = state.checkpoint();
    if (signCheckpoint === undefined || checkpoint === undefined || isSigning) return;
    if (state.facts().signedLine >= checkpoint.n) return;
    isSigning = true;
    try {
      const signed = await signCheckpoint(checkpointMessage(checkpoint.hash));
      if (!isCheckpointSigned(checkpoint.hash, signed)) throw new Error('the audit key’s signature is wrong');
      const { number, hash } = checkpoint;
      await write({ type: 'checkpoint-signed', number, checkpoint: hash, ...signed });
    } finally {
      isSigning = false;
    }
  };

  const removeOld = async (): Promise<void> => {
    const segments = await listSegments(dir);
    const removed = await findOld(
      segments,
      state.facts().signedLine,
      now().getTime() - retentionDays * DAY_MS,
    );
    if (removed === undefined) return;
    // The line first: what is missing is always explained. What a crash leaves is found again.
    await write(removed);
    for (const { path, first } of segments) if (first <= removed.to) await disk.unlink(path);
    await disk.syncFolder(dir);
  };

  const lookAtSpace = async (): Promise<void> => {
    free = await disk.freeShare(dir);
    if (free >= ENOUGH_SPACE) isLow = false;
    if (isLow || free >= LOW_SPACE) return;
    await write({ type: 'space-low', free: Math.floor(free * 100) });
    isLow = true;
  };

  const jobs = [
    every(SPACE_INTERVAL_MS, monotonicMs, lookAtSpace),
    every(RETENTION_INTERVAL_MS, monotonicMs, removeOld),
  ];
  let signAtMs = 0;
  return {
    freeShare: () => free,
    async tick(): Promise<void> {
      if (monotonicMs() >= signAtMs)
        void signNewest().catch(() => {
          signAtMs = monotonicMs() + SIGN_RETRY_MS;
        });
      for (const job of jobs) await job();
    },
  };
}

function every(intervalMs: number, monotonicMs: () => number, job: () => Promise<void>): () => Promise<void> {
  let dueMs = monotonicMs();
  return async () => {
    if (monotonicMs() < dueMs) return;
    dueMs = monotonicMs() + intervalMs;
    await job();
  };
}
