/**
 * Processes that outlive the command that started them, ended by recorded pid. The kernel's start time of the pid is
 * recorded with it, so that a number that was given to somebody else's process meanwhile is never signalled.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

interface Recorded {
  name: string;
  pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks after boot. */
  startTime: string;
}

const recordFile = (folder: string): string => join(folder, 'processes.json');

function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function recorded(folder: string): Recorded[] {
  try {
    return JSON.parse(readFileSync(recordFile(folder), 'utf8')) as Recorded[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

const isAlive = ({ pid, startTime }: Recorded): boolean => startTimeOf(pid) === startTime;

/** The names of the recorded processes that run. */
export function running(folder: string): string[] {
  return recorded(folder)
    .filter(isAlive)
    .map(({ name }) => name);
}

/** Starts `command` detached, with its output in `folder/NAME.log`, and records it. */
export function start(
  folder: string,
  name: string,
  command: string[],
  env: Record<string, string | undefined> = process.env,
): void {
  mkdirSync(folder, { recursive: true });
  const log = openSync(join(folder, `${name}.log`), 'w');
  const child = spawn(command[0]!, command.slice(1), { detached: true, stdio: ['ignore', log, log], env });
  closeSync(log);
  child.unref();
  const startTime = child.pid === undefined ? undefined : startTimeOf(child.pid);
  if (child.pid === undefined || startTime === undefined) {
    throw new Error(`${name} did not start; see ${folder}/${name}.log`);
  }
  const others = recorded(folder).filter((process) => process.name !== name);
  writeFileSync(
    recordFile(folder),
    JSON.stringify([...others, { name, pid: child.pid, startTime }], null, 2),
  );
}

/** Ends every recorded process, the last started first: SIGTERM, after `graceMs` milliseconds SIGKILL. */
export async function stopAll(folder: string, graceMs = 10_000): Promise<string[]> {
  const alive = recorded(folder).filter(isAlive).reverse();
  for (const process_ of alive) {
    process.kill(process_.pid, 'SIGTERM');
    const deadline = Date.now() + graceMs;
    while (isAlive(process_) && Date.now() < deadline) await delay(50);
    if (isAlive(process_)) process.kill(process_.pid, 'SIGKILL');
  }
  rmSync(recordFile(folder), { force: true });
  return alive.map(({ name }) => name);
}

/**
 * Waits until `ready` resolves to something, asking every 100 ms; a line each 5 s says what is waited for.
 * Fails with the process' last log lines when it died, or after `deadlineMs` milliseconds.
 */
export async function waitFor<T>(
  what: string,
  ready: () => Promise<T | undefined>,
  options: { deadlineMs: number; process?: { folder: string; name: string } },
): Promise<T> {
  const started = Date.now();
  let nextLine = started + 5_000;
  let last: unknown;
  for (;;) {
    try {
      const value = await ready();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    const { process: watched } = options;
    const dead = watched !== undefined && !running(watched.folder).includes(watched.name);
    if (dead || Date.now() - started > options.deadlineMs) {
      const reason = dead ? `${watched.name} ended` : `not within ${options.deadlineMs / 1000} s`;
      const tail = watched
        ? readFileSync(join(watched.folder, `${watched.name}.log`), 'utf8').slice(-2000)
        : '';
      throw new Error(`${what}: ${reason}\n${tail}`, { cause: last });
    }
    if (Date.now() > nextLine) {
      console.log(`  ${what}: ${Math.round((Date.now() - started) / 1000)} s`);
      nextLine += 5_000;
    }
    await delay(100);
  }
}
