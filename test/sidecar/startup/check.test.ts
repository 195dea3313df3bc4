import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { ISSUER } from '../transactions.ts';

const MAIN = fileURLToPath(new URL('../../../sidecar/main.ts', import.meta.url));

describe('signer config check, as a process of its own @security', function () {
  this.timeout(30_000);
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'signer-check-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  const check = (env: Record<string, string> = {}, mode = 0o600) => {
    const file = (name: string): string => join(dir, name);
    writeFileSync(file('pin'), 'hunter2');
    chmodSync(file('pin'), mode);
    const config = {
      networkPassphrase: 'Test SDF Network ; September 2015',
      account: ISSUER,
      signerSocket: '/run/s.sock',
      policyDir: '/policy',
      journal: { dir: '/journal' },
      tls: { certFile: '/no/tls.crt', keyFile: '/no/tls.key' },
      pkcs11: { module: '/no.so', tokenLabel: 't', keyLabel: 'k', pinFile: file('pin') },
    };
    writeFileSync(file('signer.yaml'), stringify(config));
    // With a limit that lets a core be written, as container runtimes have it.
    const { status, stdout, stderr } = spawnSync(
      '/usr/bin/prlimit',
      [
        '--core=1048576:',
        process.execPath,
        '--disable-warning=ExperimentalWarning',
        MAIN,
        'config',
        'check',
        '--config',
        file('signer.yaml'),
      ],
      { env: { PATH: process.env.PATH!, ...env }, encoding: 'utf8', timeout: 20_000 },
    );
    assert.ok(!`${stdout}${stderr}`.includes('hunter2'));
    return { status, stdout, stderr };
  };

  it('finds nothing against files that are not there yet and a PIN that only we read', () => {
    const { status, stdout, stderr } = check();
    assert.deepEqual([status, stderr], [0, '']);
    assert.doesNotMatch(stdout, /core-dumps/);
    assert.match(stdout, /^(warning [a-z-]+: .*\n)*the configuration is usable\n$/);
  });

  it('tells all that run would refuse, by code', () => {
    const { status, stdout, stderr } = check(
      { NODE_OPTIONS: '--report-on-fatalerror', SSLKEYLOGFILE: '/dev/null' },
      0o644,
    );
    assert.equal(status, 1);
    assert.doesNotMatch(stdout, /usable/);
    for (const code of ['memory-dumped', 'tls-keys-logged', 'secret-exposed'])
      assert.match(stderr, new RegExp(`^ {2}${code}: `, 'm'));
  });
});
