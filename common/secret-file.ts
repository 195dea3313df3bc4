import { fstatSync, lstatSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Who a file belongs to and who may do what with it. */
export interface FileFacts {
  path: string;
  uid: number;
  gid: number;
  mode: number;
  /** On another file system than `/`, as every volume of the kubelet is. */
  isOnMount: boolean;
  /** Every folder above it, symbolic links resolved. */
  folders: readonly { path: string; mode: number }[];
}

/** The process that asks. */
export interface Self {
  uid: number;
  /** All groups, supplementary ones too. */
  groups: readonly number[];
}

const STICKY = 0o1000;
const WORLD = 0o007;
const WORLD_WRITE = 0o002;
const GROUP = 0o070;
const GROUP_READ = 0o040;

/**
 * Why a file is not safe to hold a secret; undefined when it is. Nobody but its owner, which is this user or root, may
 * reach it, with one exception: a Secret volume of the kubelet gives root's file to the pod's group (0440).
 */
export function secretFileFault(file: FileFacts, self: Self): string | undefined {
  const { path, uid, gid, mode } = file;
  const shown = (mode & 0o7777).toString(8).padStart(4, '0');
  if (uid !== 0 && uid !== self.uid)
    return `${path} belongs to user ${uid}: let this process' user (${self.uid}) or root own it`;
  if ((mode & WORLD) !== 0) return `${path} is open to everybody (mode ${shown}): chmod 0400`;
  const isOurVolume = uid === 0 && file.isOnMount && self.groups.includes(gid);
  if ((mode & GROUP) !== 0 && !((mode & GROUP) === GROUP_READ && isOurVolume))
    return `${path} is open to its group ${gid} (mode ${shown}): chmod 0400, or mount it from a Secret with mode 0440`;
  const folder = file.folders.find((candidate) => (candidate.mode & (WORLD_WRITE | STICKY)) === WORLD_WRITE);
  if (folder !== undefined)
    return `${path} can be exchanged: its folder ${folder.path} is writable for everybody; chmod o-w`;
  return undefined;
}

/**
 * The facts of a file: of the open one if its descriptor is given, so that what is judged is what is read.
 * @throws what Node's fs throws for a file that is not there
 */
export function fileFacts(path: string, descriptor?: number): FileFacts {
  const stat = descriptor === undefined ? statSync(path) : fstatSync(descriptor);
  const folders = [];
  for (let folder = dirname(realpathSync(path)); ; folder = dirname(folder)) {
    folders.push({ path: folder, mode: lstatSync(folder).mode });
    if (folder === dirname(folder)) break;
  }
  const { uid, gid, mode, dev } = stat;
  return { path, uid, gid, mode, isOnMount: dev !== statSync('/').dev, folders };
}

/** This process; on a system without users nobody is anybody, and every file is refused. */
export const self = (): Self => ({ uid: process.getuid?.() ?? -1, groups: process.getgroups?.() ?? [] });
