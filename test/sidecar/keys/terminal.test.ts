import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Io } from '../../../sidecar/cli.ts';
import { createTerminal } from '../../../sidecar/keys/terminal.ts';
import { readStream } from './command.ts';
import { SEP5 } from './vectors.ts';

const [{ mnemonic, accounts }] = SEP5 as [(typeof SEP5)[0]];

function streams(isTTY: boolean, signal = new AbortController().signal) {
  const raw: boolean[] = [];
  const screen: string[] = [];
  const stdin = Object.assign(new PassThrough(), { isTTY, setRawMode: (on: boolean) => raw.push(on) });
  const stderr = new PassThrough().on('data', (chunk) => screen.push(String(chunk)));
  const io = { stdin, stdout: new PassThrough(), stderr, env: {}, signal } as unknown as Io;
  return { io, stdin, raw, screen, terminal: createTerminal(io, readStream(stdin)) };
}

describe('the terminal of the ceremony @security', () => {
  it('edits a line, and shows it only when it may', async () => {
    for (const [typed, expected] of [
      ['abc\r', 'abc'],
      ['abx\x7fc\n', 'abc'],
      ['\x7f\x08abc\r', 'abc'],
      ['wrong\x15abc\r', 'abc'],
      ['ab\x01\x02\tc\r', 'abc'],
    ] as const)
      for (const echo of [false, true]) {
        const { stdin, raw, screen, terminal } = streams(true);
        const answer = terminal.ask('Say: ', { echo });
        stdin.write(typed);
        assert.equal((await answer).toString(), expected);
        assert.deepEqual(raw, [true, false]);
        assert.equal(screen[0], 'Say: ');
        assert.equal(screen.slice(1).join('').includes('c'), echo);
      }
  });

  it('takes a cursor key for nothing', async () => {
    const { stdin, terminal } = streams(true);
    const answer = terminal.ask('');
    stdin.write('a');
    setImmediate(() => {
      stdin.write('\x1b[D');
      setImmediate(() => stdin.write('b\r'));
    });
    assert.equal((await answer).toString(), 'ab');
  });

  it('reads line after line from a pipe, whatever its line ends and chunks, and nothing is edited', async () => {
    const { stdin, screen, terminal } = streams(false);
    stdin.write('on');
    const first = terminal.ask('hidden');
    stdin.write('e\r\ntwo\x7f');
    assert.equal((await first).toString(), 'one');
    stdin.end('\n\nlast');
    assert.equal((await terminal.ask('')).toString(), 'two\x7f');
    assert.equal((await terminal.ask('')).toString(), '');
    assert.equal((await terminal.ask('')).toString(), 'last');
    await assert.rejects(terminal.ask(''), { code: 'aborted' });
    assert.deepEqual(screen, []);
  });

  it('gives the terminal back at Ctrl-C, at the end of input and when the process is to stop', async () => {
    for (const end of ['\x03', '\x04', 'half a line\x03']) {
      const { stdin, raw, terminal } = streams(true);
      const answer = terminal.ask('');
      stdin.write(end);
      await assert.rejects(answer, { code: 'aborted' });
      assert.deepEqual(raw, [true, false]);
    }
    const stop = new AbortController();
    const { raw, terminal } = streams(true, stop.signal);
    const answer = terminal.ask('');
    stop.abort();
    await assert.rejects(answer, { code: 'aborted' });
    assert.deepEqual(raw, [true, false]);
  });

  it('overwrites what it read, also when the line is too long or refused', async () => {
    for (const text of ['secret words\n', `secret ${'x'.repeat(2000)}\n`, 'secret\x03', 'secret\nmore\n']) {
      const given = new Set<Buffer>();
      let bytes = Buffer.from(text);
      const { io } = streams(true);
      const terminal = createTerminal(io, async (into) => {
        given.add(into);
        const taken = bytes.copy(into);
        bytes = bytes.subarray(taken);
        return taken;
      });
      await terminal.ask('').catch(() => undefined);
      terminal.close();
      for (const buffer of given)
        assert.ok(
          buffer.every((byte) => byte === 0),
          text.slice(0, 20),
        );
    }
  });

  it('shows nothing that is typed at a real terminal, and leaves it as it was', async function () {
    this.timeout(60_000);
    const done = await atTerminal(['derive'], mnemonic);
    assert.match(done.screen, new RegExp(`m/44'/148'/0' ${accounts[0]!.account}`));
    for (const word of mnemonic.split(' ')) assert.ok(!done.screen.includes(word), word);
    assert.deepEqual([done.code, done.echo], [0, true]);
    const aborted = await atTerminal(['derive'], '\x03');
    assert.deepEqual([aborted.code, aborted.echo], [130, true]);
  });
});

/** Runs it behind a pseudo-terminal of the system; `echo` is what the terminal does when it has ended. */
async function atTerminal(
  args: string[],
  typed: string,
): Promise<{ screen: string; code: number; echo: boolean }> {
  const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const child = spawn('python3', [file('at-terminal.py'), process.execPath, file('process.ts'), ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
  });
  const screen: string[] = [];
  const errors: string[] = [];
  child.stdout.on('data', (chunk) => screen.push(String(chunk)));
  child.stderr.on('data', (chunk) => errors.push(String(chunk)));
  child.stdin.end(`${typed}\r`);
  await new Promise((resolve) => child.once('close', resolve));
  const [, code, echo] = /code=(\d+) echo=(\d)/.exec(errors.join('')) ?? [];
  assert.ok(code !== undefined, errors.join(''));
  return { screen: screen.join(''), code: Number(code), echo: echo === '1' };
}
