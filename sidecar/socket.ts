import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { listen } from '../common/http.ts';
import type { HmacKey } from '../common/http-signatures-hmac.ts';
import { writeRequestKey } from './auth/key.ts';

const OTHERS_MAY_WRITE = 0o002;
const SOCKET_MODE_UMASK = 0o117;
/** New files in it belong to its group. */
const FOLDER_MODE = 0o2750;

/**
 * Makes sure that nobody else listens there: also to be called before anything else that two processes must not share.
 * @throws Error that says what is wrong with the folder or the path
 */
export async function prepareSocket(path: string): Promise<void> {
  checkFolder(dirname(path));
  await removeStale(path);
}

/**
 * Listens on a unix socket of mode 0660: whoever reaches it may ask for signatures, so its folder decides. A socket
 * that a dead process left is removed, one that answers is not. The key is beside it before anybody can connect.
 * @throws Error that says what is wrong with the folder or the path
 */
export async function listenOnSocket(server: Server, path: string, key: HmacKey): Promise<void> {
  await prepareSocket(path);
  writeRequestKey(path, key);
  // The socket is created within `listen`, and never for a moment with other rights.
  const before = process.umask(SOCKET_MODE_UMASK);
  const listening = listen(server, { path });
  process.umask(before);
  await listening;
}

/**
 * Who may write to the folder can put another socket in the place of ours. The folder must belong to us or to root and
 * must not be writable for everybody, except when it is a mount of its own: the kubelet makes an emptyDir 2777, and who
 * can reach that is decided by who mounts it.
 */
function checkFolder(folder: string): void {
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, FOLDER_MODE);
  }
  const stat = lstatSync(folder);
  if (!stat.isDirectory()) throw new Error(`${folder} is not a folder`);
  if (stat.uid !== 0 && stat.uid !== process.getuid?.())
    throw new Error(`${folder} belongs to another user (${stat.uid})`);
  const isOwnMount = stat.dev !== lstatSync(dirname(folder)).dev;
  if ((stat.mode & OTHERS_MAY_WRITE) !== 0 && !isOwnMount)
    throw new Error(`${folder} is writable for everybody`);
}

async function removeStale(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new Error(`${path} exists and is not a socket`);
  if (await answers(path)) throw new Error(`another process listens on ${path}`);
  rmSync(path);
}

/** Whether a process listens there. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
