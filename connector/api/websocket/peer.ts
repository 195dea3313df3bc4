import { WebSocket } from 'ws';
import type { RateLimit } from '../../../common/rate.ts';
import { CLOSE } from './messages.ts';

/** Milliseconds that a client has to take its close code; then the connection is cut. */
const CLOSE_MS = 2_000;

export interface Bounds {
  /** Bytes waiting for a client above which books are not sent change by change any more. */
  softBytes: number;
  /** Bytes waiting above which it is cut. */
  hardBytes: number;
}

/** One connection. */
export interface Peer {
  socket: WebSocket;
  /** Identity of its certificate. */
  client: string;
  topics: Set<string>;
  /** Books that it needs whole: at the start, and after it lagged. */
  behind: Set<string>;
  /** It answered the last ping. */
  alive: boolean;
  rate: RateLimit;
}

/** Text that is made at most once, however many clients get it. */
export function encodeOnce(value: () => object): () => Buffer {
  let text: Buffer | undefined;
  return () => {
    text ??= Buffer.from(JSON.stringify(value()));
    return text;
  };
}

export const isOpen = ({ socket }: Peer): boolean => socket.readyState === WebSocket.OPEN;
export const lags = ({ socket }: Peer, { softBytes }: Bounds): boolean => socket.bufferedAmount > softBytes;

/** Sends, or cuts a client that takes too little. `drained` is called when what waited has gone out. */
export function send(peer: Peer, text: Buffer, { hardBytes }: Bounds, drained: (peer: Peer) => void): void {
  const { socket } = peer;
  if (!isOpen(peer)) return;
  if (socket.bufferedAmount > hardBytes) {
    cut(peer, CLOSE.slow, 'too slow');
    return;
  }
  socket.send(text, { binary: false }, (error) => {
    if (error === undefined || error === null) drained(peer);
  });
}

export function cut({ socket }: Peer, code: number, reason: string): void {
  socket.close(code, reason);
  const timer = setTimeout(() => socket.terminate(), CLOSE_MS);
  socket.once('close', () => clearTimeout(timer));
}
