import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Transaction } from '@stellar/stellar-sdk';

/** What a closed loop of `inFlight` callers saw. Latencies and delays in milliseconds. */
export interface Measured {
  perSecond: number;
  p50: number;
  p99: number;
  /** 99th percentile of this process' event loop meanwhile. */
  loopP99: number;
  failed: number;
}

/** Keeps `inFlight` calls of `work` under way for `ms` milliseconds. */
export async function closedLoop(
  work: () => Promise<boolean>,
  inFlight: number,
  ms: number,
): Promise<Measured> {
  const latencies: number[] = [];
  let failed = 0;
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  const started = performance.now();
  const end = started + ms;
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      const begun = performance.now();
      if (await work()) latencies.push(performance.now() - begun);
      else failed++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  const seconds = (performance.now() - started) / 1000;
  loop.disable();
  return {
    perSecond: latencies.length / seconds,
    ...summary(latencies),
    loopP99: loop.percentile(99) / 1e6,
    failed,
  };
}

/**
 * Calls `work` `perSecond` times a second for `ms` milliseconds, however long the answers take: a latency counts from when its call was due,
 * so that one that was held up by others is not measured as quick.
 */
export async function openLoop(
  work: () => Promise<boolean>,
  perSecond: number,
  ms: number,
): Promise<{ p50: number; p99: number; failed: number }> {
  const latencies: number[] = [];
  let failed = 0;
  const answers: Promise<void>[] = [];
  const started = performance.now();
  const call = async (due: number): Promise<void> => {
    if (await work()) latencies.push(performance.now() - due);
    else failed++;
  };
  for (let made = 0; ; ) {
    const elapsed = performance.now() - started;
    if (elapsed >= ms) break;
    for (; made < (elapsed / 1000) * perSecond; made++)
      answers.push(call(started + (made / perSecond) * 1000));
    // Not a timer, which counts in whole milliseconds.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(answers);
  return { ...summary(latencies), failed };
}

/** Percentiles of latencies in milliseconds. */
export function summary(latencies: number[]): { p50: number; p99: number } {
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const SEQUENCE_OFFSET = 44;
const MAX_TIME_OFFSET = 64;

/**
 * Envelopes that differ in sequence number and maxTime only, from one that the SDK built: type, source, fee, then the
 * sequence number at byte 44; time bounds come first among the preconditions, maxTime at byte 64.
 */
export function envelopeSource(template: Transaction, first: bigint): () => string {
  const bytes = Buffer.from(template.toXDR(), 'base64');
  if (bytes.readBigInt64BE(SEQUENCE_OFFSET) !== BigInt(template.sequence))
    throw new Error('the template has another form than this function writes');
  let sequence = first;
  return () => {
    bytes.writeBigInt64BE(sequence++, SEQUENCE_OFFSET);
    bytes.writeBigInt64BE(BigInt(Math.floor(Date.now() / 1000) + 30), MAX_TIME_OFFSET);
    return bytes.toString('base64');
  };
}
