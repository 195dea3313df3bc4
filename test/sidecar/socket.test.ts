import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listenOnSocket } from '../../sidecar/socket.ts';

describe('signer socket @security', () => {
  let dir: string;
  const servers: Server[] = [];
  const listen = async (path: string): Promise<void> => {
    const server = createServer();
    servers.push(server);
    await listenOnSocket(server, path);
  };
  const makeDir = (name: string, mode = 0o750): string => {
    mkdirSync(join(dir, name));
    chmodSync(join(dir, name), mode);
    return join(dir, name);
  };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'socket-'));
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
    rmSync(dir, { recursive: true });
  });

  it('is for its group alone, and leaves the umask as it was', async () => {
    const before = process.umask();
    await listen(join(makeDir('run'), 's'));
    assert.equal(lstatSync(join(dir, 'run/s')).mode & 0o777, 0o660);
    assert.equal(process.umask(), before);
  });

  it('makes its folder for owner and group', async () => {
    const before = process.umask(0o077);
    await listen(join(dir, 'new/s'));
    process.umask(before);
    assert.equal(lstatSync(join(dir, 'new')).mode & 0o7777, 0o2750);
  });

  it('is not put where everybody may write', () =>
    assert.rejects(listen(join(makeDir('open', 0o777), 's')), /writable for everybody/));

  it('is not put where another user rules', async () => {
    const folder = makeDir('theirs');
    const { getuid } = process;
    // Only root can give a folder away; anybody else can be taken for another.
    if (getuid!() === 0) chownSync(folder, 4_242, 0);
    else process.getuid = () => 4_242;
    try {
      await assert.rejects(listen(join(folder, 's')), /belongs to another user/);
    } finally {
      process.getuid = getuid!;
    }
  });

  it('is not put behind a link', async () => {
    symlinkSync(makeDir('target'), join(dir, 'link'));
    await assert.rejects(listen(join(dir, 'link/s')), /not a folder/);
  });

  it('does not take the place of a file', async () => {
    writeFileSync(join(makeDir('run'), 's'), 'x');
    await assert.rejects(listen(join(dir, 'run/s')), /not a socket/);
  });

  it('does not take the place of a socket that answers', async () => {
    await listen(join(makeDir('run'), 's'));
    await assert.rejects(listen(join(dir, 'run/s')), /another process listens/);
  });
});
