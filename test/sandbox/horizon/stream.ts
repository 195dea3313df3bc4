import type { ServerResponse } from 'node:http';
import { encode } from '../http.ts';
import type { View } from '../network.ts';
import type { Listing } from './page.ts';
import { HorizonProblem, nameOf } from './problems.ts';

/** Server-sent events as Horizon sends them (stellar/go, render/sse, and recorded streams). */

interface StreamEvent {
  id?: string;
  data: unknown;
}

export interface EventSource {
  /** Events of the whole stream; then it ends. */
  limit: number;
  /** At most so many events that are new since it was called last. */
  next(most: number): StreamEvent[];
}

/** Records behind the request's cursor, then behind the last one sent. */
export function listEvents({ paging, after }: Listing): EventSource {
  let { cursor } = paging;
  return {
    limit: paging.limit,
    next(most) {
      const events: StreamEvent[] = [];
      for (const { token, render } of after(cursor)) {
        if (events.length === most) break;
        events.push({ id: token, data: render() });
      }
      cursor = events.at(-1)?.id ?? cursor;
      return events;
    },
  };
}

/** Horizon's own limit on events of one object; a `limit` in the request means something else there. */
const OBJECT_EVENTS = 10;

/** The whole object, and again when it changed; some kinds never count as changed. */
export function objectEvents(read: () => unknown, when: 'changes' | 'once'): EventSource {
  let last: string | undefined;
  return {
    limit: OBJECT_EVENTS,
    next() {
      const data = read();
      const text = when === 'once' ? '' : encode(data);
      if (text === last) return [];
      last = text;
      return [{ data }];
    },
  };
}

const HELLO = 'retry: 1000\nevent: open\ndata: "hello"\n\n';
const BYEBYE = 'retry: 10\nevent: close\ndata: "byebye"\n\n';

/** Horizon's server sends what it has buffered in pieces of this size, in bytes. */
const BUFFER = 2048;

function send(response: ServerResponse, { id, data }: StreamEvent): void {
  const line = `data: ${encode(data)}\n\n`;
  if (id === undefined) {
    response.write(line);
    return;
  }
  const bytes = Buffer.from(`id: ${id}\n${line}`);
  response.write(bytes.subarray(0, BUFFER));
  if (bytes.length > BUFFER) response.write(bytes.subarray(BUFFER));
}

export interface StreamOptions {
  network: View;
  /** The server looks for a new ledger this often, from the start of the connection on. */
  pollMs: number;
  /** Looks at each close instead. */
  atOnce: boolean;
  /** Horizon's limit on any connection. */
  maxMs: number;
  /** The client has gone, or the server stops. */
  signal: AbortSignal;
  report: (error: unknown) => void;
}

/**
 * Streams until the limit of events, the limit of time or `signal`. What the source throws the first time is thrown
 * before anything is sent; later it is an event.
 */
export async function serveStream(
  response: ServerResponse,
  { limit, next }: EventSource,
  { network, pollMs, atOnce, maxMs, signal, report }: StreamOptions,
): Promise<void> {
  let seen = network.latest.sequence;
  let left = limit;
  const take = (): StreamEvent[] => {
    const events = next(left);
    left -= events.length;
    return events;
  };
  const first = take();
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader('Cache-Control', 'no-cache');
  response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  response.write(HELLO);
  for (const event of first) send(response, event);

  const ending = await new Promise<string>((resolve) => {
    let stop: (() => void)[] = [];
    const finish = (last: string): void => {
      for (const one of stop) one();
      stop = [];
      resolve(last);
    };
    const sayBye = (): void => finish(BYEBYE);
    const look = (): void => {
      try {
        const { sequence } = network.latest;
        if (sequence <= seen) return;
        seen = sequence;
        for (const event of take()) send(response, event);
        if (left <= 0) sayBye();
      } catch (error) {
        if (!(error instanceof HorizonProblem)) report(error);
        const what =
          error instanceof HorizonProblem ? `problem: ${nameOf(error)}` : 'Unexpected stream error';
        finish(`event: err\ndata: ${what}\n\n`);
      }
    };
    const deadline = setTimeout(sayBye, maxMs);
    stop.push(() => clearTimeout(deadline));
    if (atOnce) stop.push(network.onClose(look));
    else {
      const timer = setInterval(look, pollMs);
      stop.push(() => clearInterval(timer));
    }
    signal.addEventListener('abort', sayBye);
    stop.push(() => signal.removeEventListener('abort', sayBye));
    if (left <= 0 || signal.aborted) sayBye();
  });
  response.end(ending);
}
