import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequestKey } from '../../sidecar/auth/key.ts';
import { listenOnSocket } from '../../sidecar/socket.ts';
import { readKey } from './signed.ts';

describe('signer socket @security', () => {
  let dir: string;
  const servers: Server[] = [];
  const key = createRequestKey();
  const listen = async (path: string): Promise<void> => {
    const server = createServer();
    servers.push(server);
    await listenOnSocket(server, path, key);
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

  it('does not take the place of a socket that answers, and leaves the key of its process', async () => {
    await listen(join(makeDir('run'), 's'));
    const before = readFileSync(join(dir, 'run/request.key'), 'utf8');
    await assert.rejects(
      listenOnSocket(createServer(), join(dir, 'run/s'), createRequestKey()),
      /another process listens/,
    );
    assert.equal(readFileSync(join(dir, 'run/request.key'), 'utf8'), before);
  });

  it('has the key for signing requests beside it, for owner and group, whatever the umask', async () => {
    const before = process.umask(0o077);
    await listen(join(makeDir('run', 0o2750), 's'));
    process.umask(before);
    const stat = lstatSync(join(dir, 'run/request.key'));
    assert.equal(stat.mode & 0o7777, 0o440);
    assert.equal(stat.gid, lstatSync(join(dir, 'run')).gid);
    const { id, secret } = readKey(join(dir, 'run/s'));
    assert.deepEqual([id, secret.reveal()], [key.id, key.secret.reveal()]);
  });

  it('takes the place of an older key and of one that was half written, whole', async () => {
    const run = makeDir('run');
    writeFileSync(join(run, 'request.key.new'), 'half', { mode: 0o400 });
    writeFileSync(join(run, 'request.key'), 'old', { mode: 0o440 });
    await listen(join(run, 's'));
    assert.equal(readKey(join(run, 's')).id, key.id);
    assert.deepEqual(readdirSync(run).sort(), ['request.key', 's']);
  });

  it('has another key at each start', () => {
    const [one, two] = [createRequestKey(), createRequestKey()];
    assert.notEqual(one.id, two.id);
    assert.ok(!one.secret.reveal().equals(two.secret.reveal()));
    assert.equal(one.secret.reveal().length, 32);
  });
});
