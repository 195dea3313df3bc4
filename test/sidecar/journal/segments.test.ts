import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import type { SignCheckpoint } from '../../../sidecar/journal/audit.ts';
import {
  hashLine,
  type JournalEvent,
  type JournalHead,
  type JournalLine,
  nextLine,
} from '../../../sidecar/journal/entry.ts';
import type { Journal } from '../../../sidecar/journal/journal.ts';
import { createState } from '../../../sidecar/journal/state.ts';
import { verifyFolder } from '../../../sidecar/journal/verify.ts';
import { createPlace, type Place, START_MS, STARTED, signed } from './fixtures.ts';

/** Signs like the audit key of a token. */
function auditor(key: KeyObject): { hex: string; signCheckpoint: SignCheckpoint } {
  const hex = Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url').toString('hex');
  return {
    hex,
    signCheckpoint: async (message) => ({ key: hex, signature: sign(null, message, key).toString('hex') }),
  };
}
const AUDIT = auditor(generateKeyPairSync('ed25519').privateKey);

describe('journal segments @security', function () {
  this.timeout(30_000);
  let place: Place;
  let n = 0;
  beforeEach(() => {
    place = createPlace();
    n = 0;
  });
  afterEach(() => place.remove());

  const append = (journal: Journal): Promise<void> => {
    const { wallMs } = place.time;
    return journal.append(signed(n++, { at: wallMs, maxTime: `${Math.floor(wallMs / 1000) + 30}` }));
  };
  /** Signs until there are so many checkpoints more. */
  const fill = async (journal: Journal, checkpoints: number): Promise<void> => {
    const until = journal.checkpoint() + checkpoints;
    while (journal.checkpoint() < until) {
      await append(journal);
      place.pass(500_000);
    }
  };
  const settle = async (journal: Journal): Promise<void> => {
    await journal.tick();
    await new Promise(setImmediate);
    await journal.append(STARTED);
  };
  const read = (name: string): string => readFileSync(join(place.dir, name), 'utf8');

  /** Writes lines anew from `line` of a file on, so that the chain holds: what an attacker would do. */
  const forge = (name: string, at: number, edit: (event: JournalEvent) => JournalEvent): void => {
    const names = place.files();
    const position = names.indexOf(name);
    let head: JournalHead | undefined;
    for (const [i, each] of names.entries()) {
      const lines = read(each).trimEnd().split('\n');
      const written = lines.map((text, k) => {
        const { n: number, time, event } = JSON.parse(text) as JournalLine;
        const isBefore = i < position || (i === position && k < at);
        const next = isBefore
          ? { text, head: { n: number, hash: hashLine(text) } }
          : nextLine(head, new Date(time), i === position && k === at ? edit(event) : event);
        head = next.head;
        return `${next.text}\n`;
      });
      writeFileSync(join(place.dir, each), written.join(''));
    }
  };

  it('begins each with what all lines before add up to, so that a start reads the newest alone', async () => {
    const journal = await place.open();
    await fill(journal, 3);
    const [first, ...others] = place.files();
    assert.equal(others.length, 3);
    await place.closeAll();
    for (const name of others) {
      const line = JSON.parse(read(name).split('\n')[0]!) as JournalLine;
      assert.equal(line.event.type, 'checkpoint');
      assert.equal(name, `journal-${String(line.n).padStart(12, '0')}.jsonl`);
    }
    const all = createState();
    for (const text of place.text().trimEnd().split('\n'))
      all.apply(JSON.parse(text) as JournalLine, hashLine(text));
    rmSync(join(place.dir, first!));
    const again = await place.open({ expected: async () => 'unsaid' });
    assert.deepEqual(again.restored, all.save());
    assert.equal(again.checkpoint(), 3);
    assert.ok(again.restored.windows.some(({ kind }) => kind === 'swap'));
  });

  it('closes one at a mebibyte and four times its own checkpoint, so that checkpoints stay a quarter', async () => {
    const journal = await place.open();
    const wide = { operations: Array.from({ length: 1_000 }, () => 'manageSellOffer') };
    const spends = Array.from({ length: 200 }, (_, i) => ({
      kind: 'offer' as const,
      asset: `A${i}`,
      amount: '1',
    }));
    for (let i = 0; place.files().length < 4; i++) await journal.append(signed(i, { ...wide, spends }));
    for (const name of place.files().slice(0, -1)) {
      const bytes = read(name).length;
      assert.ok(bytes >= 1_048_576 && bytes < 1_150_000, `${name}: ${bytes}`);
    }
    for (let i = 0; i < 60_000; i += 2_000)
      await journal.append(
        signed(i, {
          spends: Array.from({ length: 2_000 }, (_, k) => ({
            kind: 'swap' as const,
            asset: `ASSET${i + k}`,
            amount: '1',
          })),
        }),
      );
    await place.closeAll();
    for (const name of place.files().slice(1, -1)) {
      const [checkpoint = ''] = read(name).split('\n', 1);
      assert.ok(read(name).length >= 4 * checkpoint.length, name);
    }
    assert.ok((await verifyFolder(place.dir)).ok);
  });

  it('closes a small one after an hour', async () => {
    const journal = await place.open();
    for (let i = 0; i < 3; i++) {
      for (let k = 0; k < 30; k++) await append(journal);
      place.pass(3_599_999);
      await append(journal);
      assert.equal(journal.checkpoint(), i);
      place.pass(1);
      await append(journal);
      assert.equal(journal.checkpoint(), i + 1);
    }
  });

  it('calls the journal broken when the newest has no whole checkpoint', async () => {
    for (const keep of [0, 100]) {
      const journal = await place.open();
      await fill(journal, 1);
      await place.closeAll();
      const newest = place.files().at(-1)!;
      writeFileSync(join(place.dir, newest), read(newest).slice(0, keep));
      assert.equal((await place.open()).standing().state, 'waiting');
      await place.remove();
      place = createPlace();
    }
  });

  it('is verified while it is written', async () => {
    const journal = await place.open();
    let isDone = false;
    const written = (async () => {
      await fill(journal, 40);
      isDone = true;
    })();
    let verified = 0;
    while (!isDone) {
      const result = await verifyFolder(place.dir);
      assert.ok(result.ok, JSON.stringify(result));
      verified++;
    }
    await written;
    assert.ok(verified > 1);
  });

  it('is the same from a checkpoint and the lines after it as from all lines', () => {
    const step = fc.record({
      n: fc.nat({ max: 20 }),
      gap: fc.nat({ max: 60_000 }),
      jump: fc.constantFrom(0, 0, 0, 3_600_000, -3_600_000),
      offer: fc.constantFrom(undefined, '1', '2'),
      amount: fc.integer({ min: 1, max: 100 }),
      cut: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        const lines: { line: JournalLine; head: JournalHead }[] = [];
        let wallMs = START_MS;
        let at = START_MS;
        const add = (event: JournalEvent) =>
          lines.push(nextLine(lines.at(-1)?.head, new Date(wallMs), event));
        add({ type: 'created', id: 'x', account: 'G', network: 'ab'.repeat(32) });
        const whole = createState();
        let tail = createState();
        const apply = ({ line, head }: (typeof lines)[number]) => {
          whole.apply(line, head.hash);
          tail.apply(line, head.hash);
        };
        apply(lines[0]!);
        for (const [i, one] of steps.entries()) {
          at += one.gap;
          wallMs += one.gap + one.jump;
          const spend = { kind: 'offer' as const, asset: 'XLM', amount: `${one.amount}` };
          add(
            signed(one.n, {
              at,
              sequence: `${1 + one.n}`,
              maxTime: `${Math.floor(wallMs / 1000) + 30}`,
              spends: [{ ...spend, ...(one.offer === undefined ? {} : { offer: one.offer }) }],
            }),
          );
          apply(lines.at(-1)!);
          if (!one.cut) continue;
          add({ type: 'checkpoint', number: i + 1, state: whole.save() });
          whole.apply(lines.at(-1)!.line, lines.at(-1)!.head.hash);
          // As read from a file: nothing but the checkpoint is known.
          tail = createState();
          tail.apply(JSON.parse(JSON.stringify(lines.at(-1)!.line)) as JournalLine, lines.at(-1)!.head.hash);
        }
        assert.deepEqual(tail.save(), whole.save());
        assert.equal(canonicalize(tail.save()), canonicalize(whole.save()));
      }),
      { numRuns: 200 },
    );
  });

  it('has its checkpoints signed after they are written, waits for no signature, and tries again', async () => {
    let isBroken = true;
    const journal = await place.open({
      signCheckpoint: async (message) => {
        assert.ok(message.length > 32);
        if (isBroken) throw new Error('no audit key now');
        return AUDIT.signCheckpoint(message);
      },
    });
    await fill(journal, 1);
    await settle(journal);
    assert.ok(!place.types().includes('checkpoint-signed'));
    isBroken = false;
    await settle(journal);
    assert.ok(!place.types().includes('checkpoint-signed'));
    place.pass(30_000);
    await settle(journal);
    await settle(journal);
    assert.equal(place.types().filter((type) => type === 'checkpoint-signed').length, 1);
    const result = await verifyFolder(place.dir, { auditKey: AUDIT.hex });
    assert.ok(result.ok && result.keys.join() === AUDIT.hex);
    assert.equal(result.signedThrough, place.lines().find(({ event }) => event.type === 'checkpoint')!.n);
  });

  it('writes no signature that is wrong', async () => {
    const journal = await place.open({
      signCheckpoint: async () => AUDIT.signCheckpoint(Buffer.from('something else')),
    });
    await fill(journal, 1);
    await settle(journal);
    assert.ok(!place.types().includes('checkpoint-signed'));
  });

  it('removes what is old and lies before a signed checkpoint, with a line that explains it', async () => {
    const journal = await place.open({ signCheckpoint: AUDIT.signCheckpoint, retentionDays: 1 });
    await fill(journal, 3);
    await settle(journal);
    const [, second, third, newest] = place.files();
    const until = Number(third!.match(/\d+/)![0]);
    place.pass(86_400_000 - (place.time.wallMs - Date.parse(place.lines()[until - 1]!.time)));
    place.pass(3_600_000);
    await settle(journal);
    const after = place.files();
    assert.ok(after.includes(newest!) && !after.includes(second!), after.join());
    const event = place.lines().findLast((line) => line.event.type === 'segments-removed')!.event;
    assert.ok(event.type === 'segments-removed' && event.from === 0);
    const result = await verifyFolder(place.dir, { auditKey: AUDIT.hex });
    assert.ok(result.ok, JSON.stringify(result));
    assert.equal(result.first, event.to + 1);
    const gone = await verifyFolder(place.dir, { head: { n: 0, hash: event.head } });
    assert.ok(!gone.ok && /the noted line 0 was removed/.test(gone.reason));
    await place.closeAll();
    assert.equal((await place.open()).standing().state, 'ready');
    await place.closeAll();
    // The same with a line that explains the removal of others.
    const last = place.files().at(-1)!;
    const at = read(last)
      .split('\n')
      .findIndex((text) => text.includes('segments-removed'));
    forge(last, at, (line) => ({ ...line, head: '00'.repeat(32) }) as JournalEvent);
    const unexplained = await verifyFolder(place.dir);
    assert.ok(!unexplained.ok && /no line says that they were removed/.test(unexplained.reason));
  });

  it('removes nothing without a signature, and nothing young', async () => {
    const journal = await place.open({ retentionDays: 1 });
    await fill(journal, 3);
    place.pass(10 * 86_400_000);
    await journal.tick();
    assert.equal(place.files().length, 4);
    await place.closeAll();
    const unsigned = await verifyFolder(place.dir, { auditKey: AUDIT.hex });
    assert.ok(!unsigned.ok && /no checkpoint is signed by/.test(unsigned.reason));
    const young = await place.open({ signCheckpoint: AUDIT.signCheckpoint, retentionDays: 30 });
    await settle(young);
    place.pass(3_600_000);
    await settle(young);
    assert.equal(place.files().length, 4);
  });

  describe('verification', () => {
    let names: string[];
    /** Four files, their checkpoints signed. */
    beforeEach(async () => {
      const journal = await place.open({ signCheckpoint: AUDIT.signCheckpoint });
      for (let i = 0; i < 3; i++) {
        await fill(journal, 1);
        await settle(journal);
      }
      await place.closeAll();
      names = place.files();
    });
    const change = (name: string, edit: (lines: string[]) => string[]): void => {
      const lines = read(name).trimEnd().split('\n');
      writeFileSync(
        join(place.dir, name),
        edit(lines)
          .map((line) => `${line}\n`)
          .join(''),
      );
    };
    const fault = async (...noted: Parameters<typeof verifyFolder>[1][]): Promise<string> => {
      const result = await verifyFolder(place.dir, ...noted);
      return result.ok ? 'ok' : `${result.file} line ${result.line}: ${result.reason}`;
    };

    it('is content with what was written, and with what was noted', async () => {
      const lines = place.text().trimEnd().split('\n');
      assert.equal(await fault({}), 'ok');
      for (const at of [0, 2, lines.length - 1])
        assert.equal(await fault({ head: { n: at, hash: hashLine(lines[at]!) } }), 'ok');
      assert.equal(await fault({ auditKey: AUDIT.hex, checkpoint: 3 }), 'ok');
    });

    it('names file and line of what does not fit together', async () => {
      const [, second = '', third = '', last = ''] = names;
      const before = new Map(names.map((name) => [name, read(name)]));
      const restore = () => {
        for (const [name, text] of before) writeFileSync(join(place.dir, name), text);
      };
      const cases: [() => void, RegExp][] = [
        [
          () => change(second, ([a, b, ...rest]) => [a!, b!.replace('"100"', '"101"'), ...rest]),
          new RegExp(`${second} line 2: it was changed`),
        ],
        [() => change(second, (lines) => lines.slice(0, -1)), new RegExp(`${third} line 1: its number`)],
        [() => rmSync(join(place.dir, second)), new RegExp(`${third} line 1: its number`)],
        [() => change(third, () => []), new RegExp(`${third} line 1: it has no whole line`)],
        [
          () => writeFileSync(join(place.dir, second), `${before.get(second)}{"x`),
          new RegExp(`${second} line \\d+: its last line is not whole`),
        ],
        [() => change(last, ([a, ...rest]) => [...rest, a!]), new RegExp(`${last} line 1: its number`)],
      ];
      for (const [damage, message] of cases) {
        damage();
        assert.match(await fault({}), message);
        restore();
      }
      const other = `journal-${String(Number(third.slice(8, 20)) + 1).padStart(12, '0')}.jsonl`;
      renameSync(join(place.dir, third), join(place.dir, other));
      assert.match(await fault({}), new RegExp(`${other} line 1: its name says line`));
    });

    it('finds what was forged with a whole chain: a state that is not the sum, a signature of something else', async () => {
      const [, second = '', third = ''] = names;
      forge(third, 0, (event) =>
        event.type === 'checkpoint' ? { ...event, state: { ...event.state, windows: [] } } : event,
      );
      assert.match(await fault({}), new RegExp(`${third} line 1: the state in this checkpoint`));
      forge(second, 1, (event) => (event.type === 'signed' ? { ...event, fee: '7' } : event));
      assert.match(await fault({}), /is not what the lines|another hash than the one/);
      forge(third, 0, (event) => (event.type === 'checkpoint' ? { ...event, number: 1 } : event));
      assert.match(await fault({}), new RegExp(`${third} line 1: checkpoint 1 comes after checkpoint 1`));
    });

    it('finds another’s signature, none at all, and one that does not verify', async () => {
      const other = auditor(generateKeyPairSync('ed25519').privateKey);
      assert.match(await fault({ auditKey: other.hex }), /is signed by another key/);
      const [, second = ''] = names;
      const at = read(second)
        .split('\n')
        .findIndex((text) => text.includes('checkpoint-signed'));
      forge(second, at, (event) => ({ ...event, signature: '00'.repeat(64) }) as JournalEvent);
      assert.match(
        await fault({}),
        new RegExp(`${second} line ${at + 1}: the signature of checkpoint 1 does not verify`),
      );
      forge(second, at, (event) => ({ ...event, checkpoint: '00'.repeat(32) }) as JournalEvent);
      assert.match(await fault({}), /checkpoint 1 has another hash than the one that is signed/);
    });

    it('finds an end that is missing by a noted line or checkpoint, and a noted line that was replaced', async () => {
      const last = names.at(-1)!;
      const lines = place.text().trimEnd().split('\n');
      const head = { n: lines.length - 1, hash: hashLine(lines.at(-1)!) };
      change(last, (all) => all.slice(0, -1));
      assert.equal(await fault({}), 'ok');
      assert.match(await fault({ head }), /it is cut off: line \d+ was noted/);
      assert.equal(await fault({ checkpoint: 3 }), 'ok');
      rmSync(join(place.dir, last));
      assert.equal(await fault({}), 'ok');
      assert.match(
        await fault({ checkpoint: 3 }),
        /it is cut off: checkpoint 3 was noted, and the newest is 2/,
      );
      assert.match(
        await fault({ head: { n: 1, hash: 'ab'.repeat(32) } }),
        /line 2: it is not the line 1 that was noted/,
      );
    });

    it('finds a beginning that is missing', async () => {
      rmSync(join(place.dir, names[0]!));
      assert.match(await fault({}), /lines 0 to \d+ are missing, and no line says that they were removed/);
    });

    it('finds a journal that is not there', async () => {
      for (const name of names) rmSync(join(place.dir, name));
      assert.match(await fault({}), /there is no journal here/);
    });

    it('names any edit, removal, insertion and reorder of lines anywhere', async () => {
      const all = names.map((name) => [name, read(name).trimEnd().split('\n')] as const);
      const kinds = fc.constantFrom('edit', 'remove', 'insert', 'swap');
      await fc.assert(
        fc.asyncProperty(kinds, fc.nat(), fc.nat(), fc.nat(), async (kind, f, l, b) => {
          const [name, lines] = all[f % all.length]!;
          const at = l % lines.length;
          const isEnd = name === names.at(-1) && at >= lines.length - 1;
          fc.pre(!isEnd);
          const line = lines[at]!;
          const changed = [...lines];
          const byte = b % line.length;
          if (kind === 'edit')
            changed[at] = `${line.slice(0, byte)}${line[byte] === 'x' ? 'y' : 'x'}${line.slice(byte + 1)}`;
          if (kind === 'remove') changed.splice(at, 1);
          if (kind === 'insert') changed.splice(at, 0, lines[b % lines.length]!);
          if (kind === 'swap')
            [changed[at], changed[at - 1 < 0 ? 1 : at - 1]] = [lines[at - 1 < 0 ? 1 : at - 1]!, line];
          writeFileSync(join(place.dir, name), changed.map((text) => `${text}\n`).join(''));
          const result = await verifyFolder(place.dir);
          writeFileSync(join(place.dir, name), lines.map((text) => `${text}\n`).join(''));
          assert.ok(!result.ok && result.line > 0);
        }),
        { numRuns: 150 },
      );
    });
  });
});
