import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSignerConfig } from '../../sidecar/config.ts';
import { sharedToken } from './shared-token.ts';
import { startSigner } from './signer.ts';
import type { Token } from './token.ts';
import { buildTransaction, ISSUER, policyYaml } from './transactions.ts';

describe('signer start @security', function () {
  this.timeout(60_000);
  let dir: string;
  let token: Token;
  const start = (env: Record<string, string> = {}) =>
    startSigner({ dir, token, policies: { 'a.yaml': policyYaml(token.account) }, env });

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'signer-'));
    token = sharedToken();
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it('does not run on the key of another account', async () => {
    const signer = await start({
      STELLAR_ACCOUNT: ISSUER,
      STELLAR_JOURNAL_DIR: makeDir('journal-other'),
    }).catch((error: unknown) => error);
    if (signer instanceof Error)
      return assert.match(signer.message, /wrong-account|not that of STELLAR_ACCOUNT/);
    const running = signer as Awaited<ReturnType<typeof start>>;
    const code = await new Promise((resolve) => running.process.once('exit', resolve));
    assert.equal(code, 1);
    assert.match(JSON.stringify(running.log), /not that of STELLAR_ACCOUNT/);
  });

  it('waits for a PIN that comes late, says so meanwhile, and signs nothing', async () => {
    const pinFile = join(dir, 'late-pin');
    const signer = await start({ STELLAR_PKCS11_PIN_FILE: pinFile });
    try {
      const { status, text } = await signer.health('/readyz');
      assert.equal(status, 503);
      assert.match(text, /late-pin/);
      assert.equal((await signer.health('/healthz')).status, 200);
      const refused = await signer.sign(buildTransaction({ account: token.account }).toXDR());
      assert.deepEqual([refused.status, refused.body.code], [503, 'keystore-unavailable']);
      assert.ok(!JSON.stringify(refused.body).includes('late-pin'));
      assert.equal(refused.headers['retry-after'], '1');
      writeFileSync(pinFile, readFileSync(token.pinFile), { mode: 0o600 });
      while ((await signer.health('/readyz')).status !== 200)
        await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal((await signer.sign(buildTransaction({ account: token.account }).toXDR())).status, 200);
    } finally {
      await signer.stop();
    }
  });

  it('gives no debugger on SIGUSR1 and no memory to a core dump', async () => {
    const signer = await start();
    try {
      const limits = readFileSync(`/proc/${signer.process.pid}/limits`, 'utf8');
      assert.match(limits, /^Max core file size +[01] /m);
      signer.process.kill('SIGUSR1');
      while (!signer.log.some(({ msg }) => msg === 'SIGUSR1 opens no inspector here'))
        await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal((await signer.health('/healthz')).status, 200);
    } finally {
      await signer.stop();
    }
  });

  it('refuses what would let a secret out, before it opens anything', async () => {
    const pinFile = join(dir, 'open-pin');
    writeFileSync(pinFile, 'hunter2');
    chmodSync(pinFile, 0o644);
    const journal = makeDir('journal-unsafe');
    const error = await start({
      STELLAR_JOURNAL_DIR: journal,
      STELLAR_PKCS11_PIN_FILE: pinFile,
      NODE_OPTIONS: '--inspect=127.0.0.1:0 --inspect-publish-uid=http',
      DEBUG: 'node-vault',
    }).catch((cause: Error) => cause);
    assert.ok(error instanceof Error);
    for (const says of [
      'ended with 1',
      'inspector-open',
      'debug-output',
      'secret-exposed',
      'open-pin is open to',
    ])
      assert.ok(error.message.includes(says), says);
    assert.ok(!error.message.includes('hunter2'));
    assert.deepEqual(readdirSync(journal), []);
  });

  it('ends beside a running one, and leaves its socket and journal alone', async () => {
    const signer = await start();
    try {
      const lines = signer.journal().length;
      await assert.rejects(start(), /ended with 1: .*another process listens/);
      assert.equal(signer.journal().length, lines);
      const swap = buildTransaction({ account: token.account, sequence: '200' });
      assert.equal((await signer.sign(swap.toXDR())).status, 200);
    } finally {
      await signer.stop();
    }
  });

  it('signs nothing for a time beside a journal that was edited, names its line, and keeps it', async () => {
    const journal = makeDir('journal-edited');
    writeFileSync(join(journal, 'journal-000000000000.jsonl'), '{"n":0}\n');
    const signer = await start({ STELLAR_JOURNAL_DIR: journal });
    try {
      const refused = await signer.sign(buildTransaction({ account: token.account }).toXDR());
      assert.deepEqual([refused.status, refused.body.code], [503, 'journal-lost']);
      const [kept, ...more] = readdirSync(journal).filter((name) => name.startsWith('lost-'));
      assert.deepEqual([readFileSync(join(journal, kept!), 'utf8'), more], ['{"n":0}\n', []]);
      assert.match(JSON.stringify(signer.log), /journal-000000000000\.jsonl line 1/);
    } finally {
      await signer.stop();
    }
  });

  it('does not start where no journal is and nobody says that one may begin', async () => {
    const journal = makeDir('journal-none');
    await assert.rejects(
      start({ STELLAR_JOURNAL_DIR: journal, STELLAR_JOURNAL_INIT: 'false' }),
      /ended with 1: .*say --init/,
    );
    assert.deepEqual(readdirSync(journal), []);
  });

  it('wants exactly one name of the token and of the key', () => {
    const given = {
      STELLAR_NETWORK_PASSPHRASE: 'x',
      STELLAR_ACCOUNT: ISSUER,
      STELLAR_SIGNER_SOCKET: '/run/s',
      STELLAR_PKCS11_MODULE: '/m.so',
      STELLAR_PKCS11_TOKEN_LABEL: 't',
      STELLAR_PKCS11_KEY_ID: 'beef',
      STELLAR_PKCS11_PIN_FILE: '/pin',
      STELLAR_POLICY_DIR: '/policy',
      STELLAR_JOURNAL_DIR: '/journal',
      STELLAR_TLS_CERT_FILE: '/crt',
      STELLAR_TLS_KEY_FILE: '/key',
    };
    assert.deepEqual(loadSignerConfig({ env: given }).healthAddress, { host: '::', port: 15889 });
    for (const change of [
      { STELLAR_PKCS11_TOKEN_SERIAL: 's' },
      { STELLAR_PKCS11_TOKEN_LABEL: undefined },
      { STELLAR_PKCS11_KEY_LABEL: 'k' },
      { STELLAR_PKCS11_KEY_ID: undefined },
      { STELLAR_ACCOUNT: `${ISSUER.slice(0, -1)}A` },
      { STELLAR_PKCS11_KEY_ID: 'XY' },
    ])
      assert.throws(() => loadSignerConfig({ env: { ...given, ...change } }), { code: 'config-invalid' });
  });

  function makeDir(name: string): string {
    const path = join(dir, name);
    mkdirSync(path, { mode: 0o750 });
    return path;
  }
});
