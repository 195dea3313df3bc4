import { once } from 'node:events';
import { connect } from 'node:tls';
import type { Endpoint } from '../e2e/trade.ts';

const LENGTH = /\r\ncontent-length: (\d+)\r\n/i;

/** A connection over mTLS that asks one GET at a time, and does as little as can be done, since it shares the cores. */
export interface Asker {
  /** Whether the whole answer came with status 200. */
  ask(): Promise<boolean>;
  close(): void;
}

export async function openAsker(endpoint: Endpoint, path: string): Promise<Asker> {
  const { address: host, port, host: servername, ca, cert, key } = endpoint;
  const socket = connect({ host, port, servername, ca, cert, key, minVersion: 'TLSv1.3' });
  await once(socket, 'secureConnect');
  socket.setNoDelay(true);
  const request = `GET ${path} HTTP/1.1\r\nhost: ${servername}:${port}\r\n\r\n`;
  let received = '';
  let answered: (isOk: boolean) => void = () => undefined;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    const end = received.indexOf('\r\n\r\n');
    if (end < 0 || received.length < end + 4 + Number(LENGTH.exec(received)?.[1] ?? 0)) return;
    const isOk = received.startsWith('HTTP/1.1 200 ');
    received = '';
    answered(isOk);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => answered(false));
  return {
    ask: () =>
      new Promise((resolve) => {
        answered = resolve;
        socket.write(request);
      }),
    close: () => void socket.destroy(),
  };
}
