import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';

/** Options of node under which a program can be looked into; it says where in its log. */
export const INSPECTED = ['--inspect=127.0.0.1:0'];

export interface Inspector {
  /** Bytes of the heap in use after the collector has run. */
  heap(): Promise<number>;
  close(): void;
}

/** Looks into a process of ours by the Chrome DevTools Protocol, so that it needs no code for it. */
export async function inspect(logFile: string): Promise<Inspector> {
  const url = /ws:\/\/127\.0\.0\.1:\d+\/[-0-9a-f]+/.exec(readFileSync(logFile, 'utf8'))?.[0];
  if (url === undefined) throw new Error('the process does not say where it can be inspected');
  const socket = new WebSocket(url);
  await once(socket, 'open');
  const waiting = new Map<number, (result: { usedSize?: number }) => void>();
  socket.on('message', (data) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: { usedSize?: number } };
    if (id === undefined) return;
    waiting.get(id)?.(result ?? {});
    waiting.delete(id);
  });
  let last = 0;
  const ended = once(socket, 'close').then(() => {
    throw new Error('the process that was looked into ended');
  });
  ended.catch(() => undefined);
  const call = (method: string): Promise<{ usedSize?: number }> => {
    const id = ++last;
    const answer = new Promise<{ usedSize?: number }>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method }));
    return Promise.race([answer, ended]);
  };
  return {
    async heap() {
      // Twice: what finalizers let go of at the first time goes at the second.
      await call('HeapProfiler.collectGarbage');
      await call('HeapProfiler.collectGarbage');
      return (await call('Runtime.getHeapUsage')).usedSize!;
    },
    close: () => socket.terminate(),
  };
}
