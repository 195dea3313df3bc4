import { open } from 'node:fs/promises';
import { hashLine, type JournalEvent, readLine } from './entry.ts';
import type { Segment } from './segments.ts';

/** More than the longest line but a checkpoint's. */
const TAIL_BYTES = 262_144;

/**
 * Which segments to remove, as the line that says so: the oldest that lie before the newest signed checkpoint (line
 * `signedLine`) and whose last line was written before `beforeMs`. From that checkpoint on the chain can still be verified.
 */
export async function findOld(
  segments: readonly Segment[],
  signedLine: number,
  beforeMs: number,
): Promise<Extract<JournalEvent, { type: 'segments-removed' }> | undefined> {
  let last: { n: number; hash: string } | undefined;
  for (const [i, { path }] of segments.entries()) {
    const follower = segments[i + 1];
    if (follower === undefined || follower.first > signedLine) break;
    const line = await readLast(path);
    if (Date.parse(line.time) >= beforeMs) break;
    last = line;
  }
  return last === undefined
    ? undefined
    : { type: 'segments-removed', from: segments[0]!.first, to: last.n, head: last.hash };
}

async function readLast(path: string): Promise<{ n: number; time: string; hash: string }> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const lines = buffer.subarray(0, bytesRead).toString('utf8').trimEnd().split('\n');
    const text = lines.at(-1)!;
    const { n, time } = readLine(text);
    return { n, time, hash: hashLine(text) };
  } finally {
    await file.close();
  }
}
