import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { constants, cpSync, lstatSync, symlinkSync } from 'node:fs';
import { appendFile, type FileHandle, readFile, rename, rm, truncate } from 'node:fs/promises';
import type { JournalEvent } from '../../../sidecar/journal/entry.ts';
import { beginChain, goOn, readNewest } from '../../../sidecar/journal/opening.ts';
import { disk as realDisk } from '../../../sidecar/journal/segments.ts';
import { verifyFolder } from '../../../sidecar/journal/verify.ts';
import type { JournalWriter } from '../../../sidecar/journal/writer.ts';
import {
  type Call,
  createPlace,
  faultyDisk,
  NETWORK,
  type Place,
  START_MS,
  STARTED,
  signed,
} from './fixtures.ts';

const CREATED: JournalEvent = { type: 'created', id: 'x', account: 'G', network: NETWORK };

describe('journal writer @security', () => {
  let place: Place;
  let fake: ReturnType<typeof faultyDisk>;
  let writer: JournalWriter;
  const full = new Error('ENOSPC: no space left on device');
  const fail = (...calls: Call[]) => {
    fake.faults.before = async (call) => {
      if (calls.includes(call)) throw full;
    };
  };
  const mend = () => fail();
  /** The disk confirms nothing until `finish`; `reached`: it has the bytes. */
  const hold = () => {
    const held = Promise.withResolvers<void>();
    const { promise: reached, resolve } = Promise.withResolvers<void>();
    fake.faults.before = async (call) => {
      if (call !== 'datasync') return;
      resolve();
      await held.promise;
    };
    return { reached, finish: held.resolve };
  };
  const verified = async () => {
    const result = await verifyFolder(place.dir);
    assert.ok(result.ok, JSON.stringify(result));
    return result;
  };
  beforeEach(async () => {
    place = createPlace();
    fake = faultyDisk();
    const now = () => new Date(place.time.wallMs);
    await beginChain(realDisk, place.dir, now, [CREATED]);
    const options = { dir: place.dir, disk: fake.disk, now, monotonicMs: () => place.time.monotonicMs };
    writer = await goOn((await readNewest(place.dir))!, options);
  });
  afterEach(async () => {
    mend();
    await writer.close();
    await place.remove();
  });

  it('answers only after it is durable', async () => {
    const { reached, finish } = hold();
    let isDone = false;
    const appended = writer.append(STARTED).then(() => {
      isDone = true;
    });
    await reached;
    assert.equal(place.lines().length, 2);
    await new Promise(setImmediate);
    assert.equal(isDone, false);
    assert.equal(writer.head().n, 0);
    finish();
    await appended;
    assert.equal(writer.head().n, 1);
  });

  it('shares one durable write among the lines that wait', async () => {
    await Promise.all(Array.from({ length: 100 }, () => writer.append(STARTED)));
    assert.ok(fake.syncs() <= 2, `${fake.syncs()} syncs`);
    assert.equal(writer.head().n, 100);
    await verified();
  });

  it('goes on after short writes', async () => {
    fake.faults.shortest = 7;
    await writer.append(STARTED);
    assert.equal((await verified()).head.n, 1);
  });

  it('writes nothing that could not be read again, and goes on', async () => {
    const before = place.text();
    const unreadable = { type: 'incomplete-line-cut', bytes: 0.5 } as const;
    await assert.rejects(writer.append(unreadable), TypeError);
    assert.deepEqual([place.text(), writer.fault()], [before, undefined]);
    await writer.append(STARTED);
    await verified();
  });

  for (const [what, meddle] of [
    ['longer', (path: string) => appendFile(path, '{"n":1}\n')],
    ['shorter', (path: string) => truncate(path, 10)],
    ['gone', (path: string) => rm(path)],
    ['another', (path: string) => rename(path, `${path}.old`).then(() => cpSync(`${path}.old`, path))],
  ] as const)
    it(`takes nothing more, for good, once somebody else has made the file ${what}`, async () => {
      await writer.append(STARTED);
      await meddle(`${place.dir}/journal-000000000000.jsonl`);
      const text = place.text();
      await assert.rejects(writer.append(STARTED), { code: 'journal-unavailable' });
      assert.match(writer.fault()!, /somebody else/);
      await writer.recover();
      await assert.rejects(writer.append(STARTED), { code: 'journal-unavailable' });
      assert.equal(place.text(), text);
    });

  it('opens files so that a write is durable, at their end, and through no link', async () => {
    for (const isNew of [true, false]) {
      const file = (await realDisk.open(`${place.dir}/x`, isNew)) as FileHandle;
      const info = await readFile(`/proc/self/fdinfo/${file.fd}`, 'utf8');
      const flags = Number.parseInt(/flags:\s*(\d+)/.exec(info)![1]!, 8);
      for (const flag of [constants.O_DSYNC, constants.O_APPEND]) assert.equal(flags & flag, flag);
      await file.close();
    }
    const link = `${place.dir}/link`;
    symlinkSync(`${place.dir}/x`, link);
    await assert.rejects(realDisk.open(link, false), { code: 'ELOOP' });
    await (await realDisk.open(link, true)).close();
    assert.ok(lstatSync(link).isFile() && lstatSync(`${place.dir}/x`).isFile());
  });

  it('releases nothing when another process writes at the same time, and leaves what that wrote', async () => {
    const path = `${place.dir}/journal-000000000000.jsonl`;
    const other = '{"of":"another process that has released it"}\n';
    fake.faults.before = async (call) => {
      if (call === 'write') await appendFile(path, other);
    };
    await assert.rejects(writer.append(STARTED), { code: 'journal-unavailable' });
    assert.match(writer.fault()!, /somebody else/);
    assert.equal(writer.head().n, 0);
    mend();
    await writer.recover();
    assert.ok(place.text().includes(other));
    assert.match(writer.fault()!, /somebody else/);
  });

  it('stops while the wall clock shows a year that no line can hold', async () => {
    place.time.wallMs = Date.UTC(10_000, 0);
    await assert.rejects(writer.append(STARTED), { code: 'journal-unavailable' });
    assert.match(writer.fault()!, /wall clock/);
    await writer.recover();
    assert.match(writer.fault()!, /wall clock/);
    place.time.wallMs = START_MS;
    await writer.recover();
    await writer.append(STARTED);
    assert.deepEqual(place.types(), ['created', 'write-recovered', 'started']);
    await verified();
  });

  it('can be read again with a maxTime that no clock reaches in its checkpoint', async () => {
    await writer.append(signed(1, { maxTime: '9'.repeat(20) }));
    writer.rotate(0);
    await writer.append({ type: 'started', at: START_MS + 1_000_000 });
    writer.rotate(0);
    await writer.append(STARTED);
    await verified();
    assert.equal((await readNewest(place.dir))!.state.save().live.length, 1);
  });

  it('does not wait for the disk when the deadline has passed already', async () => {
    const { finish } = hold();
    await assert.rejects(writer.append(STARTED, AbortSignal.abort()), { code: 'journal-unavailable' });
    finish();
  });

  it('listens to no deadline once it has answered', async () => {
    const { signal } = new AbortController();
    await writer.append(STARTED, signal);
    fail('write');
    await assert.rejects(writer.append(STARTED, signal), { code: 'journal-unavailable' });
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  for (const call of ['write', 'datasync'] as const)
    it(`releases nothing once ${call} has failed, and goes on when the disk does, without what failed`, async () => {
      await writer.append(STARTED);
      const head = writer.head();
      fail(call);
      await assert.rejects(writer.append(STARTED), { code: 'journal-unavailable' });
      mend();
      await assert.rejects(writer.append(STARTED), { code: 'journal-unavailable' });
      assert.deepEqual(writer.head(), head);
      assert.match(writer.fault()!, /ENOSPC/);
      await writer.recover();
      assert.equal(writer.fault(), undefined);
      await writer.append(STARTED);
      assert.deepEqual(place.types(), ['created', 'started', 'write-recovered', 'started']);
      await verified();
    });

  for (const call of ['open', 'truncate', 'datasync'] as const)
    it(`stays at fault while ${call} fails when it tries again`, async () => {
      fail('write');
      await assert.rejects(writer.append(STARTED), { code: 'journal-unavailable' });
      fail(call);
      await writer.recover();
      assert.match(writer.fault()!, /ENOSPC/);
      await assert.rejects(writer.append(STARTED), { code: 'journal-unavailable' });
      mend();
      await writer.recover();
      await writer.append(STARTED);
      await verified();
    });

  for (const call of ['open', 'write', 'datasync', 'rename', 'syncFolder'] as const)
    it(`is as before when ${call} fails for a new segment`, async () => {
      await writer.append(STARTED);
      writer.rotate(0);
      let calls = 0;
      fake.faults.before = async (made) => {
        if (made === call && calls++ === 0) throw full;
      };
      await assert.rejects(writer.append(STARTED), { code: 'journal-unavailable' });
      await verified();
      await writer.recover();
      await writer.append(STARTED);
      const { checkpoint } = await verified();
      assert.equal(checkpoint, 1);
      assert.equal(place.files().length, 2);
      assert.deepEqual(place.types().slice(-3), ['checkpoint', 'write-recovered', 'started']);
    });

  it('has a new segment on the disk before it has its name, and its name before anything else is written', async () => {
    const calls: Call[] = [];
    fake.faults.before = async (call) => {
      calls.push(call);
    };
    writer.rotate(0);
    await writer.append(STARTED);
    assert.deepEqual(calls, ['open', 'write', 'datasync', 'rename', 'syncFolder', 'write', 'datasync']);
  });

  it('can be killed at any call to the disk: what was released is there, and the chain is whole', async () => {
    const copies: { dir: string; released: number }[] = [];
    fake.faults.shortest = 50;
    fake.faults.before = async () => {
      const dir = `${place.dir}-${copies.length}`;
      cpSync(place.dir, dir, { recursive: true, filter: (name) => !name.endsWith('lock') });
      copies.push({ dir, released: writer.head().n });
    };
    for (let i = 0; i < 6; i++) {
      if (i % 2 === 1) writer.rotate(0);
      await writer.append(STARTED);
    }
    mend();
    assert.ok(copies.length > 40);
    for (const { dir, released } of copies) {
      const found = await readNewest(dir);
      assert.ok(found!.head.n >= released);
      const result = await verifyFolder(dir);
      assert.ok(result.ok, JSON.stringify(result));
      await rm(dir, { recursive: true });
    }
  });

  it('says so when the disk is slow, and lets those who wait go at their deadline', async () => {
    const { reached, finish } = hold();
    const deadline = new AbortController();
    const appended = writer.append(STARTED, deadline.signal);
    place.pass(1_999);
    assert.equal(writer.fault(), undefined);
    place.pass(1);
    assert.match(writer.fault()!, /confirmed nothing for 2 s/);
    deadline.abort();
    await assert.rejects(appended, { code: 'journal-unavailable' });
    await reached;
    assert.equal(place.lines().length, 2);
    await new Promise(setImmediate);
    finish();
    mend();
    await writer.append(STARTED);
    assert.equal(writer.fault(), undefined);
    assert.equal((await verified()).head.n, 2);
  });
});
