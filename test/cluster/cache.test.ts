import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type CachedPart, cached, cachedPath } from './cache.ts';

describe('cache of built parts', function () {
  this.timeout(10_000);
  const signal = new AbortController().signal;
  const outer = process.env.STELLAR_CACHE;
  let folder: string;
  let built: number;

  const part = (build?: CachedPart['build'], inputs = ['v1']): CachedPart => ({
    name: 'part',
    inputs,
    usually: '1 s',
    build:
      build ??
      (async (dir) => {
        built++;
        await pause(50);
        writeFileSync(join(dir, 'file'), inputs.join());
      }),
  });
  const ignore = (): void => {};

  beforeEach(() => {
    built = 0;
    folder = mkdtempSync(join(tmpdir(), 'cache-'));
    process.env.STELLAR_CACHE = folder;
  });
  afterEach(() => {
    if (outer === undefined) delete process.env.STELLAR_CACHE;
    else process.env.STELLAR_CACHE = outer;
    rmSync(folder, { recursive: true, force: true });
  });

  it('builds once, however many ask at once, and says that it does', async () => {
    const lines: string[] = [];
    const all = await Promise.all([1, 2, 3].map(() => cached(part(), (line) => lines.push(line), signal)));
    assert.deepEqual(new Set(all), new Set([cachedPath(part())]));
    assert.equal(built, 1);
    assert.ok(lines.includes('part: building, 0 s, usually 1 s'));
    assert.ok(lines.includes('part: another clone builds it, waiting'));
  });

  it('builds again when an input changes', async () => {
    const first = await cached(part(), ignore, signal);
    const second = await cached(part(undefined, ['v2']), ignore, signal);
    assert.notEqual(first, second);
    assert.equal(readFileSync(join(second, 'file'), 'utf8'), 'v2');
  });

  it('keeps the versions used last, of that part alone', async () => {
    const version = (input: string): CachedPart => ({ ...part(undefined, [input]), keep: 2 });
    const other = await cached({ ...part(), name: 'part-other' }, ignore, signal);
    const paths: string[] = [];
    for (const input of ['v1', 'v2', 'v1', 'v3']) {
      paths.push(await cached(version(input), ignore, signal));
      await pause(20);
    }
    assert.deepEqual(paths.map(existsSync), [true, false, true, true]);
    assert.ok(existsSync(other));
  });

  it('leaves nothing of a build that failed, and the next one may try', async () => {
    const broken = part(async (dir) => {
      writeFileSync(join(dir, 'half'), '');
      throw new Error('no compiler');
    });
    await assert.rejects(cached(broken, ignore, signal), /no compiler/);
    assert.deepEqual(readdirSync(folder), ['locks']);
    await cached(part(), ignore, signal);
    assert.equal(built, 1);
  });
});
