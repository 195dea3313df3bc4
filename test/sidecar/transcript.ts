/**
 * Command lines and what they print, as text that people read (after age's testscripts). A transcript has comments (`#`),
 * commands (`$ NAME=value signer …`), what each prints (`!` before a line of stderr) and `[exit N]` where that is not 0.
 * Files that the commands need stand at its end, each after `-- NAME --`; `$DIR` is the folder they are in.
 * With UPDATE_TRANSCRIPTS=1 what was printed is written into the transcript: read the difference before you keep it.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import type { Io } from '../../sidecar/cli.ts';

/** One command line; gets the words after `signer`, returns the exit code. */
export type Play = (args: string[], io: Io) => Promise<number>;

/** Plays a transcript's commands and holds what they print to it. */
export async function playTranscript(path: string, play: Play): Promise<void> {
  const expected = readFileSync(path, 'utf8');
  const [script = '', ...files] = expected.split(/^-- (.+) --\n/m);
  const dir = mkdtempSync(join(tmpdir(), 'transcript-'));
  try {
    for (let i = 0; i < files.length; i += 2) writeFileSync(join(dir, files[i]!), files[i + 1]!);
    const played = [];
    for (const line of script.split('\n')) {
      if (line === '' || line.startsWith('#')) played.push(`${line}\n`);
      if (line.startsWith('$ ')) played.push(`${line}\n${await playLine(line, dir, play)}\n`);
    }
    const actual = tidy(played.join('')) + expected.slice(script.length);
    if (process.env.UPDATE_TRANSCRIPTS === '1') writeFileSync(path, actual);
    else assert.equal(actual, expected);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** One empty line between commands, whatever was there. */
const tidy = (text: string): string => `${text.replaceAll(/\n{3,}/g, '\n\n').trimEnd()}\n`;

async function playLine(line: string, dir: string, play: Play): Promise<string> {
  const words = [...line.slice(2).matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) =>
    word.replaceAll("'", '').replaceAll('$DIR', dir),
  );
  const at = words.indexOf('signer');
  const env = Object.fromEntries(
    words.slice(0, at).map((word) => [word.split('=', 1)[0]!, word.slice(word.indexOf('=') + 1)]),
  );
  let output = '';
  const stream = (prefix: string): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        const text = String(chunk).replaceAll(dir, '$DIR');
        output += prefix === '' ? text : text.replaceAll(/^(?=.)/gm, prefix);
        done();
      },
    });
  const code = await play(words.slice(at + 1), {
    stdin: Readable.from([]) as Io['stdin'],
    stdout: stream(''),
    stderr: stream('! '),
    env,
    signal: new AbortController().signal,
  });
  return code === 0 ? output : `${output}[exit ${code}]\n`;
}
