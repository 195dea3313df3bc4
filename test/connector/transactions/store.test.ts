import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../../connector/transactions/store.ts';

const HASH = 'ab'.repeat(32);
const OLD = 'cd'.repeat(32);

describe('connector/transactions/store', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'store-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('keeps an envelope over a restart until its fate is known', async () => {
    const store = await openStore(join(folder, 'new'), () => 1_000);
    await store.add({ hash: HASH, envelopeXdr: 'AAAA', maxTime: 1_030 });
    const second = await openStore(join(folder, 'new'), () => 1_000);
    assert.deepEqual(second.pending(), [
      { version: 1, hash: HASH, envelopeXdr: 'AAAA', maxTime: 1_030, fate: 'pending' },
    ]);
    await second.settle(HASH, 'applied');
    const third = await openStore(join(folder, 'new'), () => 1_000);
    assert.deepEqual(third.pending(), []);
    assert.equal(third.get(HASH)?.fate, 'applied');
  });

  it('forgets what settled a day ago, and nothing that is pending', async () => {
    let now = 1_000;
    const store = await openStore(folder, () => now);
    await store.add({ hash: HASH, envelopeXdr: 'AAAA', maxTime: 1_030 });
    await store.add({ hash: OLD, envelopeXdr: 'AAAA', maxTime: 1_030 });
    await store.settle(OLD, 'expired');
    now += 90_000;
    await store.add({ hash: 'ef'.repeat(32), envelopeXdr: 'AAAA', maxTime: 91_030 });
    assert.equal(store.get(OLD), undefined);
    assert.equal(store.get(HASH)?.fate, 'pending');
    assert.equal((await readdir(folder)).length, 2);
  });

  it('does not start on a file that it cannot read: it may be a live order', async () => {
    await writeFile(join(folder, `${HASH}.json`), '{"version":1');
    await assert.rejects(
      openStore(folder, () => 0),
      { code: 'state-unavailable' },
    );
  });

  it('drops what a crash left half-written: it was never sent', async () => {
    await writeFile(join(folder, `${HASH}.json.tmp`), '{"ver');
    const store = await openStore(folder, () => 0);
    assert.deepEqual(store.pending(), []);
    assert.deepEqual(await readdir(folder), []);
  });

  it('refuses the swap when the folder cannot be written', async () => {
    const store = await openStore(join(folder, 'gone'), () => 0);
    await rm(join(folder, 'gone'), { recursive: true });
    await assert.rejects(store.add({ hash: HASH, envelopeXdr: 'AAAA', maxTime: 1 }), {
      code: 'state-unavailable',
    });
  });
});
