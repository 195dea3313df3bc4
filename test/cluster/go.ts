import { chmodSync, cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CachedPart, cached, type Report } from './cache.ts';
import { run } from './run.ts';

/** At least what the go.mod of Kubernetes asks for. */
const TOOLCHAIN = 'go1.26.8';
/** From here on go fetches the toolchain that a module asks for by itself. */
const SELF_UPDATING_MINOR = 21;

const platform = `linux-${process.arch === 'arm64' ? 'arm64' : 'amd64'}`;

/**
 * The toolchain as the module proxy gives it, for a machine whose own go is too old to fetch it: a module like any
 * other, but for the modes of its programs.
 */
const toolchain: CachedPart = {
  name: 'go-toolchain',
  inputs: [TOOLCHAIN, platform],
  usually: '30 s',
  async build(dir, signal) {
    const module = `golang.org/toolchain@v0.0.1-${TOOLCHAIN}.${platform}`;
    const answer = await run('go', ['mod', 'download', '-json', module], { cwd: dir, signal });
    const { Dir } = JSON.parse(answer) as { Dir: string };
    cpSync(Dir, join(dir, 'go'), { recursive: true });
    for (const folder of ['bin', `pkg/tool/${platform.replace('-', '_')}`]) {
      const programs = join(dir, 'go', folder);
      for (const program of readdirSync(programs)) chmodSync(join(programs, program), 0o755);
    }
  },
};

/** Runs go as a static binary needs it; nice, since a person may be working beside it. */
export async function go(
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv; report: Report; signal: AbortSignal },
): Promise<void> {
  const { cwd, env, report, signal } = options;
  const program = await goProgram(report, signal);
  await run('nice', ['-n', '10', program, ...args], {
    cwd,
    env: {
      ...process.env,
      CGO_ENABLED: '0',
      GOFLAGS: '-trimpath',
      GO111MODULE: 'on',
      GOWORK: 'off',
      // Some distributions set `local`, which refuses a module that asks for a newer go.
      GOTOOLCHAIN: 'auto',
      ...env,
    },
    signal,
  });
}

async function goProgram(report: Report, signal: AbortSignal): Promise<string> {
  const version = await run('go', ['version'], { signal }).catch((cause: unknown) => {
    throw new Error('Building Kubernetes needs Go on the PATH (any version: Debian has golang-go)', {
      cause,
    });
  });
  const minor = Number(/go1\.(\d+)/.exec(version)?.[1]);
  if (minor >= SELF_UPDATING_MINOR) return 'go';
  return join(await cached(toolchain, report, signal), 'go/bin/go');
}
