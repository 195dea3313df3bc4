import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { run } from './command.ts';

export interface Step {
  line: number;
  args: string[];
  /** Lines of a pipe; undefined when they are typed. */
  piped: string[] | undefined;
  typed: string[];
  stdout: string[];
  stderr: string[];
  code: number;
}

/**
 * `$ signer keys …` begins a step; `< ` is piped in, `@ ` typed at a terminal, `2> ` expected on stderr, `? ` the exit code if
 * it is not 0, `# ` a remark; all else is expected on stdout.
 */
export function readTranscript(name: string): Step[] {
  const text = readFileSync(new URL(`transcripts/${name}.txt`, import.meta.url), 'utf8');
  const steps: Step[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    const command = /^\$ signer keys (.*)$/.exec(line)?.[1];
    const step = steps.at(-1);
    if (command !== undefined)
      steps.push({
        line: i + 1,
        args: command.split(' '),
        piped: [],
        typed: [],
        stdout: [],
        stderr: [],
        code: 0,
      });
    else if (line.startsWith('# ') || step === undefined) continue;
    else if (line.startsWith('< ')) step.piped?.push(line.slice(2));
    else if (line.startsWith('@ ')) step.typed.push(line.slice(2));
    else if (line.startsWith('2> ')) step.stderr.push(line.slice(3));
    else if (line.startsWith('? ')) step.code = Number(line.slice(2));
    else step.stdout.push(line);
  }
  return steps;
}

const PATTERNS: Readonly<Record<string, string>> = {
  ID: '[0-9a-f]{16}',
  ACCOUNT: 'G[A-Z2-7]{55}',
  MOUNT: '[a-z0-9-]+',
};

/** Runs one step and compares everything. */
export async function play(step: Step, env: Record<string, string>): Promise<void> {
  const { code, stdout, stderr } = await run(step.args, {
    env,
    ...(step.typed.length > 0
      ? { type: step.typed.map((text) => [/: $/, `${text}\r`] as const) }
      : { stdin: (step.piped ?? []).map((line) => `${line}\n`).join('') }),
  });
  const about = `line ${step.line}: ${step.args.join(' ')}`;
  assertLines(stdout, step.stdout, `${about}: stdout; stderr was ${stderr}`);
  assertLines(stderr, step.stderr, `${about}: stderr`);
  assert.equal(code, step.code, about);
}

function assertLines(actual: string, expected: readonly string[], about: string): void {
  const text = expected.join('\n').trimEnd();
  const pattern = text
    .replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/\{(\w+)\}/g, (_, name: string) => PATTERNS[name]!);
  if (!new RegExp(`^${pattern}$`).test(actual.trimEnd())) assert.equal(actual.trimEnd(), text, about);
}
