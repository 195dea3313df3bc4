import assert from 'node:assert/strict';
import type { JournalEvent } from '../../../sidecar/journal/entry.ts';
import { verifyJournal } from '../../../sidecar/journal/verify.ts';
import { createWriter } from '../../../sidecar/journal/writer.ts';

const CREATED: JournalEvent = { type: 'created', id: 'x', account: 'G', network: '00'.repeat(32) };
const STARTED: JournalEvent = { type: 'started' };

/** A file in memory whose calls can fail and can be slow or short. */
function fakeFile(faults: { write?: () => void; datasync?: () => Promise<void>; shortest?: number } = {}) {
  let bytes = Buffer.alloc(0);
  let syncs = 0;
  return {
    text: () => bytes.toString('utf8'),
    syncs: () => syncs,
    /** Another process writes behind our back. */
    intrude: (text: string) => {
      bytes = Buffer.concat([bytes, Buffer.from(text)]);
    },
    file: {
      stat: async () => ({ size: bytes.length }),
      async write(buffer: Buffer, offset: number, length: number, position: number) {
        faults.write?.();
        const bytesWritten = Math.min(length, faults.shortest ?? length);
        const end = Math.max(bytes.length, position + bytesWritten);
        bytes = Buffer.concat([bytes, Buffer.alloc(end - bytes.length)]);
        buffer.copy(bytes, position, offset, offset + bytesWritten);
        return { bytesWritten, buffer };
      },
      async datasync() {
        await faults.datasync?.();
        syncs++;
      },
      close: async () => undefined,
    } as unknown as Parameters<typeof createWriter>[0],
  };
}
const writer = ({ file }: ReturnType<typeof fakeFile>) => createWriter(file, 0, undefined, () => new Date(0));

describe('journal writer @security', () => {
  it('answers only after fdatasync', async () => {
    let finish: () => void = () => undefined;
    const fake = fakeFile({
      datasync: () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    });
    let isDone = false;
    const appended = writer(fake)
      .append(CREATED)
      .then(() => {
        isDone = true;
      });
    await new Promise(setImmediate);
    assert.ok(fake.text().endsWith('\n'));
    assert.equal(isDone, false);
    finish();
    await appended;
  });

  it('shares one fdatasync among the lines that wait', async () => {
    const fake = fakeFile();
    const journal = writer(fake);
    await Promise.all([CREATED, ...Array.from({ length: 99 }, () => STARTED)].map(journal.append));
    assert.ok(fake.syncs() <= 2, `${fake.syncs()} syncs`);
    assert.equal(journal.head().n, 99);
    assert.ok(verifyJournal(fake.text()).ok);
  });

  it('goes on after short writes', async () => {
    const fake = fakeFile({ shortest: 7 });
    await writer(fake).append(CREATED);
    const result = verifyJournal(fake.text());
    assert.ok(result.ok && result.head?.n === 0 && result.incompleteBytes === 0);
  });

  it('writes nothing that could not be read again, and goes on', async () => {
    const fake = fakeFile();
    const journal = writer(fake);
    await journal.append(CREATED);
    const before = fake.text();
    const unreadable = { type: 'incomplete-line-cut', bytes: 0.5 } as const;
    await assert.rejects(journal.append(unreadable), TypeError);
    assert.deepEqual([fake.text(), journal.fault()], [before, undefined]);
    await journal.append(STARTED);
    assert.ok(verifyJournal(fake.text()).ok);
  });

  it('takes nothing more once somebody else has written to the file, and harms nothing there', async () => {
    const fake = fakeFile();
    const journal = writer(fake);
    await journal.append(CREATED);
    fake.intrude('{"n":1}\n');
    const text = fake.text();
    await assert.rejects(journal.append(STARTED), { code: 'journal-unavailable' });
    assert.match(journal.fault()!, /another process/);
    assert.equal(fake.text(), text);
  });

  for (const call of ['write', 'datasync'] as const)
    it(`takes nothing more once ${call} has failed`, async () => {
      let isFull = false;
      const fail = () => {
        if (isFull) throw new Error('ENOSPC: no space left on device');
      };
      const fake = fakeFile({
        write: () => call === 'write' && fail(),
        datasync: async () => {
          call === 'datasync' && fail();
        },
      });
      const journal = writer(fake);
      await journal.append(CREATED);
      const head = journal.head();
      isFull = true;
      await assert.rejects(journal.append(STARTED), { code: 'journal-unavailable' });
      isFull = false;
      await assert.rejects(journal.append(STARTED), { code: 'journal-unavailable' });
      assert.deepEqual(journal.head(), head);
      assert.match(journal.fault()!, /ENOSPC/);
    });
});
