import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { hashLine, type JournalEvent } from '../../../sidecar/journal/entry.ts';
import { verifyFolder } from '../../../sidecar/journal/verify.ts';
import { AUDIT, auditor, createPlace, createSegments, type Place } from './fixtures.ts';

describe('verification of a journal @security', () => {
  let place: Place;
  let names: string[];
  /** Four files, their checkpoints signed. */
  beforeEach(async () => {
    place = createPlace();
    const journal = await place.open({ signCheckpoint: AUDIT.signCheckpoint });
    for (let i = 0; i < 3; i++) {
      await fill(journal, 1);
      await settle(journal);
    }
    await place.closeAll();
    names = place.files();
  });
  afterEach(() => place.remove());
  const { fill, settle, read, forge } = createSegments(() => place);
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

  it('finds all written anew after a signed checkpoint, once two more should be signed', async () => {
    const journal = await place.open({ expected: async () => 'unsaid' });
    await fill(journal, 1);
    assert.equal(await fault({ auditKey: AUDIT.hex }), 'ok');
    await fill(journal, 1);
    assert.match(await fault({ auditKey: AUDIT.hex }), /the last 2 checkpoints are not signed/);
    assert.equal(await fault({}), 'ok');
  });

  it('finds all of it written anew without a checkpoint', async () => {
    const [first = '', ...others] = names;
    for (const name of others) rmSync(join(place.dir, name));
    assert.equal(await fault({}), 'ok');
    assert.match(
      await fault({ auditKey: AUDIT.hex }),
      new RegExp(`${first} line \\d+: no checkpoint is signed by`),
    );
  });

  it('finds a beginning that is missing', async () => {
    rmSync(join(place.dir, names[0]!));
    assert.match(await fault({}), /lines 0 to \d+ are missing, and no line says that they were removed/);
  });

  it('finds a journal that is not there', async () => {
    for (const name of names) rmSync(join(place.dir, name));
    assert.match(await fault({}), /there is no journal here/);
    const nowhere = await verifyFolder(join(place.dir, 'nowhere'));
    assert.ok(!nowhere.ok && /there is no journal here/.test(nowhere.reason));
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

  it('follows a journal whose oldest files are being removed, or were removed in part by a signer that died', async () => {
    const [first = '', second = '', third = ''] = names;
    const journal = await place.open({ expected: async () => 'unsaid' });
    const to = Number(third.slice(8, 20)) - 1;
    const head = hashLine(place.text().split('\n')[to]!);
    await journal.append({ type: 'segments-removed', from: 0, to, head });
    assert.equal(await fault({}), 'ok');
    const kept = read(second);
    /** Verifies while `gone` are removed, once the first file was read. */
    const seen: number[] = [];
    const verifyDuring = async (...gone: string[]) => {
      seen.length = 0;
      const result = await verifyFolder(
        place.dir,
        {},
        {
          line: ({ n }) => void seen.push(n),
          fileEnd: async () => {
            for (const name of gone) rmSync(join(place.dir, name), { force: true });
          },
        },
      );
      assert.equal(new Set(seen).size, seen.length);
      return result;
    };
    const damaged = await verifyDuring(second);
    assert.ok(!damaged.ok && damaged.file === third, JSON.stringify(damaged));
    writeFileSync(join(place.dir, second), kept);
    const result = await verifyDuring(first, second);
    assert.ok(result.ok, JSON.stringify(result));
    assert.equal(result.first, to + 1);
    writeFileSync(join(place.dir, second), kept);
    assert.equal(await fault({}), 'ok');
    rmSync(join(place.dir, second));
    rmSync(join(place.dir, third));
    assert.match(await fault({}), /no line says that they were removed/);
  });

  it('says of what is no plain file, or too large, that it is so, and neither waits nor reads it', async () => {
    const [, second = ''] = names;
    const path = join(place.dir, second);
    renameSync(path, `${path}.kept`);
    for (const [make, reason] of [
      [() => symlinkSync(`${path}.kept`, path), /is no plain file/],
      [() => execFileSync('mkfifo', [path]), /is no plain file/],
      [() => mkdirSync(path), /is no plain file/],
      [() => writeFileSync(path, '') ?? truncateSync(path, 10_000_000_000), /is larger than any segment/],
    ] as const) {
      make();
      assert.match(await fault({}), reason);
      rmSync(path, { recursive: true });
    }
  });
});
