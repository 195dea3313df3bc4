import { readdirSync, readFileSync } from 'node:fs';

/** What names one process for good: a pid alone is used again after a reboot or a wrap-around. */
export interface ProcessId {
  pid: number;
  /** Start time in clock ticks since boot, field 22 of /proc/PID/stat. */
  started: string;
  /** Of the boot that `started` counts from. */
  boot: string;
}

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** State letter, parent and start time of a process; the command, which may hold anything, is skipped. */
function stat(pid: number): { state: string; parent: number; started: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0]!, parent: Number(fields[1]), started: fields[19]! };
  } catch {
    return undefined;
  }
}

export function identify(pid: number): ProcessId {
  const found = stat(pid);
  if (!found) throw new Error(`no process ${pid}`);
  return { pid, started: found.started, boot: bootId() };
}

/** True while that very process runs; one that has ended and waits to be reaped (state Z) does not. */
export function runs(id: ProcessId): boolean {
  const found = stat(id.pid);
  return found !== undefined && found.state !== 'Z' && found.started === id.started && id.boot === bootId();
}

/** The children of a process that still run. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      const found = stat(candidate);
      return found?.parent === pid && found.state !== 'Z';
    });
}
