import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readNewest } from '../../../sidecar/journal/opening.ts';
import { spaceWarning } from '../../../sidecar/journal/upkeep.ts';
import { verifyFolder } from '../../../sidecar/journal/verify.ts';
import { createPlace, faultyDisk, type Place, refused, STARTED, signed } from './fixtures.ts';

const WRITER = fileURLToPath(new URL('disk-full.ts', import.meta.url));

describe('journal on a real disk @security', function () {
  this.timeout(60_000);
  let place: Place;
  beforeEach(() => {
    place = createPlace();
  });
  afterEach(() => place.remove());

  it('releases nothing when the disk is full, says so, and is whole once there is room', async () => {
    const { stdout } = await promisify(execFile)('bash', [
      '-c',
      'ulimit -f 64 && exec "$0" "$1" "$2"',
      process.execPath,
      WRITER,
      place.dir,
    ]);
    const { released, code, fault, head, again } = JSON.parse(stdout);
    assert.ok(released > 10 && released < 200, stdout);
    assert.equal(code, 'journal-unavailable');
    assert.match(fault, /EFBIG|takes no more/);
    assert.equal(again, 'journal-unavailable');
    assert.equal(head.n, released + 1);
    // What was written of the line that failed is cut off, and no line that was released is missing.
    const journal = await place.open({ expected: async () => 'unsaid' });
    assert.equal(place.types().filter((type) => type === 'signed').length, released);
    await journal.append(signed(1_000));
    assert.ok((await verifyFolder(place.dir)).ok);
  });

  it('does not begin on a disk that may not be written to', async () => {
    const { disk, faults } = faultyDisk();
    faults.before = async (call) => {
      if (call === 'open') throw new Error('EROFS: read-only file system');
    };
    await assert.rejects(place.open({ disk }), /EROFS/);
    assert.deepEqual(place.files(), []);
  });

  it('starts on 100,000 lines in less than two seconds', async () => {
    const journal = await place.open();
    for (let n = 0; n < 100_000; n += 2_000) {
      const lines = Array.from({ length: 2_000 }, (_, i) => signed(n + i));
      await Promise.all(lines.map((line) => journal.append(line)));
      place.time.wallMs = lines.at(-1)!.at;
    }
    await place.closeAll();
    assert.ok((await readNewest(place.dir))!.head.n >= 100_000);
    const times = [];
    for (let i = 0; i < 3; i++) {
      const start = performance.now();
      await place.open({ expected: async () => 'unsaid' });
      times.push(performance.now() - start);
      await place.closeAll();
    }
    assert.ok(Math.min(...times) < 2_000, times.join());
  });

  it('warns once when less than a fifth of the disk is free, and again after there was room', async () => {
    const { disk, faults } = faultyDisk();
    const journal = await place.open({ disk });
    const warned: (number | undefined)[][] = [];
    for (const free of [0.5, 0.19, 0.1, 0.21, 0.19, 0.26, 0.05]) {
      faults.free = free;
      place.pass(10_000);
      await journal.tick();
      warned.push(place.lines().flatMap(({ event }) => (event.type === 'space-low' ? [event.free] : [])));
      assert.equal(spaceWarning(journal.freeShare()) !== undefined, free < 0.2);
    }
    assert.deepEqual(warned, [[], [19], [19], [19], [19], [19], [19, 5]]);
    assert.equal(place.noticed.filter(({ type }) => type === 'space-low').length, 2);
  });

  it('tells how much of the disk is free', async () => {
    const journal = await place.open();
    await journal.tick();
    const free = journal.freeShare();
    assert.ok(free > 0 && free < 1, String(free));
    journal.refuse(refused('x'));
    await journal.append(STARTED);
    assert.equal(place.types().at(-2), 'refused');
  });
});
