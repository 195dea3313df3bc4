import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import * as z from 'zod';
import { listenAddress, loadConfig, readSecretFile } from '../../common/config.ts';
import { isCoded } from '../../common/errors.ts';
import { Secret } from '../../common/secret.ts';

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

  it('refuses a missing file and names it', () => {
    assert.throws(() => readSecretFile('/nowhere/pin'), /cannot read \/nowhere\/pin/);
  });
});

describe('Secret', () => {
  it('@security shows itself in no printed form', () => {
    const secret = new Secret(Buffer.from('hunter2'));
    for (const shown of [
      `${secret}`,
      JSON.stringify({ secret }),
      inspect({ secret }),
      JSON.stringify({ ...secret }),
    ]) {
      assert.ok(!shown.includes('hunter2'), shown);
    }
  });

  it('@security is gone after erase', () => {
    const secret = new Secret(Buffer.from('hunter2'));
    secret.erase();
    assert.throws(() => secret.reveal(), /erased/);
  });
});
