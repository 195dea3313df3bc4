import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../../common/shutdown.ts';
import { lockFile, type Report } from './cache.ts';
import type { Layout } from './layout.ts';
import { checkMachine, isRoot, type Mode, unshareArguments } from './namespaces.ts';
import { loadModules } from './network.ts';
import { cgroupHierarchies } from './node-config.ts';
import { childrenOf, identify, type ProcessId, runs } from './process.ts';

/** What `up` records; the one pid that `down` needs. */
interface ClusterRecord {
  mode: Mode;
  unshare: ProcessId;
  /** Made by an unprivileged user, in a user namespace of its own. */
  userNamespace: boolean;
}

export type Status =
  | { state: 'absent' }
  | { state: 'dead' | 'starting' | 'ready'; mode: Mode; record: ClusterRecord }
  | { state: 'failed'; mode: Mode; record: ClusterRecord; reason: string };

const RECORD = 'cluster.json';
const MARK = '.stellar-test-cluster';
const START_LIMIT_MS = 120_000;

/** What the state folder and the process table say about a cluster. */
export function status(paths: Layout): Status {
  const file = join(paths.dir, RECORD);
  if (!existsSync(file)) return { state: 'absent' };
  const record = JSON.parse(readFileSync(file, 'utf8')) as ClusterRecord;
  const { mode } = record;
  const failed = join(paths.dir, 'failed');
  if (existsSync(failed)) return { state: 'failed', mode, record, reason: readFileSync(failed, 'utf8') };
  if (!runs(record.unshare)) return { state: 'dead', mode, record };
  return { state: existsSync(join(paths.dir, 'ready')) ? 'ready' : 'starting', mode, record };
}

const locked = async <T>(
  paths: Layout,
  report: Report,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> => {
  const release = await lockFile(
    paths.name,
    'another command works on this cluster, waiting',
    report,
    signal,
  );
  try {
    return await work();
  } finally {
    release();
  }
};

/** Starts the cluster, or finds it started, and returns when it is ready. What it needs must be built. */
export function up(paths: Layout, mode: Mode, report: Report, signal: AbortSignal): Promise<void> {
  return locked(paths, report, signal, async () => {
    const before = status(paths);
    if (before.state === 'ready' && (before.mode === mode || before.mode === 'node')) {
      return report(`already up (${before.mode})`);
    }
    if (before.state === 'ready') {
      throw new Error(`This cluster is up as ${before.mode} alone: run down first`);
    }
    if (before.state !== 'absent') await takeDown(paths, before.record);
    await launch(paths, mode, report, signal);
  });
}

async function launch(paths: Layout, mode: Mode, report: Report, signal: AbortSignal): Promise<void> {
  const userNamespace = await checkMachine(paths, mode);
  if (mode === 'node') await loadModules();
  claimFolder(paths.dir);
  mkdirSync(paths.logs, { recursive: true });
  const logFile = join(paths.logs, 'supervisor.log');
  const log = openSync(logFile, 'a');
  const unshare = spawn(
    'unshare',
    [
      ...unshareArguments(userNamespace),
      // A shell as PID 1 reaps what daemons leave behind, and ends everything when the supervisor ends.
      ...['bash', '-c', '"$@" & wait $!', 'cluster'],
      ...[process.execPath, join(import.meta.dirname, 'supervisor.ts'), paths.dir, mode],
    ],
    { detached: true, stdio: ['ignore', log, log], cwd: '/', env: daemonEnvironment() },
  );
  await new Promise((resolve, reject) => unshare.once('spawn', resolve).once('error', reject));
  unshare.unref();
  const record: ClusterRecord = { mode, unshare: identify(unshare.pid!), userNamespace };
  writeFileSync(join(paths.dir, RECORD), JSON.stringify(record));
  try {
    await ready(paths, logFile, report, signal);
  } catch (error) {
    await kill(record.unshare);
    throw error;
  }
}

/** Makes the state folder empty and ours. Only one that bears our mark is ever emptied. */
function claimFolder(dir: string): void {
  const mark = join(dir, MARK);
  if (existsSync(dir) && readdirSync(dir).length > 0 && !existsSync(mark)) {
    throw new Error(`${dir} holds something else than a cluster's state; name an empty folder`);
  }
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  writeFileSync(mark, '');
}

/** Nothing of the caller's proxies or test settings reaches the daemons. */
function daemonEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'LANG', 'STELLAR_CACHE', 'XDG_CACHE_HOME'];
  const env = Object.fromEntries(
    kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  );
  return { ...env, PATH: `${env.PATH ?? ''}:/usr/sbin:/sbin` };
}

/** Prints the supervisor's progress until it says ready or failed, or ends. */
async function ready(paths: Layout, logFile: string, report: Report, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  let printed = 0;
  for (;;) {
    const now = status(paths);
    const lines = readFileSync(logFile, 'utf8').split('\n').slice(0, -1);
    for (const line of lines.slice(printed)) report(line);
    printed = lines.length;
    if (now.state === 'ready') return;
    if (now.state === 'failed')
      throw new Error(`The cluster did not start: ${now.reason}${logTail(paths, now.reason)}`);
    if (now.state !== 'starting') throw new Error(`The cluster ended while it started: see ${logFile}`);
    if (Date.now() > deadline) throw new Error(`The cluster was not ready within ${START_LIMIT_MS / 1000} s`);
    await sleep(50, signal);
  }
}

/** The last lines of the log that a reason names. */
function logTail(paths: Layout, reason: string): string {
  const file = /logs\/\S+\.log/.exec(reason)?.[0];
  if (!file || !existsSync(join(paths.dir, file))) return '';
  return `\n${readFileSync(join(paths.dir, file), 'utf8').split('\n').slice(-15).join('\n')}`;
}

/** Ends the cluster by its one recorded pid and removes all that it left: state folder and cgroups. */
export function down(paths: Layout, report: Report, signal: AbortSignal): Promise<void> {
  return locked(paths, report, signal, async () => {
    const before = status(paths);
    if (before.state === 'absent') return report('not up');
    await takeDown(paths, before.record);
    report('down');
  });
}

async function takeDown(paths: Layout, record: ClusterRecord): Promise<void> {
  await kill(record.unshare);
  for (const hierarchy of isRoot() ? cgroupHierarchies() : [])
    await removeCgroup(join(hierarchy, paths.name));
  rmSync(paths.dir, { recursive: true, force: true });
}

/** Kills the recorded process and waits for the namespace's PID 1: it is gone only after all inside are. */
async function kill(id: ProcessId): Promise<void> {
  if (!runs(id)) return;
  const inside = childrenOf(id.pid).map(identify);
  process.kill(id.pid, 'SIGKILL');
  for (let tries = 0; runs(id) || inside.some(runs); tries++) {
    if (tries > 500) throw new Error(`process ${id.pid} does not end`);
    await pause(20);
  }
}

async function removeCgroup(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeCgroup(join(folder, entry.name));
  }
  for (let tries = 0; ; tries++) {
    try {
      return rmdirSync(folder);
    } catch (error) {
      // A cgroup is busy for a moment after its last process has ended.
      if (tries > 200) throw error;
      await pause(20);
    }
  }
}

/** Cleaning up is not given up half way, so this wait has no signal. */
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The arguments of nsenter that lead into a cluster that is up. */
export function enter(paths: Layout): string[] {
  const now = status(paths);
  if (now.state !== 'ready')
    throw new Error(`The cluster in ${paths.dir} is not up (${now.state}): run up first`);
  const inside = childrenOf(now.record.unshare.pid)[0];
  if (inside === undefined) throw new Error(`The cluster in ${paths.dir} has ended`);
  const user = now.record.userNamespace ? ['--user', '--preserve-credentials'] : [];
  // The root as well: where this machine is a chroot, the mount namespace's own root is not ours.
  const entered = ['--net', '--mount', '--pid', '--root', `--wd=${process.cwd()}`];
  return ['-t', String(inside), ...user, ...entered, '--'];
}
