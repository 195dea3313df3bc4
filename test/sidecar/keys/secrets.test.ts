import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StrKey } from '@stellar/stellar-sdk';
import { ownToken } from './own-token.ts';
import { SEP5 } from './vectors.ts';

// With a passphrase, and of 24 words.
const { mnemonic, passphrase, accounts, seed: masterSeed } = SEP5[3]!;
const { account, secret } = accounts[5]!;
const seed = Buffer.from(StrKey.decodeEd25519SecretSeed(secret));

/** Every form in which it could be found, beside single words, which any text may have. */
const FORMS: Record<string, Buffer> = {
  mnemonic: Buffer.from(mnemonic),
  'mnemonic of two bytes a character': Buffer.from(mnemonic, 'utf16le'),
  // A freed piece of memory keeps all but its first bytes.
  'three words': Buffer.from(mnemonic.split(' ').slice(4, 7).join(' ')),
  passphrase: Buffer.from(passphrase),
  seed,
  'seed in hex': Buffer.from(seed.toString('hex')),
  'seed in base64': Buffer.from(seed.toString('base64')),
  'secret key': Buffer.from(secret),
  'master seed': Buffer.from(masterSeed, 'hex'),
  'master seed in hex': Buffer.from(masterSeed),
};

describe('where the secrets of a ceremony are @security', function () {
  this.timeout(60_000);
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'secrets-'));
  });
  after(() => rmSync(dir, { recursive: true }));

  it('nowhere: not in output, files, arguments or environment, nor in memory once it has ended', async () => {
    const env = {
      ...ownToken(),
      SOFTHSM2_CONF: process.env.SOFTHSM2_CONF!,
      PATH: process.env.PATH!,
      TMPDIR: dir,
    };
    const child = spawn(
      process.execPath,
      [
        fileURLToPath(new URL('process.ts', import.meta.url)),
        ...['import', '--key', 'trading', '--account', account, '--index', '5', '--passphrase'],
      ],
      { env, cwd: dir, stdio: ['pipe', 'pipe', 'pipe'] },
    );
    const output: string[] = [];
    child.stdout.on('data', (chunk) => output.push(String(chunk)));
    child.stderr.on('data', (chunk) => output.push(String(chunk)));
    try {
      child.stdin.write(`${mnemonic}\n${passphrase.slice(0, 4)}`);
      // It has the mnemonic and waits for the rest of the line.
      await until(() => inMemory(child).includes('mnemonic'));
      for (const name of ['environ', 'cmdline', 'status', 'limits'])
        assert.deepEqual(found(readFileSync(`/proc/${child.pid}/${name}`)), [], name);
      assert.match(readFileSync(`/proc/${child.pid}/limits`, 'utf8'), /^Max core file size\s+[01]\s/m);
      child.stdin.write(`${passphrase.slice(4)}\n`);
      await until(() => output.join('').includes('ended with'));
      assert.match(output.join(''), new RegExp(`account: ${account}[\\s\\S]*ended with 0`));
      assert.deepEqual(found(Buffer.from(output.join(''))), []);
      // The one copy that is left is OpenSSL's own, until its key object is collected: named in docs/signer/ceremony.md.
      assert.deepEqual(
        inMemory(child).filter((form) => form !== 'seed'),
        [],
      );
      for (const file of readdirSync(dir, { recursive: true, withFileTypes: true }))
        if (file.isFile())
          assert.deepEqual(found(readFileSync(join(file.parentPath, file.name))), [], file.name);
    } finally {
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.stdin.end();
      await ended;
    }
  });
});

const found = (bytes: Buffer): string[] =>
  Object.entries(FORMS).flatMap(([name, form]) => (bytes.includes(form) ? [name] : []));

/** What of it stands in the memory of a process that can be written to. */
function inMemory({ pid }: ChildProcess): string[] {
  const names = new Set<string>();
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const [, from, to] of readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(
      /^([0-9a-f]+)-([0-9a-f]+) rw.*$/gm,
    )) {
      const start = Number.parseInt(from!, 16);
      const bytes = Buffer.alloc(Number.parseInt(to!, 16) - start);
      try {
        readSync(memory, bytes, 0, bytes.length, start);
      } catch {
        continue; // [vvar] and the like
      }
      for (const name of found(bytes)) names.add(name);
    }
  } finally {
    closeSync(memory);
  }
  return [...names];
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.fail('it does not come');
}
