import { readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Io } from '../cli.ts';
import { ceremonyError } from './errors.ts';

const STDIN = 0;
const MAX_LINE = 1024;
/** Nobody notices it, and it costs nothing. */
const POLL_MS = 20;
const [LF, CR, SPACE, ESCAPE] = [0x0a, 0x0d, 0x20, 0x1b];
const [CTRL_C, CTRL_D, CTRL_U] = [0x03, 0x04, 0x15];
const ENTER = [LF, CR];
const BACKSPACE = [0x08, 0x7f];

export interface Terminal {
  /** Somebody types: stdin is a terminal. */
  readonly typed: boolean;
  /** The same, and what is written is seen there, and only there. */
  readonly interactive: boolean;
  /**
   * One line, without its end, which the caller overwrites. On a terminal it is shown only with `echo`; otherwise the
   * prompt is not shown either, and the line comes from a pipe or file.
   * @throws CodedError `aborted` at Ctrl-C or the end of input
   */
  ask(prompt: string, options?: { echo?: boolean }): Promise<Buffer>;
  /** Writes to stdout and waits until the system has it. */
  show(bytes: Buffer | string): Promise<void>;
  /** For a person, until Enter: on the alternate screen, which keeps no scrollback. The bytes are overwritten. */
  showOnce(bytes: Buffer): Promise<void>;
  /** For a person, on stderr. */
  note(text: string): void;
  /** Gives the terminal back and overwrites what was read too much. */
  close(): void;
}

/** Fills the buffer from its start; 0 bytes are the end of input. */
export type Read = (into: Buffer, signal: AbortSignal) => Promise<number>;

/**
 * Straight into our buffer. A stream reads into memory of its own and frees it as it is, with the words in it. What Node has
 * made a stream of does not block, so that this asks again.
 */
export const readFrom =
  (fd: number): Read =>
  async (into, signal) => {
    for (;;) {
      if (signal.aborted) throw ceremonyError('aborted', 'aborted');
      try {
        return readSync(fd, into);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EOF') return 0;
        if (code !== 'EAGAIN') throw error;
        await sleep(POLL_MS);
      }
    }
  };

/** Reads in raw mode, because a terminal that edits lines itself shows them and keeps them in its buffer. */
export function createTerminal(io: Io, read: Read = readFrom(STDIN)): Terminal {
  const { stdin, stdout, stderr, signal } = io;
  const isTty = stdin.isTTY === true;
  const rest: Buffer[] = [];

  async function ask(prompt: string, { echo = false } = {}): Promise<Buffer> {
    const line = Buffer.alloc(MAX_LINE);
    // First, so that not even what is typed too early is shown.
    if (isTty) stdin.setRawMode(true);
    try {
      if (isTty) stderr.write(prompt);
      const length = await readLine(line, echo);
      return Buffer.from(line.subarray(0, length));
    } finally {
      line.fill(0);
      if (isTty) stdin.setRawMode(false);
      if (isTty) stderr.write('\n');
    }
  }

  async function nextChunk(): Promise<Buffer> {
    const into = Buffer.alloc(MAX_LINE);
    return into.subarray(0, await read(into, signal));
  }

  async function readLine(line: Buffer, echo: boolean): Promise<number> {
    let length = 0;
    for (;;) {
      const chunk = rest.shift() ?? (await nextChunk());
      if (chunk.length === 0) {
        if (length > 0) return length;
        throw ceremonyError('aborted', 'the input ended before a line came');
      }
      try {
        const taken = take(chunk, line, length, echo);
        length = taken.length;
        if (!taken.isWhole) continue;
        if (taken.next < chunk.length) rest.unshift(Buffer.from(chunk.subarray(taken.next)));
        return length;
      } finally {
        chunk.fill(0);
      }
    }
  }

  /** Adds a chunk to a line of `length` bytes, up to the end of the line. */
  function take(chunk: Buffer, line: Buffer, length: number, echo: boolean) {
    let now = length;
    // Cursor keys and the like; what a person types has no such byte.
    if (isTty && chunk[0] === ESCAPE) return { length, isWhole: false, next: 0 };
    for (const [i, byte] of chunk.entries()) {
      // CR LF is one end of line.
      if (ENTER.includes(byte))
        return { length: now, isWhole: true, next: byte === CR && chunk[i + 1] === LF ? i + 2 : i + 1 };
      if (isTty && (byte === CTRL_C || (byte === CTRL_D && now === 0)))
        throw ceremonyError('aborted', 'aborted');
      if (isTty && (BACKSPACE.includes(byte) || byte === CTRL_U)) {
        const keep = byte === CTRL_U ? 0 : Math.max(0, now - 1);
        if (echo) stderr.write('\b \b'.repeat(now - keep));
        line.fill(0, keep);
        now = keep;
      } else if (!isTty || byte >= SPACE) {
        if (now === MAX_LINE) throw ceremonyError('usage', `a line has at most ${MAX_LINE} bytes`);
        line[now++] = byte;
        if (echo && isTty) stderr.write(Buffer.from([byte]));
      }
    }
    return { length: now, isWhole: false, next: 0 };
  }

  const show = (bytes: Buffer | string): Promise<void> =>
    new Promise((resolve, reject) =>
      stdout.write(bytes, (error) => (error == null ? resolve() : reject(error))),
    );

  return {
    typed: isTty,
    interactive: isTty && 'isTTY' in stdout && stdout.isTTY === true,
    ask,
    show,
    async showOnce(bytes) {
      try {
        await show('\x1b[?1049h\x1b[2J\x1b[H');
        await show(bytes);
        bytes.fill(0);
        (await ask('\nWrite the words on paper, in this order, then press Enter. ')).fill(0);
      } finally {
        bytes.fill(0);
        await show('\x1b[2J\x1b[H\x1b[?1049l');
      }
    },
    note: (text) => void stderr.write(`${text}\n`),
    close: () => {
      for (const chunk of rest) chunk.fill(0);
    },
  };
}

/** @throws CodedError `not-a-terminal` */
export function needPerson(terminal: Terminal, why: string): void {
  if (!terminal.interactive)
    throw ceremonyError('not-a-terminal', `${why}: run it on a terminal, without a pipe`);
}
