import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import {
  hashLine,
  type JournalEvent,
  type JournalHead,
  type JournalLine,
  nextLine,
} from '../../../sidecar/journal/entry.ts';
import { createState } from '../../../sidecar/journal/state.ts';
import { verifyFolder } from '../../../sidecar/journal/verify.ts';
import { AUDIT, createPlace, createSegments, type Place, START_MS, signed } from './fixtures.ts';

describe('journal segments @security', function () {
  this.timeout(30_000);
  let place: Place;
  beforeEach(() => {
    place = createPlace();
  });
  afterEach(() => place.remove());
  const { append, fill, settle, read, forge } = createSegments(() => place);

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
    assert.equal(result.signed?.n, place.lines().find(({ event }) => event.type === 'checkpoint')!.n);
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
});
