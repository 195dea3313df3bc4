import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { listenAddress, loadConfig, readSecretFile } from '../../common/config.ts';
import { isCoded } from '../../common/errors.ts';

const schema = z.object({
  ACCOUNT: z.string().length(3),
  ADDRESS: listenAddress.default({ host: '::', port: 1 }),
});

describe('loadConfig', () => {
  it('takes STELLAR_ variables and leaves the others alone', () => {
    const config = loadConfig(schema, { STELLAR_ACCOUNT: 'abc', STELLAR_ADDRESS: '[::1]:80', PATH: '/bin' });
    assert.deepEqual(config, { ACCOUNT: 'abc', ADDRESS: { host: '::1', port: 80 } });
  });

  it('@security refuses an unknown STELLAR_ variable by name', () => {
    assert.throws(
      () => loadConfig(schema, { STELLAR_ACCOUNT: 'abc', STELLAR_ACOUNT: 'abd' }),
      (error) => isCoded(error, 'config-invalid') && /STELLAR_ACOUNT: unknown variable/.test(error.message),
    );
  });

  it('@security names the variable that is wrong and never its value', () => {
    assert.throws(
      () => loadConfig(schema, { STELLAR_ACCOUNT: 'hunter2' }),
      (error) =>
        isCoded(error, 'config-invalid') &&
        error.message.includes('STELLAR_ACCOUNT') &&
        !error.message.includes('hunter2'),
    );
  });

  for (const bad of ['15889', 'localhost:1', '[::]:', '127.0.0.1:70000']) {
    it(`refuses the listen address ${bad}`, () => {
      assert.equal(listenAddress.safeParse(bad).success, false);
    });
  }
});

describe('readSecretFile', () => {
  const folder = mkdtempSync(join(tmpdir(), 'secret-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const fileWith = (text: string): string => {
    const path = join(folder, 'pin');
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };

  it('drops the line end and keeps the rest', () => {
    assert.equal(readSecretFile(fileWith('12 34\r\n')).reveal().toString(), '12 34');
  });

  it('refuses an empty file and names it', () => {
    const path = fileWith('\n');
    assert.throws(
      () => readSecretFile(path),
      (error) => isCoded(error, 'secret-missing') && error.field === path,
    );
  });

  it('refuses what is too large for a secret', () => {
    assert.throws(() => readSecretFile(fileWith('x'.repeat(70_000))), { code: 'secret-missing' });
  });

  it('@security refuses a file that others can read, and shows nothing of it', () => {
    const path = fileWith('hunter2');
    chmodSync(path, 0o604);
    assert.throws(
      () => readSecretFile(path),
      (error) => isCoded(error, 'secret-exposed') && /pin .*mode 0604/.test(error.message),
    );
    rmSync(path);
  });

  it('@security does not wait for a pipe that somebody put in the place of a file', () => {
    const path = join(folder, 'pipe');
    assert.equal(spawnSync('mkfifo', ['-m', '600', path]).status, 0);
    assert.throws(
      () => readSecretFile(path),
      (error) => isCoded(error, 'secret-missing') && /is no file/.test(error.message),
    );
  });

  it('refuses a missing file and names it', () => {
    assert.throws(() => readSecretFile('/nowhere/pin'), /cannot read \/nowhere\/pin/);
  });
});
