import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { faultsOf, readRows } from '../../scripts/traceability.ts';

/** Runs a command that must succeed; its output is the failure's text. */
function passes(command: string, ...args: string[]): void {
  try {
    execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    assert.fail(`${command} ${args.join(' ')}\n${stdout}\n${stderr}`.slice(0, 6000));
  }
}

const trackedFiles = (): string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '');

/** Text files of the project with their content; recordings of real servers are left out where said. */
const texts = (skip: RegExp): { file: string; text: string }[] =>
  trackedFiles()
    .filter((file) => !skip.test(file) && !/\.(png|gz|zip|so)$/.test(file))
    .map((file) => ({ file, text: readFileSync(file, 'utf8') }));

/** CRC-16/XMODEM over the first 33 bytes decides whether 56 base32 letters are a Stellar key (SEP-23). */
function isStellarSeed(text: string): boolean {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  let bits = 0n;
  for (const letter of text) bits = (bits << 5n) | BigInt(alphabet.indexOf(letter));
  const bytes = Buffer.from(bits.toString(16).padStart(70, '0'), 'hex');
  let crc = 0;
  for (const byte of bytes.subarray(0, 33)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return bytes.readUInt16LE(33) === crc;
}

/** The test vectors of SEP-0005, which everybody knows: nowhere else may a seed stand, and no other seed here. */
const PUBLISHED = readFileSync('test/fixtures/sep5/sep-0005.txt', 'utf8');

const SECRETS: { what: string; pattern: RegExp; real?: (match: string) => boolean }[] = [
  {
    what: 'Stellar secret seed',
    pattern: /\bS[A-D][A-Z2-7]{54}\b/g,
    real: (seed) => isStellarSeed(seed) && !PUBLISHED.includes(seed),
  },
  { what: 'private key', pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----\s*\n[A-Za-z0-9+/]{20}/g },
  { what: 'AWS key', pattern: /\bAKIA[0-9A-Z]{16}\b/g },
  { what: 'GitHub token', pattern: /\bgh[pousr]_[A-Za-z0-9]{36}\b/g },
  { what: 'Vault token', pattern: /\bhvs\.[A-Za-z0-9_-]{24,}/g },
  { what: 'npm token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  { what: 'JSON web token', pattern: /\beyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{20,}/g },
];

describe('house', () => {
  it('format and lint', () => passes('biome', 'ci', '--error-on-warnings', '.'));

  it('types', () => passes('tsc', '-p', 'tsconfig.json'));

  it('generated files are up to date', () => passes('node', 'scripts/generate.ts', '--check'));

  it('every row of the traceability table names a line, files and tests that exist', () => {
    const rows = readRows();
    assert.ok(rows.length > 0);
    assert.deepEqual(faultsOf(rows), []);
  });

  it('@security the secret scan knows a seed from other letters', () => {
    // The seed of SEP-0005's test vector 1, built here so that the scan does not find it in this file.
    assert.ok(isStellarSeed(['SBGWSG6BTNCKCOB3DIFBGCVMUPQFYPA2G4O34RMTB343OYPXU5DJDVMN'].join('')));
    assert.ok(!isStellarSeed(`S${'A'.repeat(55)}`));
  });

  it('@security no secret is in the repository', () => {
    const found = texts(/^test\/verify\/house\.test\.ts$/).flatMap(({ file, text }) =>
      SECRETS.flatMap(({ what, pattern, real }) =>
        [...text.matchAll(pattern)]
          .filter(([match]) => real?.(match) ?? true)
          .map(() => `${what} in ${file}`),
      ),
    );
    assert.deepEqual(found, []);
  });

  it('@security only listed packages may run an install script, and they are the ones we build', () => {
    const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
      packages: Record<string, { hasInstallScript?: boolean; integrity?: string; link?: boolean }>;
    };
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
      allowScripts: Record<string, boolean>;
    };
    const scripted = Object.entries(lock.packages)
      .filter(([, entry]) => entry.hasInstallScript)
      .map(([path]) => path.replace(/^.*node_modules\//, ''));
    // esbuild's script only replaces its launcher by the binary it would call anyway: it is not run.
    assert.deepEqual(scripted.filter((name) => !(name in manifest.allowScripts)).sort(), ['esbuild']);
    assert.match(readFileSync('.npmrc', 'utf8'), /^ignore-scripts=true$/m);
  });

  it('@security the lock file pins every package by hash and names no registry', () => {
    const text = readFileSync('package-lock.json', 'utf8');
    const lock = JSON.parse(text) as { packages: Record<string, { integrity?: string }> };
    const unpinned = Object.entries(lock.packages).filter(([path, entry]) => path !== '' && !entry.integrity);
    assert.deepEqual(unpinned, []);
    assert.doesNotMatch(text, /"resolved"/);
  });

  it('every dependency is pinned to one version', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
      string,
      Record<string, string>
    >;
    const loose = ['dependencies', 'devDependencies', 'optionalDependencies']
      .flatMap((kind) => Object.entries(manifest[kind] ?? {}))
      .filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version));
    assert.deepEqual(loose, []);
  });

  it('no absolute path of a machine is in the repository', () => {
    const found = texts(/^(test\/fixtures\/|test\/verify\/house\.test\.ts$)/)
      .filter(({ text }) => /(^|["'\s=(])\/(work|root|Users)\/[\w.-]/m.test(text))
      .map(({ file }) => file);
    assert.deepEqual(found, []);
  });
});
