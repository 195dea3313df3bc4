import assert from 'node:assert/strict';
import { isWithoutCore, judgeStart, type StartFacts } from '../../../sidecar/startup/judge.ts';

const safe: StartFacts = {
  env: { PATH: '/usr/bin', HOME: '/home/signer' },
  execArgv: ['--disable-warning=ExperimentalWarning', '--disable-sigusr1'],
  inspectorUrl: undefined,
  isReporting: false,
  self: { uid: 10001, groups: [10001] },
  secretFiles: [],
  core: { soft: 1, pattern: '|/usr/lib/systemd/systemd-coredump' },
  vaultAddress: undefined,
};
const withVault = (env: Record<string, string>, vaultAddress = 'https://vault.example'): StartFacts => ({
  ...safe,
  env,
  vaultAddress,
});

/** `[code, what the message must name]` of everything that was refused, then of what was warned of. */
function found(facts: StartFacts): { refused: string[]; warned: string[] } {
  const { refused, warned } = judgeStart(facts);
  for (const { message } of [...refused, ...warned]) assert.doesNotMatch(message, /hunter2/);
  return { refused: refused.map(({ code }) => code), warned: warned.map(({ code }) => code) };
}

describe('the judgement of a start @security', () => {
  it('has nothing against a plain one', () => {
    assert.deepEqual(found(safe), { refused: [], warned: [] });
    assert.deepEqual(found(withVault(safe.env as Record<string, string>)), { refused: [], warned: [] });
  });

  for (const [name, code] of Object.entries({
    VAULT_SKIP_VERIFY: 'tls-unverified',
    SSLKEYLOGFILE: 'tls-keys-logged',
    DEBUG: 'debug-output',
    NODE_DEBUG: 'debug-output',
    NODE_DEBUG_NATIVE: 'debug-output',
  }))
    it(`refuses ${name}: ${code}, and takes it empty`, () => {
      const { refused } = judgeStart({ ...safe, env: { [name]: 'hunter2' } });
      assert.deepEqual([refused.length, refused[0]?.code], [1, code]);
      assert.match(refused[0]!.message, new RegExp(`^${name} .*: unset it$`));
      assert.deepEqual(found({ ...safe, env: { [name]: '' } }).refused, []);
    });

  it('refuses NODE_TLS_REJECT_UNAUTHORIZED=0 and takes 1', () => {
    const given = (value: string) => found({ ...safe, env: { NODE_TLS_REJECT_UNAUTHORIZED: value } }).refused;
    assert.deepEqual([given('0'), given('1')], [['tls-unverified'], []]);
  });

  for (const [flag, code] of Object.entries({
    '--inspect': 'inspector-open',
    '--inspect=127.0.0.1:0': 'inspector-open',
    '--inspect-brk': 'inspector-open',
    '--inspect_wait': 'inspector-open',
    '--tls-keylog=/tmp/hunter2': 'tls-keys-logged',
    '--openssl-config=/tmp/hunter2': 'code-injected',
    '--trace-tls': 'tls-keys-logged',
    '--report-on-fatalerror': 'memory-dumped',
    '--report-on-signal': 'memory-dumped',
    '--report_uncaught_exception': 'memory-dumped',
    '--heapsnapshot-signal=SIGUSR2': 'memory-dumped',
    '--heapsnapshot-near-heap-limit=1': 'memory-dumped',
    '--abort-on-uncaught-exception': 'memory-dumped',
    '--require=/agent/hunter2.js': 'code-injected',
    '-r': 'code-injected',
    '--import=/agent/hunter2.js': 'code-injected',
    '--experimental-loader=/agent/hunter2.js': 'code-injected',
  }))
    it(`refuses Node's ${flag}, given either way: ${code}`, () => {
      assert.deepEqual(found({ ...safe, execArgv: [flag] }).refused, [code]);
      for (const quoted of [flag, `--max-old-space-size=64 "${flag}"`, `\t${flag} --no-warnings`])
        assert.deepEqual(found({ ...safe, env: { NODE_OPTIONS: quoted } }).refused, [code]);
    });

  it('takes flags that open nothing', () => {
    const flags = ['--max-old-space-size=64', '--no-warnings', '--report-dir=/tmp', '--title=inspect'];
    assert.deepEqual(found({ ...safe, execArgv: flags }).refused, []);
    assert.deepEqual(found({ ...safe, env: { NODE_OPTIONS: flags.join(' ') } }).refused, []);
  });

  it('refuses an inspector that is open and a report that is on, however that came', () => {
    assert.deepEqual(found({ ...safe, inspectorUrl: 'ws://127.0.0.1:9229/x' }).refused, ['inspector-open']);
    assert.deepEqual(found({ ...safe, isReporting: true }).refused, ['memory-dumped']);
  });

  for (const address of ['http://vault.example:8200', 'http://10.0.0.1', 'http://127.0.0.1.evil.example'])
    it(`refuses ${address}`, () =>
      assert.deepEqual(found(withVault({}, address)).refused, ['vault-plain-http']));

  for (const address of [
    'http://127.0.0.1:8200',
    'http://[::1]:8200',
    'http://localhost/',
    'https://10.0.0.1',
  ])
    it(`takes ${address}`, () => assert.deepEqual(found(withVault({}, address)).refused, []));

  for (const name of ['VAULT_ADDR', 'VAULT_TOKEN', 'VAULT_NAMESPACE', 'VAULT_PREFIX'])
    it(`refuses ${name} with Vault, and does not mind it with a token`, () => {
      assert.deepEqual(found(withVault({ [name]: 'hunter2' })).refused, ['vault-variable']);
      assert.deepEqual(found({ ...safe, env: { [name]: 'hunter2' } }).refused, []);
    });

  it('refuses a secret file that others can read, by its name', () => {
    const pin = { path: '/s/pin', uid: 10001, gid: 10001, isOnMount: false, folders: [] };
    const { refused } = judgeStart({ ...safe, secretFiles: [{ ...pin, mode: 0o100644 }] });
    assert.deepEqual(
      refused.map(({ code }) => code),
      ['secret-exposed'],
    );
    assert.match(refused[0]!.message, /^\/s\/pin /);
    assert.deepEqual(found({ ...safe, secretFiles: [{ ...pin, mode: 0o100600 }] }).refused, []);
  });

  it('tells everything at once', () => {
    const env = { DEBUG: '*', NODE_OPTIONS: '--inspect --trace-tls' };
    assert.deepEqual(found({ ...safe, env }).refused, ['debug-output', 'inspector-open', 'tls-keys-logged']);
  });

  it('warns of what a person may mean', () => {
    const warned = (facts: StartFacts) => found(facts).warned;
    assert.deepEqual(warned({ ...safe, env: { LD_PRELOAD: '/hunter2.so' } }), ['library-injected']);
    assert.deepEqual(warned({ ...safe, env: { LD_AUDIT: '/hunter2.so' } }), ['library-injected']);
    // A provider that it names is loaded at the first use of cryptography.
    assert.deepEqual(warned({ ...safe, env: { OPENSSL_CONF: '/hunter2.cnf' } }), ['library-injected']);
    assert.deepEqual(warned({ ...safe, self: { uid: 0, groups: [0] } }), ['runs-as-root']);
    assert.deepEqual(warned(withVault({ HTTPS_PROXY: 'http://hunter2', http_proxy: 'x' })), [
      'proxy-ignored',
      'proxy-ignored',
    ]);
    assert.deepEqual(warned({ ...safe, env: { HTTPS_PROXY: 'x' } }), []);
    assert.deepEqual(warned({ ...safe, core: { soft: Infinity, pattern: 'core' } }), ['core-dumps']);
  });

  it('knows when a crash leaves nothing', () => {
    const pipe = '|/usr/share/apport/apport %p';
    assert.equal(isWithoutCore({ soft: 1, pattern: pipe }), true);
    assert.equal(isWithoutCore({ soft: 1, pattern: undefined }), true);
    assert.equal(isWithoutCore({ soft: 0, pattern: 'core' }), true);
    assert.equal(isWithoutCore({ soft: 0, pattern: pipe }), false);
    assert.equal(isWithoutCore({ soft: 0, pattern: '@/run/coredump.sock' }), false);
    assert.equal(isWithoutCore({ soft: 0, pattern: undefined }), false);
    assert.equal(isWithoutCore({ soft: 4096, pattern: 'core' }), false);
    assert.equal(isWithoutCore({ soft: undefined, pattern: 'core' }), false);
  });
});
