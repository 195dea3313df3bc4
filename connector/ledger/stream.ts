import { isCoded, messageOf } from '../../common/errors.ts';
import { connectorError } from '../errors.ts';
import { createSseParser, type SseEvent } from './sse.ts';
import type { Clock, Transport } from './transport.ts';
import type { StreamHandlers } from './types.ts';

/** What a resilient stream is made of. `T` is one decoded event. */
export interface StreamPlan<T> {
  /** Asked at each dial, so that a stream can move to another server: its cursors are the same everywhere. */
  transport(): Transport;
  /** Path and query; `cursor` undefined where events have none. */
  path(cursor: string | undefined): string;
  /**
   * Where it begins, asked once before the first dial (`now` is never sent: what comes between a break and the next dial
   * would be missed). Undefined: events have no cursor, each is whole in itself.
   */
  start: ((signal: AbortSignal) => Promise<string>) | undefined;
  /** The event of a JSON value and its cursor. @throws `ledger-untrusted` */
  decode(data: unknown): { value: T; cursor: string };
  /** Orders cursors. */
  compare(a: string, b: string): number;
  /** Whether all events since the cursor can still come: history may have been cut. Asked at the start and after a fault. */
  covers?(cursor: string, signal: AbortSignal): Promise<boolean>;
  /** True when events between the two are missing. */
  skips?(before: string, after: string): boolean;
  /** By a plain GET: whether there is something that the stream should have sent. */
  missed(cursor: string, signal: AbortSignal): Promise<boolean>;
  /** After so long without an event (milliseconds) it is asked. */
  idleMs: number;
}

/** Horizon greets at once. */
const HELLO_MS = 10_000;
/** Between two dials, whatever the server says; less would be a loop, more would be deaf. */
const SHORTEST_MS = 10;
const LONGEST_MS = 10_000;
const BACKOFF_MS = 250;
/** A connection that ended sooner than this is not dialled again at once; without an event it counts as a fault. */
const BRIEF_MS = 2_000;

/** Why a connection ended: the server's regular close, or a fault. */
type End = { fault: string | undefined; retryMs: number };

/**
 * Follows a stream of Horizon until `signal` is aborted. A close by the server (after its limit of events, or after its
 * 55 s) is no fault: it is dialled again from the last cursor. Since Horizon sends no keep-alive, a silent stream is asked
 * after by a plain GET and dropped when it withheld something. Events come in order and once. A handler that throws
 * refuses the event: the stream is dropped and comes back to it.
 */
export async function followStream<T>(
  plan: StreamPlan<T>,
  handlers: StreamHandlers<T>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  let cursor: string | undefined;
  let isUp = false;
  let faults = 0;
  let covered = false;

  const take = ({ data, id }: SseEvent): void => {
    const { value, cursor: next } = plan.decode(parseJson(data));
    if (id !== undefined && id !== next) {
      throw connectorError('ledger-untrusted', 'a stream sends an event under the id of another');
    }
    if (cursor !== undefined && plan.compare(next, cursor) <= 0) return;
    if (cursor !== undefined && plan.skips?.(cursor, next)) handlers.open?.(true);
    handlers.event(value, next);
    cursor = next;
  };

  const stands = (gap: boolean): void => {
    if (!isUp || gap) handlers.open?.(gap);
    isUp = true;
    covered = true;
  };

  /** One connection, from dial to end. */
  const connect = async (cut: AbortSignal): Promise<End> => {
    if (plan.start !== undefined) cursor ??= await plan.start(cut);
    let gap = false;
    if (!covered && cursor !== undefined && plan.covers !== undefined)
      gap = !(await plan.covers(cursor, cut));
    const began = clock.now();
    const stream = await plan.transport().stream(plan.path(cursor), { accept: 'text/event-stream' }, cut);
    try {
      if (stream.status !== 200) return { fault: `HTTP ${stream.status}`, retryMs: 0 };
      const parse = createSseParser();
      const chunks = stream.chunks[Symbol.asyncIterator]();
      let greeted = false;
      let news = false;
      let retryMs = 1_000;
      const regular = (): End => {
        const isBrief = clock.now() - began < BRIEF_MS;
        if (isBrief && !news) return { fault: 'it ended at once', retryMs };
        return { fault: undefined, retryMs: isBrief ? Math.max(retryMs, BACKOFF_MS) : retryMs };
      };
      let next = chunks.next();
      next.catch(() => undefined);
      while (true) {
        const got = await within(next, greeted ? plan.idleMs : HELLO_MS, clock, cut);
        if (got === 'late') {
          if (!greeted) return { fault: 'it did not greet', retryMs: 0 };
          if (await plan.missed(cursor ?? '', cut)) return { fault: 'it fell silent', retryMs: 0 };
          continue;
        }
        if (got.done) break;
        for (const event of parse(got.value)) {
          retryMs = event.retryMs ?? retryMs;
          if (event.name === 'open') {
            greeted = true;
            stands(gap);
          } else if (event.name === 'close') {
            return regular();
          } else if (event.name === 'message') {
            if (!greeted) return { fault: 'it did not greet', retryMs: 0 };
            take(event);
            news = true;
            faults = 0;
          } else {
            return { fault: `it sent the event ${event.name.slice(0, 40)}`, retryMs: 0 };
          }
        }
        next = chunks.next();
        next.catch(() => undefined);
      }
      return regular();
    } finally {
      stream.close();
    }
  };

  while (!signal.aborted) {
    const cut = new AbortController();
    const either = AbortSignal.any([signal, cut.signal]);
    const end = await connect(either).catch(
      (error: unknown): End => ({
        fault: messageOf(error),
        retryMs: isCoded(error, 'rate-limited') ? 1_000 : 0,
      }),
    );
    cut.abort();
    if (signal.aborted) return;
    let waitMs = end.retryMs;
    if (end.fault === undefined) faults = 0;
    else {
      if (isUp || faults === 0) handlers.down?.(end.fault);
      isUp = false;
      covered = false;
      waitMs = Math.max(waitMs, BACKOFF_MS * 2 ** Math.min(faults, 10));
      faults += 1;
    }
    const bounded = Math.min(Math.max(waitMs, SHORTEST_MS), LONGEST_MS);
    await clock.sleep(bounded * (0.5 + clock.random() / 2), signal).catch(() => undefined);
  }
}

function parseJson(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch (cause) {
    throw connectorError('ledger-untrusted', 'a stream sends data that is no JSON', { cause });
  }
}

/** What comes first: the value, or the end of patience. */
async function within<T>(
  next: Promise<T>,
  ms: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<T | 'late'> {
  const patience = new AbortController();
  const late = clock.sleep(ms, AbortSignal.any([signal, patience.signal])).then(() => 'late' as const);
  late.catch(() => undefined);
  try {
    return await Promise.race([next, late]);
  } finally {
    patience.abort();
  }
}
