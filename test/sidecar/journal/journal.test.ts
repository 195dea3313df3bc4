import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { hashLine } from '../../../sidecar/journal/entry.ts';
import { verifyFolder } from '../../../sidecar/journal/verify.ts';
import { ACCOUNT } from '../policy/fixtures.ts';
import { createPlace, NETWORK, type Place, refused, STARTED } from './fixtures.ts';

const FIRST = 'journal-000000000000.jsonl';

describe('journal @security', () => {
  let place: Place;
  const file = () => join(place.dir, FIRST);
  const verify = () => verifyFolder(place.dir);
  /** A confirmed journal with `count` refusals, closed. */
  const write = async (count: number): Promise<void> => {
    const journal = await place.open();
    for (let i = 0; i < count; i++) await journal.append(refused(`number ${i}`));
    await place.closeAll();
  };
  beforeEach(() => {
    place = createPlace();
  });
  afterEach(() => place.remove());

  it('chains canonical lines and reads them again', async () => {
    await write(2);
    const [first, second, third] = place.text().split('\n');
    assert.ok(first!.startsWith(`{"event":{"account":"${ACCOUNT}","id":"`));
    assert.equal(
      third,
      `{"event":{"code":"expired","detail":"number 0","type":"refused"},"n":2,"prev":"${hashLine(second!)}","time":"2027-01-15T08:00:00.000Z"}`,
    );
    const journal = await place.open({ expected: async () => 'unsaid' });
    assert.deepEqual(place.types(), ['created', 'confirmed', 'refused', 'refused']);
    assert.equal(journal.id, (place.lines()[0]!.event as { id: string }).id);
    assert.deepEqual(journal.head(), { n: 3, hash: hashLine(place.text().split('\n')[3]!) });
    await journal.append(refused('more'));
    assert.equal(journal.head().n, 4);
    assert.equal((await verify()).ok, true);
  });

  it('writes what waits together in one piece, in order, and answers when it is on the disk', async () => {
    const journal = await place.open();
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 500 }, async (_, i) => {
        await journal.append(refused(`${i}`));
        assert.ok(place.text().includes(`"detail":"${i}"`));
        order.push(i);
      }),
    );
    assert.deepEqual(
      order,
      Array.from({ length: 500 }, (_, i) => i),
    );
    assert.equal((await verify()).ok, true);
  });

  it('cuts off an incomplete last line with a line that says so', async () => {
    await write(1);
    appendFileSync(file(), `{"event":{"code":"${'x'.repeat(982)}`);
    const journal = await place.open();
    await journal.append(refused('after'));
    await place.closeAll();
    assert.ok(place.text().endsWith('\n'));
    await place.open();
    assert.deepEqual(
      place
        .lines()
        .slice(2)
        .map(({ event }) => event),
      [refused('number 0'), { type: 'incomplete-line-cut', bytes: 1000 }, refused('after')],
    );
  });

  it('names the line of any edit, removal, insertion and reorder, and does not start on it', async () => {
    await write(2);
    const [a, b, c, d] = place.text().trimEnd().split('\n') as [string, string, string, string];
    const cases: [string[], number, RegExp][] = [
      [[a, b.replace('init', 'operator'), c, d], 2, /it was changed/],
      [[a, b, c.replace('number 0', 'number 9'), d], 4, /one of the two was changed/],
      [[a, b, c.replace(/"prev":"./, '"prev":"x'), d], 3, /not a line/],
      [[a, b, c.replace(/"prev":"[0-9a-f]{4}/, '"prev":"0000'), d], 3, /one of the two was changed/],
      [[a, c, d], 2, /its number is 2/],
      [[b, c, d], 1, /its number is 1/],
      [[a, c, b, d], 2, /its number is 2/],
      [[a, b, b, c, d], 3, /its number is 1/],
      [[a, b, c, `${d} `], 4, /not canonical/],
      [[a, b, c, d.replace('"n":3', '"n":3,"x":1')], 4, /not a line|not canonical/],
      [[a, b, 'nonsense', d], 3, /JSON/],
      [
        [a, a.replace('"n":0', '"n":1').replace(/"prev":"0+"/, `"prev":"${hashLine(a)}"`)],
        2,
        /a file begins with/,
      ],
    ];
    for (const [changed, line, reason] of cases) {
      await place.remove();
      place = createPlace();
      writeFileSync(file(), changed.map((entry) => `${entry}\n`).join(''));
      const result = await verify();
      assert.ok(!result.ok && result.line === line && reason.test(result.reason), JSON.stringify(result));
      assert.equal(result.file, FIRST);
      const journal = await place.open();
      assert.equal(journal.standing().state, 'waiting');
      const { event } = place.lines()[1]!;
      assert.ok(
        event.type === 'loss' && event.reason === 'corrupt' && event.detail!.includes(`line ${line}:`),
      );
    }
  });

  it('finds any change of any byte but in the last line', async () => {
    await write(2);
    const good = place.text();
    const lastLine = good.trimEnd().lastIndexOf('\n') + 1;
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: lastLine - 1 }), fc.integer({ min: 32, max: 126 }), async (at, code) => {
        const changed = good.slice(0, at) + String.fromCharCode(code) + good.slice(at + 1);
        writeFileSync(file(), changed);
        assert.equal((await verify()).ok, changed === good);
      }),
      { numRuns: 300 },
    );
  });

  it('does not start on the journal of another account or network, and leaves it alone', async () => {
    await write(0);
    const before = place.text();
    for (const change of [{ account: `G${'A'.repeat(55)}` }, { network: 'cd'.repeat(32) }])
      await assert.rejects(place.open(change), { code: 'journal-foreign' });
    assert.equal(place.text(), before);
    assert.equal(NETWORK.length, 64);
  });

  it('is had by one process at a time', async () => {
    await place.open();
    await assert.rejects(place.open(), { code: 'journal-locked' });
    await place.closeAll();
    await place.open();
  });

  it('refuses to begin where nobody says that it may', async () => {
    await assert.rejects(place.open({ expected: async () => 'unsaid' }), /say --init/);
    assert.deepEqual(place.files(), []);
  });

  it('gives refusals a line each, and counts what is beyond sixty and one a second', async () => {
    const journal = await place.open();
    for (let i = 0; i < 100; i++) journal.refuse(refused(`${i}`));
    journal.refuse({ ...refused('x'), code: 'fee-too-high' });
    place.pass(2_000);
    journal.refuse(refused('later'));
    await journal.tick();
    await journal.append(STARTED);
    const events = place.lines().map(({ event }) => event);
    const lines = events.filter(({ type }) => type === 'refused');
    assert.equal(lines.length, 61);
    assert.deepEqual(lines.at(-1), refused('later'));
    assert.deepEqual(events.at(-2), { type: 'refusals', counts: { expired: 40, 'fee-too-high': 1 } });
    await journal.tick();
    assert.equal(place.lines().length, events.length);
    for (let i = 0; i < 5; i++) journal.refuse(refused('at the end'));
    await place.closeAll();
    assert.deepEqual(place.lines().at(-1)!.event, { type: 'refusals', counts: { expired: 4 } });
  });

  it('notices a wall clock that jumps, ahead and back, and one that is behind the journal at a start', async () => {
    const journal = await place.open();
    const steps = () =>
      place.lines().flatMap(({ event }) => (event.type === 'clock-stepped' ? [event.byMs] : []));
    await journal.tick();
    place.pass(1_000);
    place.time.wallMs += 1_900;
    await journal.tick();
    assert.deepEqual(steps(), []);
    place.time.wallMs += 3_600_000;
    await journal.tick();
    place.pass(1_000);
    await journal.tick();
    place.time.wallMs -= 7_200_000;
    await journal.tick();
    assert.deepEqual(steps(), [3_600_000, -7_200_000]);
    await place.closeAll();
    place.time.wallMs -= 10_000;
    await (await place.open()).tick();
    assert.deepEqual(steps(), [3_600_000, -7_200_000, -10_000]);
    assert.deepEqual(place.noticed.filter(({ type }) => type === 'clock-stepped').length, 3);
  });
});
