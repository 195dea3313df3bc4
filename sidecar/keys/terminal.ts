import type { Io } from '../cli.ts';
import { ceremonyError } from './errors.ts';

const MAX_LINE = 1024;
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

/** Reads in raw mode, because a terminal that edits lines itself shows them and keeps them in its buffer. */
export function createTerminal(io: Io): Terminal {
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
      stdin.pause();
      if (isTty) stdin.setRawMode(false);
      if (isTty) stderr.write('\n');
    }
  }

  async function readLine(line: Buffer, echo: boolean): Promise<number> {
    let length = 0;
    for (;;) {
      const chunk = rest.shift() ?? (await nextChunk());
      if (chunk === undefined) {
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

  function nextChunk(): Promise<Buffer | undefined> {
    if (stdin.readableEnded) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const done = (chunk: Buffer | undefined, error?: Error): void => {
        stdin.pause();
        stdin.off('data', onData).off('end', onEnd).off('error', onError);
        signal.removeEventListener('abort', onAbort);
        if (error === undefined) resolve(chunk);
        else reject(error);
      };
      const onAbort = (): void => done(undefined, ceremonyError('aborted', 'aborted'));
      const onData = (chunk: Buffer): void => done(chunk);
      const onEnd = (): void => done(undefined);
      const onError = (error: Error): void => done(undefined, error);
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort);
      stdin.on('data', onData).on('end', onEnd).on('error', onError).resume();
    });
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
