import type { Layout } from './layout.ts';
import { checkStateFolder } from './network.ts';
import { run } from './run.ts';

export type Mode = 'node' | 'control-plane';

export const isRoot = (): boolean => process.getuid?.() === 0;

/** Arguments of unshare(1): namespaces of their own, all of whose processes end with the one that is started. */
export const unshareArguments = (userNamespace: boolean): string[] => [
  ...(userNamespace ? ['--user', '--map-root-user'] : []),
  ...['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child=KILL'],
];

/**
 * Throws a sentence that says what to do when this user, machine or state folder cannot have a cluster of that kind;
 * asked before anything is built. Returns whether it will live in a user namespace, as it does without root.
 */
export async function checkMachine(paths: Layout, mode: Mode): Promise<boolean> {
  if (mode === 'node') checkStateFolder(paths.dir);
  if (isRoot()) return false;
  if (mode === 'node') {
    throw new Error(
      'A node needs root (containers, cgroups, mounts). Without it: up --control-plane, for the API alone',
    );
  }
  await run('unshare', [...unshareArguments(true), 'true']).catch((cause: unknown) => {
    throw new Error(
      'This machine lets only root make namespaces: run as root, or set the sysctl kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0 where it has them',
      { cause },
    );
  });
  return true;
}
