import type { ServerResponse } from 'node:http';
import type { FaultOf } from './schema.ts';

/** Hello and byebye have a name, news have none. */
const isNews = (event: string): boolean => !/^event:/m.test(event);

/** Lets the events that a stream writes pass as the fault has it. */
export function disturbStream(response: ServerResponse, { how, after }: FaultOf<'stream'>): void {
  const [rawWrite, rawEnd] = [response.write.bind(response), response.end.bind(response)];
  // Bytes as latin1: what is written may end within a character.
  const write = (bytes: string): boolean => rawWrite(bytes, 'latin1');
  const sent: string[] = [];
  let seen = 0;
  let unfinished = '';
  let over = false;

  function pass(event: string): void {
    if (over) return;
    const isNext = isNews(event) && seen === after;
    if (isNews(event)) seen += 1;
    if (isNext && how === 'skip') return;
    // Without news before it, a stream that ends or stalls does so after its hello.
    if (how === 'stall' && isNext) {
      over = true;
      return;
    }
    write(event);
    if (isNext && how === 'duplicate') write(event);
    if (isNews(event)) sent.push(event);
    if (isNews(event) && how === 'replay' && seen === after) for (const old of sent) write(old);
    if (how === 'end' && seen >= after) {
      over = true;
      rawEnd();
    }
  }

  Object.assign(response, {
    write(chunk: string | Uint8Array) {
      const events = (unfinished + Buffer.from(chunk as string).toString('latin1')).split('\n\n');
      unfinished = events.pop() ?? '';
      for (const event of events) pass(`${event}\n\n`);
      return true;
    },
    end(chunk?: string | Uint8Array) {
      if (chunk !== undefined) response.write(chunk);
      if (over && how === 'stall') return response;
      if (!over) rawEnd();
      over = true;
      return response;
    },
  });
}
