import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { hashLine, type JournalEvent, type JournalLine } from '../../../sidecar/journal/entry.ts';
import { JOURNAL_FILE, type Journal, openJournal } from '../../../sidecar/journal/journal.ts';
import { verifyJournal } from '../../../sidecar/journal/verify.ts';
import { ACCOUNT } from '../policy/fixtures.ts';

const NETWORK = 'ab'.repeat(32);
const refused = (detail: string): JournalEvent => ({ type: 'refused', code: 'expired', detail });

describe('journal @security', () => {
  let dir: string;
  let lines: JournalLine[];
  const file = () => join(dir, JOURNAL_FILE);
  const text = () => readFileSync(file(), 'utf8');
  const openIt = (changes: { account?: string; network?: string } = {}): Promise<Journal> => {
    lines = [];
    return openJournal({
      dir,
      account: ACCOUNT,
      network: NETWORK,
      now: () => new Date(1_800_000_000_000),
      onLine: (line) => lines.push(line),
      ...changes,
    });
  };
  /** A journal of one first line and `count` refusals, closed. */
  const write = async (count: number): Promise<void> => {
    const journal = await openIt();
    for (let i = 0; i < count; i++) await journal.append(refused(`number ${i}`));
    await journal.close();
  };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'journal-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('chains canonical lines and reads them again', async () => {
    await write(2);
    const [first, second] = text().split('\n');
    assert.ok(first!.startsWith(`{"event":{"account":"${ACCOUNT}","id":"`));
    assert.equal(
      second,
      `{"event":{"code":"expired","detail":"number 0","type":"refused"},"n":1,"prev":"${hashLine(first!)}","time":"2027-01-15T08:00:00.000Z"}`,
    );
    const journal = await openIt();
    assert.deepEqual(
      lines.map(({ n, event }) => [n, event.type]),
      [
        [0, 'created'],
        [1, 'refused'],
        [2, 'refused'],
      ],
    );
    assert.equal(journal.id, (lines[0]!.event as { id: string }).id);
    assert.deepEqual(journal.head(), { n: 2, hash: hashLine(text().split('\n')[2]!) });
    await journal.append(refused('more'));
    assert.equal(journal.head().n, 3);
    await journal.close();
    assert.equal(verifyJournal(text()).ok, true);
  });

  it('writes what waits together in one piece, in order, and answers when it is on the disk', async () => {
    const journal = await openIt();
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 500 }, async (_, i) => {
        await journal.append(refused(`${i}`));
        assert.ok(text().includes(`"detail":"${i}"`));
        order.push(i);
      }),
    );
    await journal.close();
    assert.deepEqual(
      order,
      Array.from({ length: 500 }, (_, i) => i),
    );
    assert.equal(verifyJournal(text()).ok, true);
  });

  it('cuts off an incomplete last line with a line that says so', async () => {
    await write(1);
    appendFileSync(file(), `{"event":{"code":"${'x'.repeat(982)}`);
    const journal = await openIt();
    await journal.append(refused('after'));
    await journal.close();
    assert.ok(text().endsWith('\n'));
    await (await openIt()).close();
    assert.deepEqual(
      lines.map(({ event }) => event),
      [lines[0]!.event, refused('number 0'), { type: 'incomplete-line-cut', bytes: 1000 }, refused('after')],
    );
  });

  it('begins anew when not even the first line was complete', async () => {
    writeFileSync(file(), '{"event":{"acc');
    await (await openIt()).close();
    await (await openIt()).close();
    assert.deepEqual(
      lines.map(({ event }) => event.type),
      ['created'],
    );
  });

  it('names the line of any edit, removal, insertion and reorder, and does not start on it', async () => {
    await write(3);
    const good = text().trimEnd().split('\n');
    const [a, b, c, d] = good as [string, string, string, string];
    const cases: [string[], number, RegExp][] = [
      [[a, b.replace('number 0', 'number 9'), c, d], 3, /does not follow/],
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
        /only the first line/,
      ],
    ];
    for (const [changed, line, reason] of cases) {
      writeFileSync(file(), changed.map((entry) => `${entry}\n`).join(''));
      const result = verifyJournal(text());
      assert.ok(!result.ok && result.line === line && reason.test(result.reason), JSON.stringify(result));
      await assert.rejects(openIt(), { code: 'journal-corrupt' });
    }
  });

  it('finds any change of any byte but in the last line', async () => {
    await write(3);
    const good = text();
    const lastLine = good.trimEnd().lastIndexOf('\n') + 1;
    fc.assert(
      fc.property(fc.nat({ max: lastLine - 1 }), fc.integer({ min: 32, max: 126 }), (at, code) => {
        const changed = good.slice(0, at) + String.fromCharCode(code) + good.slice(at + 1);
        assert.equal(verifyJournal(changed).ok, changed === good);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses the journal of another account or network', async () => {
    await write(0);
    await assert.rejects(openIt({ account: `G${'A'.repeat(55)}` }), /line 1: .*another account or network/);
    await assert.rejects(openIt({ network: 'cd'.repeat(32) }), /another account or network/);
  });
});
